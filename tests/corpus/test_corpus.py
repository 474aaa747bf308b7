"""Every hostile file through the real program: a row with a reason, no traceback, no noise, bounded time and memory."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import unicodedata
from pathlib import Path

import pytest

from piqa_cli.commands.app import run
from tests.corpus import bombs, broken, formats, metadata, names
from tests.corpus.runner import Done, piqa
from tests.here import Piqa
from tests.photos.photo_makers import corners, encoded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="file names and special files of Linux")

BASE_MB = 1_250  # of a process with torch, the detector and a network, generously
BYTES_PER_PIXEL = 16  # of the largest photo that is decoded: what docs/reliability.md promises


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("corpus")
    parts = {
        "sound": formats.odd_but_sound(),
        "broken": broken.broken(),
        "profiles": metadata.profiles(),
        "exif": metadata.exif_blocks(),
        "xmp": {f"xmp-{name}.jpg": metadata.with_xmp(packet) for name, packet in metadata.packets().items()},
        "huge": bombs.too_large(),
        "bombs": bombs.metadata_bombs() | {"scans.jpg": bombs.scan_bomb(5_000, 60_000)},
    }
    for part, files in parts.items():
        (root / part).mkdir()
        for name, data in files.items():
            (root / part / name).write_bytes(data)
    return {part: root / part for part in parts} | {"root": root}


@pytest.fixture(scope="module")
def scored(corpus: dict[str, Path], tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """One run over all of it, with a cache, so that a second run can be asked whether it says the same."""
    before = digests(corpus["root"])
    cache = tmp_path_factory.mktemp("cache")
    how = ("-q", "--format", "jsonl", "--model", tiny_model, "--cache-dir", cache, "--max-megapixels", 30)
    done = piqa("score", corpus["root"], *how)
    assert digests(corpus["root"]) == before, "a photo was changed"
    target = cache / "again.jsonl"
    some = (corpus["sound"], corpus["xmp"], corpus["huge"])
    assert run(["score", *map(str, (*some, *how)), "-o", str(target)]) == 0
    again = Done(0, target.read_bytes(), b"", 0, 0)
    assert again.rows == {name: done.rows[name] for part in ("sound", "xmp", "huge") for name in named(corpus[part])}
    return done


def digests(root: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*")) if p.is_file()}


def named(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_every_file_is_a_row_and_nothing_else_is_said(corpus: dict[str, Path], scored: Done) -> None:
    assert scored.code == 0, scored.err.decode()
    assert scored.err == b""
    files = {path.name for path in corpus["root"].rglob("*") if path.is_file()}
    assert len(files) > 450
    assert set(scored.rows) == files
    assert len(scored.out.splitlines()) == len(files)


def test_reasons_are_for_people(scored: Done) -> None:
    failed = [row for row in scored.rows.values() if row["status"] == "error"]
    assert len(failed) > 150
    for row in failed:
        reason = row["reason"]
        assert reason, row["path"]
        assert row["score"] is None
        assert "unexpected" not in reason, (row["path"], reason)
        assert len(reason) < 300, (row["path"], reason)
        assert not any(unicodedata.category(character) == "Cc" for character in reason), (row["path"], reason)


def test_odd_but_sound_files_are_scored(corpus: dict[str, Path], scored: Done) -> None:
    failed = {
        name: scored.rows[name]["reason"] for name in named(corpus["sound"]) if scored.rows[name]["score"] is None
    }
    assert failed == {}
    portraits = [name for name in named(corpus["sound"]) if name.startswith(("portrait.", "really-"))]
    assert all(scored.rows[name]["n_faces"] == 1 for name in portraits)


@pytest.mark.parametrize("part", ["profiles", "xmp"])
def test_hostile_metadata_cost_no_photo_its_score(corpus: dict[str, Path], scored: Done, part: str) -> None:
    assert {name for name in named(corpus[part]) if scored.rows[name]["score"] is None} == set()


def test_hostile_exif_costs_no_photo_its_score(corpus: dict[str, Path], scored: Done) -> None:
    photos = {name for name in named(corpus["exif"]) if name.endswith(".jpg")}
    assert {name for name in photos if scored.rows[name]["score"] is None} == set()
    escapes = scored.rows["exif-escapes.jpg"]["camera"]
    assert escapes is None or escapes.isprintable()


def test_what_is_cut_off_is_not_scored_as_if_it_were_whole(corpus: dict[str, Path], scored: Done) -> None:
    halves = [name for name in named(corpus["broken"]) if name.startswith("cut-0000")]
    assert len(halves) > 40
    assert {name for name in halves if scored.rows[name]["status"] != "error"} == set()


def test_bombs_are_refused_from_their_headers(corpus: dict[str, Path], scored: Done) -> None:
    for name in named(corpus["huge"]):
        assert scored.rows[name]["status"] == "error", name
    for name in (
        "bomb-header.png",
        "bomb-zeros.png",
        "bomb.jpg",
        "bomb-progressive.jpg",
        "bomb.tif",
        "bomb.bmp",
        "bomb.heic",
    ):
        assert "--max-megapixels" in scored.rows[name]["reason"], (name, scored.rows[name]["reason"])
    assert "scans of 5000 x 5000" in scored.rows["scans.jpg"]["reason"]


def test_time_and_memory_are_bounded(scored: Done) -> None:
    assert scored.cpu_s < 120
    assert scored.peak_mb < BASE_MB + 30e6 * BYTES_PER_PIXEL / 1e6


@pytest.mark.slow
def test_photos_just_below_the_limit_stay_within_the_promised_memory(tmp_path: Path, tiny_model: Path) -> None:
    side = 5_000
    for name, data in bombs.just_below(side).items():
        (tmp_path / name).write_bytes(data)
    limit = side * side / 1e6
    done = piqa(
        *("score", tmp_path, "-q", "--format", "jsonl", "--model", tiny_model, "--no-cache", "--workers", 1),
        *("--batch-size", 1, "--max-megapixels", limit),
    )
    assert done.code == 0, done.err.decode()
    assert {name: row["reason"] for name, row in done.rows.items() if row["status"] == "error"} == {}
    assert done.peak_mb < BASE_MB + side * side * BYTES_PER_PIXEL / 1e6


def test_hostile_names_are_rows_and_harmless_to_a_terminal(
    tmp_path: Path, tiny_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    photo = encoded(corners(), "JPEG")
    for name in names.HOSTILE_NAMES:
        names.path_in(folder, name).write_bytes(photo)
    names.path_in(folder, b"\x1b[31mred broken\n.jpg").write_bytes(b"no photo")
    (folder / "sub\x1b[31m\n").mkdir()
    (folder / "sub\x1b[31m\n" / "inner.jpg").write_bytes(photo)
    cache = ("--cache-dir", tmp_path / "cache", "--model", tiny_model)
    rows = piqa("score", folder, "-q", "--format", "jsonl", *cache)
    assert (rows.code, rows.err) == (0, b"")
    assert len(rows.out.splitlines()) == len(names.HOSTILE_NAMES) + 2
    shown = piqa("score", folder, *cache, "--fail-under", 101 - 1)
    assert shown.code == 1
    for escape in names.ESCAPES:
        assert escape not in shown.out + shown.err, escape
    assert b"\\x1b[31mred broken\\n.jpg" in shown.err  # the failure is named
    assert not list(tmp_path.rglob("owned"))
    with pytest.raises(SystemExit, match="2"):
        run(["score", *map(str, (names.path_in(folder, b"\x1b[31mnot there\n.jpg"), *cache))])
    said = capfd.readouterr().err
    assert "\x1b" not in said
    assert said.count("\n") == 2  # the message and its hint


def test_special_files_are_left_out_of_walks_and_refused_by_name(here: Piqa, tmp_path: Path, tiny_model: Path) -> None:
    photo = encoded(corners(), "JPEG")
    (tmp_path / "photo.jpg").write_bytes(photo)
    specials = names.make_specials(tmp_path)
    length = names.deep_folder(tmp_path, photo)
    assert length > 4_096
    done = here("score", tmp_path, "--format", "jsonl", "--no-cache", "--model", tiny_model)
    assert done.code == 0
    assert set(done.rows) <= {"photo.jpg", "deep.jpg"}
    assert done.rows["photo.jpg"]["status"] != "error"
    assert "Traceback" not in done.err
    if "deep.jpg" not in done.rows:
        assert "cannot be listed: File name too long" in done.err
    for special in specials:
        refused = here("score", special, "--no-cache", "--model", tiny_model)
        assert refused.code == 2
        assert str(special) in refused.err
        assert "Traceback" not in refused.err


def test_lists_name_what_is_not_there(
    here: Piqa, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photo.jpg").write_bytes(encoded(corners(), "JPEG"))
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    listed = [
        tmp_path / "photo.jpg",
        tmp_path / "gone.jpg",
        tmp_path / ("n" * 300 + ".jpg"),  # longer than a name can be
        tmp_path / "/".join(["d" * 200] * 25) / "x.jpg",  # longer than a path can be
        tmp_path / "photo.jpg" / "inside.jpg",  # a file is no folder
        tmp_path / "dangling.jpg",
        tmp_path / "loop.jpg",
        tmp_path / "pipe.jpg",
    ]
    stdin = io.BytesIO(b"\0".join(str(path).encode() for path in listed))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stdin))
    done = here("score", "-", "-q", "--format", "jsonl", "--no-cache", "--model", tiny_model)
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == len(listed)
    assert [row["status"] for row in done.rows.values()].count("error") == len(listed) - 1
