from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from piqa_cli.model.store import ModelFolder
from piqa_cli.records import DEFECTS, Face, PhotoFile, PhotoScore, Severities
from piqa_cli.scoring import cache as cache_module
from piqa_cli.scoring.cache import FILE_NAME, Change, ResultCache

LIMIT = 200.0


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"content")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def keep(folder: Path, score: PhotoScore, model: ModelFolder, limit: float = LIMIT) -> None:
    cache = ResultCache.open(folder, on_note=pytest.fail)
    [(_, stamp, _)] = cache.lookup([PhotoFile(score.path)], model, limit)
    assert stamp is not None
    cache.store([(score, stamp)], model, limit)
    cache.close()


def ask(folder: Path, file: PhotoFile | Path, model: ModelFolder, limit: float = LIMIT) -> PhotoScore | None:
    cache = ResultCache.open(folder, on_note=pytest.fail)
    wanted = file if isinstance(file, PhotoFile) else PhotoFile(file)
    [(_, _, score)] = cache.lookup([wanted], model, limit)
    cache.close()
    return score


def test_a_record_comes_back_exactly(folder, photo, model, make_score) -> None:
    defects = Severities((0.25,) * len(DEFECTS))
    face = Face((1.0, 2.0, 3.0, 4.0), 0.9, ((1.5, 2.5),), -7.5, "profile", True, 55.5, defects, 0.125)
    score = make_score(
        photo,
        model=model.id,
        raw_mate=photo.with_suffix(".cr3"),
        reason="odd \udcff ☃",
        faces=(face, Face((1.0, 2.0, 3.0, 4.0), 0.9)),
        eyes_open=0.125,
        eyes="closed",
    )
    keep(folder, score, model)
    assert ask(folder, PhotoFile(photo, photo.with_suffix(".cr3")), model) == score


def test_paths_and_model_name_are_those_of_the_asking_run(folder, photo, model, make_score, monkeypatch) -> None:
    keep(folder, make_score(photo, model=model.id), model)
    monkeypatch.chdir(photo.parent)
    score = ask(folder, PhotoFile(Path("a.jpg"), Path("a.nef")), replace(model, name="renamed"))
    assert score is not None
    assert (score.path, score.raw_mate, score.model) == (Path("a.jpg"), Path("a.nef"), "renamed@0123456789ab")


def _touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def _grow(path: Path) -> None:
    status = path.stat()
    path.write_bytes(b"content and more")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [_touch, _grow, Path.unlink], ids=["mtime", "size", "gone"])
def test_a_changed_photo_is_unknown(folder, photo, model, make_score, change) -> None:
    keep(folder, make_score(photo), model)
    change(photo)
    assert ask(folder, photo, model) is None


def _embed(path: Path) -> Change:
    """What putting marks into a photo is to the cache."""
    before = path.stat()
    path.write_bytes(path.read_bytes() + b" and marks")
    return path, before, path, path.stat()


def _move(path: Path, target: Path) -> Change:
    path.replace(target)
    return path, target.stat(), target, target.stat()


def test_a_score_follows_the_photo_that_piqa_wrote_into(folder, photo, model, make_score) -> None:
    score = make_score(photo, model=model.id, file_size=photo.stat().st_size)
    keep(folder, score, model)
    keep(folder, replace(score, score=1.0), replace(model, fingerprint="ffff"))
    cache = ResultCache.open(folder, on_note=pytest.fail)
    cache.follow([_embed(photo), _embed(photo)])
    cache.close()
    assert ask(folder, photo, model) == replace(score, file_size=len(b"content and marks and marks"))
    other = ask(folder, photo, replace(model, fingerprint="ffff"))
    assert other is not None
    assert other.score == 1.0


def test_a_score_follows_no_photo_that_it_is_not_of(folder, photo, model, make_score) -> None:
    keep(folder, make_score(photo), model)
    photo.write_bytes(b"another photo")
    cache = ResultCache.open(folder, on_note=pytest.fail)
    cache.follow([_embed(photo)])
    cache.close()
    assert ask(folder, photo, model) is None


def test_a_score_goes_along_where_the_photo_is_moved(folder, photo, model, make_score) -> None:
    moved, other = photo.with_name("moved.jpg"), photo.with_name("other.jpg")
    for path, content, score in ((photo, b"content", 80.0), (moved, b"before", 1.0), (other, b"changed later", 20.0)):
        path.write_bytes(content)
        keep(folder, make_score(path, model=model.id, score=score), model)
    other.write_bytes(b"yet another one")
    cache = ResultCache.open(folder, on_note=pytest.fail)
    cache.follow([_embed(photo), _move(photo, moved), _move(other, photo)])
    cache.close()
    known = ask(folder, moved, model)
    assert known is not None
    assert (known.path, known.score) == (moved, 80.0)
    assert ask(folder, photo, model) is None


def test_an_error_follows_no_photo(folder, photo, model) -> None:
    keep(folder, PhotoScore(photo, "error", reason="truncated"), model)
    cache = ResultCache.open(folder, on_note=pytest.fail)
    cache.follow([_embed(photo)])
    cache.close()
    assert ask(folder, photo, model) is None


def test_another_model_or_piqa_is_another_matter(folder, photo, model, make_score, monkeypatch) -> None:
    keep(folder, make_score(photo), model)
    assert ask(folder, photo, replace(model, fingerprint="ffff")) is None
    monkeypatch.setattr(cache_module, "__version__", "99.0")
    assert ask(folder, photo, model) is None


def test_rows_are_replaced_not_added(folder, photo, model, make_score) -> None:
    for content in (b"1", b"22", b"333"):
        photo.write_bytes(content)
        keep(folder, make_score(photo), model)
    with sqlite3.connect(folder / FILE_NAME) as connection:
        assert connection.execute("SELECT count(*) FROM scores").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize(
    ("score", "then", "known"),
    [
        (PhotoScore(Path(), "error", reason="more pixels than --max-megapixels"), LIMIT, True),
        (PhotoScore(Path(), "error", reason="more pixels than --max-megapixels"), 500.0, False),
        (PhotoScore(Path(), "ok", score=1.0, width=4000, height=3000), 12.0, True),
        (PhotoScore(Path(), "ok", score=1.0, width=4000, height=3000), 11.9, False),
    ],
    ids=["refused, same limit", "refused, higher limit", "scored, still allowed", "scored, too large now"],
)
def test_the_pixel_limit_is_honoured(folder, photo, model, score, then, known) -> None:
    keep(folder, replace(score, path=photo), model)
    assert (ask(folder, photo, model, then) is not None) is known


def test_a_new_decoder_gets_another_try(folder, photo, model, monkeypatch) -> None:
    keep(folder, PhotoScore(photo, "error", reason="needs the extra raw"), model)
    assert ask(folder, photo, model) is not None
    cache_module._circumstances.cache_clear()
    monkeypatch.setattr(cache_module, "_version", lambda name: "99.0")
    assert ask(folder, photo, model) is None
    cache_module._circumstances.cache_clear()


def test_errors_of_files_that_cannot_be_opened_are_not_kept(folder, photo, model, monkeypatch) -> None:
    opened = os.open

    def refuse(path: Path, *args: int) -> int:
        if path == photo:
            raise PermissionError(13, "Permission denied")
        return opened(path, *args)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        keep(folder, PhotoScore(photo, "error", reason="no permission"), model)
    assert ask(folder, photo, model) is None


@pytest.mark.parametrize(
    "name",
    [b"new\nline.jpg", b"sp ace.jpg", "写真.jpg".encode(), b"und\xff.jpg"],
    ids=["newline", "space", "utf8", "bytes"],
)
def test_odd_names(folder, tmp_path, model, make_score, name) -> None:
    path = tmp_path / os.fsdecode(name)
    if sys.platform != "linux":
        pytest.skip("only Linux takes such names")
    path.write_bytes(b"x")
    keep(folder, make_score(path, model=model.id), model)
    assert ask(folder, path, model) == make_score(path, model=model.id)


@pytest.mark.parametrize("layout", [2, 7, 9, 10])
def test_scores_of_an_earlier_layout_are_found_anew_without_a_word(folder, photo, model, make_score, layout) -> None:
    keep(folder, make_score(photo, model=model.id), model)
    with sqlite3.connect(folder / FILE_NAME) as connection:
        connection.execute(f"PRAGMA user_version = {layout}")
    connection.close()
    assert ask(folder, photo, model) is None
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]
    keep(folder, make_score(photo, model=model.id), model)
    assert ask(folder, photo, model) == make_score(photo, model=model.id)


def _garbage(file: Path) -> None:
    file.write_bytes(b"this is no database, " * 100)


def _foreign(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE scores (tune TEXT)")
    connection.close()


def _later_layout(file: Path) -> None:
    cache = ResultCache.open(file.parent)
    cache.close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def test_the_cache_of_a_later_piqa_stays_as_it_is(folder, photo, model, make_score) -> None:
    folder.mkdir()
    _later_layout(folder / FILE_NAME)
    before = (folder / FILE_NAME).read_bytes()
    notes: list[str] = []
    for known in (None, make_score(photo, model=model.id)):
        cache = ResultCache.open(folder, on_note=notes.append)
        [(_, stamp, score)] = cache.lookup([PhotoFile(photo)], model, LIMIT)
        assert score == known
        cache.store([(make_score(photo, model=model.id), stamp)], model, LIMIT)
        cache.close()
    assert len(notes) == 2
    assert all("a later piqa's" in note for note in notes)
    assert (folder / FILE_NAME).read_bytes() == before
    assert not list(folder.glob("*.broken-*"))


@pytest.mark.parametrize("spoil", [_garbage, _foreign])
def test_a_file_that_is_not_ours_is_set_aside(folder, photo, model, make_score, spoil) -> None:
    folder.mkdir()
    spoil(folder / FILE_NAME)
    before = (folder / FILE_NAME).read_bytes()
    notes: list[str] = []
    ResultCache.open(folder, on_note=notes.append).close()
    [aside] = folder.glob("*.broken-1")
    assert aside.read_bytes() == before
    assert len(notes) == 1
    assert str(aside) in notes[0]
    keep(folder, make_score(photo), model)
    assert ask(folder, photo, model) is not None


def test_damage_found_later_is_no_abort(folder, tmp_path, model, make_score) -> None:
    cache = ResultCache.open(folder)
    paths = [tmp_path / f"{i}.jpg" for i in range(300)]
    for path in paths:
        path.write_bytes(b"x")
    stamps = [(make_score(path), (1, path.stat().st_mtime_ns)) for path in paths]
    cache.store(stamps, model, LIMIT)
    cache.close()
    file = folder / FILE_NAME
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)  # the first page, with the schema, stays
    file.write_bytes(data)
    notes: list[str] = []
    cache = ResultCache.open(folder, on_note=notes.append)
    answers = cache.lookup([PhotoFile(path) for path in paths], model, LIMIT)
    assert [score for _, _, score in answers] == [None] * 300
    assert len(notes) == 1
    cache.store(stamps, model, LIMIT)
    cache.close()
    assert ask(folder, paths[0], model) is not None


def test_a_damaged_row_is_a_miss(folder, photo, model, make_score) -> None:
    for record in ("{", "[]", '{"status": "ok"}', "null"):
        keep(folder, make_score(photo), model)
        with sqlite3.connect(folder / FILE_NAME) as connection:
            connection.execute("UPDATE scores SET record = ?", (record,))
        connection.close()
        assert ask(folder, photo, model) is None


def test_a_row_that_no_table_can_hold_is_a_miss(folder, photo, model, make_score) -> None:
    score = make_score(photo)
    keep(folder, replace(score, capture=replace(score.capture, iso=2**63)), model)
    assert ask(folder, photo, model) is None


def test_no_place_for_a_cache_is_a_note(tmp_path, photo, model, make_score) -> None:
    (tmp_path / "file").write_text("in the way")
    notes: list[str] = []
    cache = ResultCache.open(tmp_path / "file" / "cache", on_note=notes.append)
    [(_, stamp, score)] = cache.lookup([PhotoFile(photo)], model, LIMIT)
    assert stamp is not None
    cache.store([(make_score(photo), stamp)], model, LIMIT)
    cache.close()
    assert score is None
    assert len(notes) == 1
    assert notes[0].startswith(f"going on without the result cache {tmp_path / 'file/cache' / FILE_NAME}: ")
    assert notes[0].endswith("; --cache-dir names another place") and "Errno" not in notes[0]


def test_a_lock_that_stays_is_a_note_and_the_file_stays(folder, photo, model, make_score, monkeypatch) -> None:
    keep(folder, make_score(photo), model)
    monkeypatch.setattr(cache_module, "BUSY_TIMEOUT_S", 0.05)
    notes: list[str] = []
    cache = ResultCache.open(folder, on_note=notes.append)
    blocker = sqlite3.connect(folder / FILE_NAME)
    blocker.execute("BEGIN EXCLUSIVE")
    cache.store([(make_score(photo, score=1.0), (1, 1))], model, LIMIT)
    cache.store([(make_score(photo, score=1.0), (1, 1))], model, LIMIT)
    cache.close()
    blocker.close()
    assert notes == [f"going on without the result cache {folder / FILE_NAME}: database is locked"]
    assert ask(folder, photo, model) is not None
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


WRITER = """
import sys
from pathlib import Path
from piqa_cli.model.store import ModelFolder
from piqa_cli.records import PhotoScore
from piqa_cli.scoring.cache import ResultCache

folder, name, rounds, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
model = ModelFolder(folder, "test", "0123456789ab")
cache = ResultCache.open(folder, on_note=lambda note: sys.exit(note))
for batch in range(rounds):
    rows = [(PhotoScore(Path(f"/{name}-{batch}-{i}.jpg"), "ok", score=1.0), (1, 1)) for i in range(size)]
    cache.store(rows, model, 200.0)
    print(batch, flush=True)
"""


def writer(folder: Path, name: str, rounds: int, size: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), name, str(rounds), str(size)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def count(folder: Path) -> int:
    connection = sqlite3.connect(folder / FILE_NAME)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    number = connection.execute("SELECT count(*) FROM scores").fetchone()[0]
    connection.close()
    return int(number)


def test_two_processes_write_at_once(folder) -> None:
    processes = [writer(folder, name, rounds=60, size=8) for name in ("first", "second")]
    outcomes = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outcomes
    assert count(folder) == 2 * 60 * 8
    assert not list(folder.glob("*.broken*"))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_process_leaves_whole_batches(folder) -> None:
    size = 2000
    process = writer(folder, "victim", rounds=10_000, size=size)
    assert process.stdout is not None
    reported = [process.stdout.readline() for _ in range(2)]
    time.sleep(0.013)  # somewhere in the third or a later batch
    process.kill()
    rest, _ = process.communicate(timeout=30)
    finished = len(reported) + len(rest.split())
    ResultCache.open(folder, on_note=pytest.fail).close()
    rows = count(folder)
    assert rows % size == 0
    assert finished <= rows // size <= finished + 1


def test_thousands_of_known_photos_are_looked_up_quickly(folder, tmp_path, model, make_score) -> None:
    paths = [tmp_path / f"{i}.jpg" for i in range(2_500)]
    for path in paths:
        path.touch()
    cache = ResultCache.open(folder)
    files = [PhotoFile(path) for path in paths]
    stamps = [stamp for _, stamp, _ in cache.lookup(files, model, LIMIT) if stamp]
    cache.store([(make_score(p), s) for p, s in zip(paths, stamps, strict=True)], model, LIMIT)
    started = time.process_time()
    answers = cache.lookup(files, model, LIMIT)
    spent = time.process_time() - started
    cache.close()
    assert all(score is not None for _, _, score in answers)
    assert spent < 1.25, "a fully cached run must stay a matter of seconds"  # 5 for ten thousand


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_in_the_place_of_a_photo_does_not_block(folder, photo, model) -> None:
    """It took the photo's place after that was listed; opening one waits for a writer that never comes."""
    cache = ResultCache.open(folder)
    stamp = (photo.stat().st_size, photo.stat().st_mtime_ns)
    photo.unlink()
    os.mkfifo(photo)
    cache.store([(PhotoScore(photo, "error", reason="not a regular file"), stamp)], model, 200.0)
    cache.close()
    assert ask(folder, photo, model) is None
