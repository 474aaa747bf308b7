"""Killed, crowded out, shut out: outputs are whole old or whole new, photos stay, and the cache opens again."""

from __future__ import annotations

import csv
import os
import random
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from piqa_cli.commands import score_here
from piqa_cli.errors import OutputError
from piqa_cli.model.store import ModelFolder
from piqa_cli.outputs.tabular import write_bytes
from piqa_cli.records import PhotoFile
from piqa_cli.scoring.cache import FILE_NAME, ResultCache
from tests.corpus.changes import changing_after
from tests.corpus.runner import piqa
from tests.corpus.test_corpus import digests
from tests.fake_engine import FakeEngine, full_score
from tests.here import Piqa, Result
from tests.killed import killed_at, start
from tests.photos.photo_makers import corners, encoded

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

FAKE = [sys.executable, str(Path(__file__).parents[1] / "commands" / "piqa_with_fake_engine.py")]
BATCH = 4


@pytest.mark.parametrize("existing", [True, False], ids=["over an old file", "a new file"])
def test_an_output_is_whole_old_or_whole_new(tmp_path: Path, existing: bool) -> None:
    new = os.urandom(300_000)
    outcomes = []
    for point in range(1, 30):
        target = tmp_path / str(point) / "scores.csv"
        target.parent.mkdir()
        if existing:
            target.write_bytes(b"old")
        killed = killed_at(point, write_bytes, new, target)
        found = target.read_bytes() if target.exists() else None
        assert found in (new, b"old" if existing else None)
        outcomes.append((killed, found == new))
        if not killed:
            break
    assert (True, False) in outcomes
    assert outcomes[-1] == (False, True)


@pytest.fixture
def files(tmp_path: Path) -> list[PhotoFile]:
    folder = tmp_path / "files"
    folder.mkdir()
    made = [PhotoFile(folder / f"{number:03}.jpg") for number in range(200)]
    for file in made:
        file.path.write_bytes(b"x")
    return made


@pytest.mark.parametrize("seed", range(3))
def test_a_cache_that_is_killed_keeps_what_it_said_it_kept(
    tmp_path: Path, files: list[PhotoFile], model: ModelFolder, seed: int
) -> None:
    """25 kills at random moments for each seed, always into the same cache; what was told to be stored is there."""
    rng = random.Random(seed)
    folder = tmp_path / "cache"
    told = 0
    for _ in range(25):
        told = max(told, _kept_until_killed(folder, files, model, rng))
        notes: list[str] = []
        cache = ResultCache.open(folder, on_note=notes.append)
        known = [score for _, _, score in cache.lookup(files, model, 200.0)]
        cache.close()
        assert notes == []
        assert all(score is not None for score in known[: told * BATCH])
        found = sum(score is not None for score in known)
        assert found % BATCH == 0, "half a batch"
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _kept_until_killed(folder: Path, files: list[PhotoFile], model: ModelFolder, rng: random.Random) -> int:
    """Batches that a process said it had stored before it was killed."""
    reader, writer = Pipe(duplex=False)
    process = start(_store, folder, files, model, writer)
    writer.close()
    wanted, count = rng.randrange(len(files) // BATCH), 0
    with reader, suppress(EOFError):
        while count < wanted:
            count += reader.recv()
        time.sleep(rng.random() * 0.002)
        process.kill()
        while True:  # said before it was killed
            count += reader.recv()
    process.join()
    return count


def _store(folder: Path, files: list[PhotoFile], model: ModelFolder, told: Connection) -> None:
    cache = ResultCache.open(folder)
    for first in range(0, len(files), BATCH):
        batch = files[first : first + BATCH]
        stamps = [stamp for _, stamp, _ in cache.lookup(batch, model, 200.0)]
        scores = [full_score(file.path, model=model.id) for file in batch]
        cache.store(list(zip(scores, stamps, strict=True)), model, 200.0)  # type: ignore[arg-type]
        told.send(1)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number:02}.jpg").write_bytes(b"x")
    return folder


@pytest.fixture
def fake(here: Piqa, engine: FakeEngine, many: Path, model: ModelFolder, tmp_path: Path) -> Piqa:
    """`piqa score` of `many` in this process, with the stand-in engine."""

    def call(*more: object, cache: Path = tmp_path / "cache") -> Result:
        return here("score", many, "--model", model.path, "--cache-dir", cache, *more)

    return call


def test_runs_killed_at_any_moment_end_as_if_never_killed(many: Path, model: ModelFolder, tmp_path: Path) -> None:
    """Eight kills at seeded moments from start to end, then a run that is let alone; the old table stays till then."""
    rng, before = random.Random(9), digests(many)
    target = tmp_path / "scores.csv"
    target.write_text("old")
    command = [
        "score",
        str(many),
        "--model",
        str(model.path),
        "--cache-dir",
        str(tmp_path / "cache"),
        "-o",
        str(target),
    ]
    for _ in range(8):
        process = subprocess.Popen(
            [*FAKE, *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "FAKE_PAUSE": "0.05"},
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.1, 2.0))
        process.kill()
        process.wait()
        assert target.read_text() == "old" or len(_rows(target)) == 40
    done = piqa(*command, program=FAKE)
    assert done.code == 0, done.err.decode()
    assert len(_rows(target)) == 40
    assert b"cache was not readable" not in done.err
    assert digests(many) == before
    clean = piqa(*command[:-1], tmp_path / "clean.csv", "--no-cache", program=FAKE)
    assert clean.code == 0
    assert (tmp_path / "clean.csv").read_bytes() == target.read_bytes()


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_two_runs_at_once_are_both_right(many: Path, model: ModelFolder, tmp_path: Path) -> None:
    targets = [tmp_path / "first.csv", tmp_path / "second.csv", tmp_path / "first.csv"]
    command = [*FAKE, "score", str(many), "--model", str(model.path), "--cache-dir", str(tmp_path / "cache"), "-o"]
    environment = {**os.environ, "FAKE_PAUSE": "0.05"}
    running = [
        subprocess.Popen([*command, str(target)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        for target in targets
    ]
    for process in running:
        _, messages = process.communicate(timeout=300)
        assert process.returncode == 0, messages.decode()
        assert b"cache" not in messages or b"from the cache" in messages
    assert targets[0].read_bytes() == targets[1].read_bytes()
    assert len(_rows(targets[0])) == 40
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with _mounted(folder, "size=128k"):
        yield folder


class _mounted:  # noqa: N801 - reads as a function
    def __init__(self, folder: Path, options: str) -> None:
        self.folder, self.options = folder, options

    def __enter__(self) -> None:
        command = ["mount", "-t", "tmpfs", "-o", self.options, "none", str(self.folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not allowed here")

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", str(self.folder)], check=True)


def fill(folder: Path, spare: int) -> None:
    """Leave about `spare` bytes."""
    with (folder / "ballast").open("wb", buffering=0) as file:
        with suppress(OSError):
            while file.write(bytes(4096)):
                pass
        file.truncate(max(0, file.tell() - spare))


def test_a_full_disk_keeps_the_old_table(fake: Piqa, small_disk: Path) -> None:
    target = small_disk / "scores.csv"
    target.write_text("old")
    fill(small_disk, 4096)
    done = fake("-o", target)
    assert done.code == 2
    assert "No space left on device" in done.err
    assert "Traceback" not in done.err
    assert target.read_text() == "old"
    assert {path.name for path in small_disk.iterdir()} == {"ballast", "scores.csv"}
    (small_disk / "ballast").unlink()
    again = fake("-o", target)
    assert again.code == 0
    assert "all from the cache" in again.err
    assert len(_rows(target)) == 40


def test_a_cache_on_a_full_disk_costs_nothing_but_the_cache(fake: Piqa, small_disk: Path) -> None:
    fill(small_disk, 40_000)
    done = fake("--format", "jsonl", cache=small_disk)
    assert done.code == 0, done.err
    assert len(done.rows) == 40
    assert "going on without the result cache" in done.err
    (small_disk / "ballast").unlink()
    assert fake("--format", "jsonl", cache=small_disk).out == done.out
    assert "from the cache" in fake("--format", "jsonl", cache=small_disk).err


def test_a_limit_on_file_sizes_is_an_error_like_any_other(tmp_path: Path) -> None:
    """What a quota does, where nothing can be mounted."""
    target = tmp_path / "scores.csv"
    target.write_text("old")
    process = start(_write_limited, target)
    process.join()
    assert process.exitcode == 0
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def _write_limited(target: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    with pytest.raises(OutputError, match="too large"):
        write_bytes(bytes(5000), target)


def test_a_read_only_place_is_found_out_before_the_work(fake: Piqa, tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir()
    with _mounted(folder, "size=64k,ro"):
        done = fake("-o", folder / "scores.csv")
        assert done.code == 2
        assert "read-only" in done.err or "Read-only" in done.err
        assert "Traceback" not in done.err
        cacheless = fake(cache=folder)
        assert cacheless.code == 0
        assert "going on without the result cache" in cacheless.err


@pytest.mark.parametrize("left", ["-journal", "-wal", "-shm", "folder", "garbage", "empty", "lock"])
def test_what_a_crash_leaves_behind_blocks_nothing(fake: Piqa, tmp_path: Path, left: str) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    file = cache / FILE_NAME
    if left == "folder":
        file.mkdir()
    elif left == "garbage":
        file.write_bytes(os.urandom(5000))
    elif left == "empty":
        file.touch()
    elif left == "lock":
        (cache / f"{FILE_NAME}.lock").touch()
    else:
        file.with_name(FILE_NAME + left).write_bytes(os.urandom(5000))
    said = fake("--format", "jsonl")
    assert said.code == 0
    assert len(said.out.splitlines()) == 40
    assert "Traceback" not in said.err
    if left == "garbage":
        assert "cache was not readable" in said.err
        assert (cache / f"{FILE_NAME}.broken-1").stat().st_size == 5000
    if left != "folder":
        assert "all from the cache" in fake().err


def test_photos_that_change_between_listing_and_reading(
    here: Piqa, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "photos"
    (folder / "folder-vanishes").mkdir(parents=True)
    photo = encoded(corners(), "JPEG")
    changing = ["fifo", "folder", "loop", "zero", "text", "empty", "other"]
    names = [*(f"becomes-{what}.jpg" for what in changing), "vanishes.jpg", "is-cut-off.jpg", "stays.jpg"]
    for name in names:
        (folder / name).write_bytes(photo)
    (folder / "other.png").write_bytes(encoded(corners(), "PNG"))
    (folder / "folder-vanishes" / "inside.jpg").write_bytes(photo)
    cache = ("--cache-dir", tmp_path / "cache", "--model", tiny_model)
    monkeypatch.setattr(score_here, "find_photos", changing_after(score_here.find_photos, folder))
    done = here("score", folder, "-q", "--format", "jsonl", *cache)
    assert (done.code, done.err) == (0, "")
    assert set(done.rows) == {*names, "other.png", "inside.jpg"}
    scored = {name for name, row in done.rows.items() if row["status"] != "error"}
    assert scored == {"stays.jpg", "becomes-other.jpg"}
    assert all(row["reason"] for name, row in done.rows.items() if name not in scored)
    assert done.rows["becomes-fifo.jpg"]["reason"] == "not a regular file"
    assert done.rows["vanishes.jpg"]["reason"] == "no such file"
