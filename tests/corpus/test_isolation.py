"""What piqa must never do: touch the network, run what a file holds, tell where a photo was taken unless asked."""

from __future__ import annotations

import io
import json
import os
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from piqa_cli.commands.app import run
from piqa_cli.errors import UsageError
from piqa_training.fit.state import FOLDER, STATE_FILE, load_state
from tests.corpus.runner import piqa
from tests.photos.photo_makers import encoded, exif, portrait

OFFLINE = Path(__file__).parent / "no_network"
PLACE = (48.858200, 2.294500)
EACH = (  # command lines of stdin, one after the other in one process, which imports torch once
    "import json, sys; from piqa_cli.commands.app import run; sys.exit(any(run(line) for line in json.load(sys.stdin)))"
)


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    """Two portraits that know where they were taken."""
    folder = tmp_path / "shoot"
    folder.mkdir()
    block = exif({0x010F: "Canon"}, {0x9003: "2024:05:06 07:08:09", 0xA431: "SERIAL-123456", 0xA430: "Owner Name"})
    block[0x013B], block[0x8298] = "Artist Name", "Copyright Name"
    block.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.52), 3: "E", 4: (2.0, 17.0, 40.2)})
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(encoded(portrait().resize((160, 160)), "JPEG", exif=block))
    return folder


def offline(tmp_path: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": f"{OFFLINE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "NETWORK_LOG": str(tmp_path / "log"),
    }


def test_the_watchman_sees_the_network(tmp_path: Path) -> None:
    """The test below can fail."""
    code = "import socket\ntry: socket.create_connection(('localhost', 9))\nexcept OSError: pass"
    piqa("-c", code, program=[sys.executable], env=offline(tmp_path))
    assert "socket" in (tmp_path / "log").read_text()
    (tmp_path / "log").unlink()
    piqa("-c", "import socket; socket.socketpair()[0].send(b'x')", program=[sys.executable], env=offline(tmp_path))
    assert not (tmp_path / "log").exists()


def test_no_network_is_touched(shoot: Path, tmp_path: Path, tiny_model: Path) -> None:
    """With the embedded model: score (with workers), the rest from its cache, then explain and evaluate.

    A heat map is many passes through the network, so a small model draws it.
    """
    labels = tmp_path / "labels.csv"
    labels.write_text(f"image,score\n{shoot}/a.jpg,60\n{shoot}/b.jpg,40\n")
    cache = ("--cache-dir", tmp_path / "cache")
    runs = [
        ("score", shoot, *cache, "-o", tmp_path / "scores.parquet", "--workers", 1),
        ("rank", shoot, *cache, "--per-group", 1),
        ("report", shoot, "-o", tmp_path / "report.html", *cache),
        ("explain", shoot / "a.jpg", "--heatmap", tmp_path / "map.png", "--model", tiny_model),
        ("evaluate", "--manifest", labels, "--scores", tmp_path / "scores.parquet", "--part", "all"),
        ("models", "list"),
    ]
    lines = json.dumps([list(map(str, arguments)) for arguments in runs]).encode()
    done = piqa("-c", EACH, program=[sys.executable], stdin=lines, env=offline(tmp_path))
    assert done.code == 0, done.err.decode()
    assert b"Traceback" not in done.err
    assert (tmp_path / "map.png").stat().st_size > 0
    assert not (tmp_path / "log").exists()


class Bomb:
    """A pickle that runs a program when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


def pickles(mark: Path) -> dict[str, bytes]:
    """The same program in every wrapping that torch.load has known."""
    bare = pickle.dumps(Bomb(mark))
    saved = io.BytesIO()
    torch.save({"state_dict": {"a": torch.ones(2)}, "bomb": Bomb(mark)}, saved)
    old = io.BytesIO()
    torch.save({"bomb": Bomb(mark)}, old, _use_new_zipfile_serialization=False)
    script = io.BytesIO()
    with zipfile.ZipFile(script, "w") as archive:
        archive.writestr("x/data.pkl", bare)
        archive.writestr("x/constants.pkl", bare)
        archive.writestr("x/version", "3")
    return {"bare": bare, "zip": saved.getvalue(), "old": old.getvalue(), "script": script.getvalue()}


def test_the_bomb_works(tmp_path: Path) -> None:
    pickle.loads(pickles(tmp_path / "mark")["bare"])
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize("kind", ["bare", "zip", "old", "script"])
def test_a_run_to_resume_runs_nothing(tmp_path: Path, kind: str) -> None:
    state = tmp_path / FOLDER / STATE_FILE
    state.parent.mkdir()
    state.write_bytes(pickles(tmp_path / "mark")[kind])
    with pytest.raises(UsageError, match="not usable as a checkpoint"):
        load_state(tmp_path)
    assert not (tmp_path / "mark").exists()


def test_an_import_runs_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    mark = tmp_path / "mark"
    files = {}
    for kind, data in pickles(mark).items():
        files[kind] = tmp_path / f"{kind}.pth"
        files[kind].write_bytes(data)
    for network, liqe in (("bare", "zip"), ("old", "script")):
        given = ["--dn-piqa", files[network], "--liqe", files[liqe], "--name", "evil"]
        with pytest.raises(SystemExit, match="2"):
            run(["models", "import", *map(str, given), "--models-dir", str(tmp_path / "models")])
        said = capfd.readouterr().err
        assert "Traceback" not in said
        assert said.count("piqa: error:") == 1
    assert not mark.exists()
    assert not (tmp_path / "models" / "evil").exists()


def test_tables_and_the_cache_hold_nothing_private(shoot: Path, tiny_model: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for form in ("csv", "jsonl", "json", "parquet"):
        target = tmp_path / f"scores.{form}"
        told = map(str, (shoot, "-q", "-o", target, "--cache-dir", cache, "--model", tiny_model, "--workers", 0))
        assert run(["score", *told]) == 0
        kept = target.read_bytes() + b"".join(path.read_bytes() for path in cache.iterdir())
        for secret in (b"48.85", b"latitude", b"SERIAL", b"Owner Name", b"Artist Name", b"Copyright Name"):
            assert secret not in kept


def test_positions_come_only_when_asked_for(shoot: Path) -> None:
    from piqa_cli.records import PhotoScore
    from piqa_cli.scoring.positions import with_positions
    from piqa_cli.scoring.table import to_frame

    scores = [PhotoScore(shoot / "a.jpg", "ok", score=1.0), PhotoScore(shoot / "gone.jpg", "error")]
    scores.append(PhotoScore(shoot / "gone.heic", "error", raw_mate=shoot / "b.jpg"))
    frame = with_positions(to_frame(scores), scores)
    assert frame.columns[-2:] == ["latitude", "longitude"]
    rows = {Path(row["path"]).name: (row["latitude"], row["longitude"]) for row in frame.iter_rows(named=True)}
    assert rows["a.jpg"] == rows["gone.heic"] == (pytest.approx(PLACE[0], abs=1e-6), pytest.approx(PLACE[1], abs=1e-6))
    assert rows["gone.jpg"] == (None, None)
    assert "latitude" not in to_frame(scores).columns
