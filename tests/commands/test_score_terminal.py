"""What a person at a terminal sees, through a pseudo-terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

import fcntl
import pty
import struct
import termios

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def on_terminal(start, model, monkeypatch):
    """Run `piqa score` with the chosen streams on a terminal of 80 columns: (exit code, its screen, the other one)."""
    monkeypatch.setenv("TERM", "xterm-256color")

    def call(*args: object, stdout: bool = True, stderr: bool = True) -> tuple[int, str, str]:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
        process = start(
            "score",
            *args,
            "--model",
            model.path,
            env=dict(os.environ),  # without the COLUMNS that readline, where it is loaded, leaves behind
            stdin=theirs,
            stdout=theirs if stdout else subprocess.PIPE,
            stderr=theirs if stderr else subprocess.PIPE,
        )
        os.close(theirs)
        screen = _read_all(ours)
        pipes = process.communicate(timeout=60)
        return process.returncode, screen, b"".join(pipe or b"" for pipe in pipes).decode()

    return call


def _read_all(descriptor: int) -> str:
    chunks = []
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        while True:
            try:
                chunk = stream.read(65536)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            chunks.append(chunk)
    return b"".join(chunks).decode().replace("\r\n", "\n")


def test_a_table_with_bars_and_colours(on_terminal, photos) -> None:
    code, screen, _ = on_terminal(photos, "--show", "3", stderr=False)
    assert code == 0
    assert "\x1b[" in screen
    lines = ESCAPES.sub("", screen).splitlines()
    assert len(lines) == 5
    assert re.search(r" 90\.0  ━{11}─  ok +2  face: motion blur; photo:…  .*/90\.jpg$", lines[1])
    assert "… and 7 more" in lines[4]


def test_long_paths_stay_in_one_piece(on_terminal, tmp_path) -> None:
    folder = tmp_path / ("x" * 120) / ("y" * 120)
    folder.mkdir(parents=True)
    (folder / "50.jpg").write_bytes(b"x")
    _, screen, _ = on_terminal(tmp_path, stderr=False)
    assert f"{folder}/50.jpg\n" in ESCAPES.sub("", screen)


def test_progress_is_shown_and_goes_away(on_terminal, photos, monkeypatch) -> None:
    monkeypatch.setenv("FAKE_PAUSE", "0.1")
    code, screen, out = on_terminal(photos, "--format", "csv", stdout=False)
    assert code == 0
    assert len(out.splitlines()) == 11
    assert re.search(r"scoring .* 8/10 .*photos/s · \d+ s left", ESCAPES.sub("", screen))
    assert screen.rindex("\x1b[2K") < screen.index("10 photos")  # the bar's line is erased before the summary


@pytest.mark.parametrize("args", [["--quiet"], ["--quiet", "-o", "{folder}/scores.csv"]], ids=["stdout", "file"])
def test_quiet_is_quiet(on_terminal, photos, tmp_path, args) -> None:
    code, screen, _ = on_terminal(photos, *(arg.format(folder=tmp_path) for arg in args), stdout=False)
    assert code == 0
    assert ESCAPES.sub("", screen).strip() == ""


def test_parquet_is_refused(on_terminal, photos) -> None:
    code, screen, _ = on_terminal(photos, "--format", "parquet")
    assert code == 2
    assert "parquet is binary" in screen


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes such names")
@pytest.mark.parametrize("form", ["table", "csv", "jsonl", "json"])
def test_no_name_reaches_the_terminal_raw(on_terminal, tmp_path, form) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in ("\x1b]0;title\x07.jpg", "\x9b31m.jpg", "a\rb.jpg", "bad\x1b[2J.jpg"):
        (folder / name).write_bytes(b"x")
    _, screen, _ = on_terminal(folder, "--format", form, "--quiet", "--fail-under", "100")
    rest = ESCAPES.sub("", screen.replace("\x1b[2J", "CLEARED"))
    assert "CLEARED" not in rest
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", rest) is None
    assert rest.count("hostile/") >= 7
    if form == "jsonl":
        names = {Path(json.loads(line)["path"]).name for line in rest.splitlines()[:4]}
        assert names == {path.name for path in folder.iterdir()}
