"""`piqa report` on real photos, with a small model so that it stays quick: as a real process, then in this one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from PIL import Image
from skimage import data

from tests.report.made import HOSTILE, Page, colors, jpeg

PIQA = [sys.executable, "-m", "piqa_cli"]
PATIENCE_S = 300


@pytest.fixture
def work(tmp_path, monkeypatch, model):
    """A folder with `shoot`: a portrait, a photo without a face, one with a hostile name, and a broken one."""
    folder = tmp_path / "shoot"
    folder.mkdir()
    jpeg(Image.fromarray(data.astronaut()), folder / "portrait.jpg", gps=True)
    Image.fromarray(data.coffee()).save(folder / "coffee.png")
    jpeg(colors(200, 150), folder / HOSTILE[0], orientation=6)
    (folder / "broken.jpg").write_bytes((folder / "portrait.jpg").read_bytes()[:2000])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def data_of(page):
    return json.loads(Page(Path(page).read_text(encoding="utf-8")).json_of("piqa-data"))


def fingerprints(folder):
    return {p.name: (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in folder.iterdir()}


@pytest.mark.slow
def test_the_commands_as_written(here, work, model):
    before = fingerprints(work / "shoot")
    command = [*PIQA, "report", "shoot", "-o", "report.html", "--model", model, "--workers", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Traceback" not in done.stderr
    photos = data_of("report.html")["photos"]
    assert set(photos["name"]) == set(before)
    portrait = photos["name"].index("portrait.jpg")
    assert photos["status"][portrait] == "ok" and photos["face_crop"][portrait]
    assert photos["thumb_error"].count(None) == 3 and photos["status"].count("error") == 1

    assert here("score", "shoot", "-o", "scores.csv", "--model", model, "-q").code == 0
    done = here("report", "scores.csv", "-o", "report.html", "--workers", "0")
    assert done.code == 0, done.err
    assert data_of("report.html")["photos"] == photos

    assert here("score", "shoot", "-o", "scores.parquet", "--model", model, "-q").code == 0
    done = here("report", "scores.parquet", "--baseline", "scores.csv", "--markdown", "diff.md", "--workers", "0")
    assert done.code == 0, done.err
    assert Path("diff.md").read_text().startswith("#")
    assert fingerprints(work / "shoot") == before


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupted_while_pictures_are_made(work):
    many = work / "many"
    many.mkdir()
    first = many / "0000.jpg"
    jpeg(colors(3000, 2000), first)
    for number in range(1, 400):
        shutil.copy(first, many / f"{number:04}.jpg")
    paths = [str(path) for path in sorted(many.iterdir())]
    pl.DataFrame({"path": paths, "score": [50.0] * 400, "status": ["no_face"] * 400}).write_csv("scores.csv")
    command = [*PIQA, "report", "scores.csv", "--assets", "pictures", "--group", "none", "--no-cache", "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + PATIENCE_S
    while not list(Path().glob("pictures/.piqa-report-*/thumbs/*")) and time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to the workers, too
    _, error = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, error
    assert b"Traceback" not in error
    assert not Path("pictures").exists() and not Path("report.html").exists()
