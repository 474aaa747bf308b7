"""The program on real files, with a small model so that it stays quick.

A real process where that is what is looked at, and once for the rest, which runs the same command line in this one.
"""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from PIL import Image, ImageFilter
from skimage import data

PIQA = [sys.executable, "-m", "piqa_cli", "score"]
PATIENCE_S = 180


def make_shoot(folder):
    """A portrait, its greyscale, a blurred copy, a photo without a face, three bad files, and one to be left out."""
    (folder / "sub").mkdir(parents=True)
    portrait = Image.fromarray(data.astronaut())
    portrait.save(folder / "portrait.jpg", quality=95)
    portrait.convert("L").save(folder / "grey.png")
    portrait.filter(ImageFilter.GaussianBlur(2)).save(folder / "sub" / "blurred ünïcode.webp")
    Image.fromarray(data.coffee()).save(folder / "coffee.tif")
    (folder / "empty.jpg").touch()
    (folder / "truncated.jpg").write_bytes((folder / "portrait.jpg").read_bytes()[:20_000])
    (folder / "text.png").write_text("no image")
    (folder / "._portrait.jpg").write_bytes(b"junk")
    return folder


@pytest.fixture(scope="module")
def shoot(tmp_path_factory):
    return make_shoot(tmp_path_factory.mktemp("place") / "my shoot")


@pytest.fixture(scope="module")
def before(shoot):
    return state(shoot)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Of the plain run."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def scored(shoot, before, model, cache):
    """The rows of one plain run in one process, in its order."""
    alone = ("--workers", 0, "--batch-size", 1, "--device", "cpu")
    return rows(piqa(shoot, "--format", "jsonl", "--cache-dir", cache, "--model", model, *alone))


def state(folder):
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


def piqa(*arguments):
    command = [*PIQA, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE_S)


def rows(done):
    assert done.returncode == 0, done.stderr.decode()
    return {Path(row["path"]).name: row for row in map(json.loads, done.stdout.splitlines())}


WITHOUT_ACCOUNT = """
import pwd, runpy, sys
def nobody(uid):
    raise KeyError(uid)
pwd.getpwuid = nobody
runpy.run_module("piqa_cli", run_name="__main__", alter_sys=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="accounts are another matter there")
def test_a_user_without_account_and_home_gets_scores(shoot, model, tmp_path):
    alone = {name: value for name, value in os.environ.items() if name != "HOME" and not name.startswith("XDG_")}
    command = [sys.executable, "-c", WITHOUT_ACCOUNT, "score", str(shoot), "--model", model, "--format", "jsonl"]
    command += ["--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE_S, env=alone)
    assert rows(done)["portrait.jpg"]["status"] == "ok"


def test_a_folder_becomes_a_table_with_a_row_for_every_file(here, shoot, model, tmp_path):
    target = tmp_path / "scores.csv"
    done = here("score", shoot, "-o", target, "--no-cache", "--model", model)
    assert done.code == 0, done.err
    with target.open(newline="", encoding="utf-8") as stream:
        table = {Path(row["path"]).name: row for row in csv.DictReader(stream)}
    statuses = {name: row["status"] for name, row in table.items()}
    assert statuses == {
        "portrait.jpg": "ok",
        "grey.png": "ok",
        "blurred ünïcode.webp": "ok",
        "coffee.tif": "no_face",
        "empty.jpg": "error",
        "truncated.jpg": "error",
        "text.png": "error",
    }
    assert all(0 <= float(row["score"]) <= 100 for row in table.values() if row["status"] != "error")
    assert all(row["reason"] for row in table.values() if row["status"] == "error")
    assert list(pl.read_csv(target).columns[:3]) == ["path", "score", "status"]
    portrait = table["portrait.jpg"]
    assert (portrait["width"], portrait["height"], portrait["n_faces"]) == ("512", "512", "1")
    assert 150 < float(portrait["face_x1"]) < 200
    assert portrait["face_score"] == portrait["worst_face_score"] != ""
    assert portrait["model"].startswith("tiny@")


def test_rows_are_ranked_by_score(scored):
    scores = [row["score"] for row in scored.values() if row["score"] is not None]
    assert scores == sorted(scores, reverse=True)


def test_the_same_scores_whatever_the_batch_and_the_workers(shoot, before, scored, model):
    many = rows(piqa(shoot, "--format", "jsonl", "--no-cache", "--model", model, "--workers", 2, "--batch-size", 5))
    assert scored.keys() == many.keys()
    for name, row in scored.items():
        assert row["score"] == pytest.approx(many[name]["score"], abs=0.011)
    assert state(shoot) == before, "photos are only read"


def test_a_gate_and_strictness_decide_the_exit_code(here, shoot, scored, model, cache):
    how = ("--cache-dir", cache, "--model", model)
    assert piqa(shoot, "--strict", *how).returncode == 3
    assert here("score", shoot / "portrait.jpg", "--fail-under", 0, *how).code == 0
    assert here("score", shoot / "portrait.jpg", "--fail-under", 100, *how).code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/no/such/folder"], "/no/such/folder"),
        (["{empty}"], "no photos found"),
        (["{empty}", "--device", "warp"], "device"),
        (["{empty}", "-o", "scores.xyz"], ".csv"),
        (["{empty}", "--model", "nonesuch"], "nonesuch"),
        (["{empty}", "--batch-size", "0"], "batch-size"),
    ],
    ids=["missing path", "empty folder", "device", "suffix", "model", "batch size"],
)
def test_wrong_usage_is_one_clear_line(here, arguments, words, tmp_path):
    done = here("score", *(a.format(empty=tmp_path) for a in arguments))
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_second_run_answers_from_the_cache(here, model, tmp_path):
    shoot = make_shoot(tmp_path / "shoot")
    command = ("score", shoot, "--format", "jsonl", "--model", model, "--cache-dir", tmp_path / "cache")
    first, second = here(*command), here(*command)
    assert first.out == second.out
    assert "all from the cache" in second.err
    Image.fromarray(data.astronaut()).transpose(Image.Transpose.ROTATE_90).save(shoot / "portrait.jpg")
    third = here(*command).rows
    assert third["portrait.jpg"]["score"] != first.rows["portrait.jpg"]["score"]
    assert third["grey.png"] == first.rows["grey.png"]


MANY = 100  # photos: enough that a busy machine can stop the run before it ends


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    portrait = Image.fromarray(data.astronaut())
    for index in range(MANY):
        portrait.rotate(index).save(folder / f"{index:03}.jpg")
    return folder


def start_and_wait_for_rows(folder, model, cache, *more):
    command = [*PIQA, str(folder), "--model", model, "--cache-dir", str(cache), "--batch-size", "2", *map(str, more)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + PATIENCE_S
    while cached(cache) < 4 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    assert process.poll() is None, "it ended before it could be stopped"
    return process


def cached(cache):
    if not (cache / "scores.sqlite").exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{cache / 'scores.sqlite'}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM scores").fetchone()[0]
    except sqlite3.Error:
        return 0


def test_an_interrupt_saves_what_is_finished(many, model, tmp_path):
    cache, target = tmp_path / "cache", tmp_path / "scores.parquet"
    process = start_and_wait_for_rows(many, model, cache, "-o", target)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert b"interrupted" in messages
    assert b"Traceback" not in messages
    assert 4 <= len(pl.read_parquet(target)) < MANY


def test_a_killed_run_is_resumed(here, many, model, tmp_path):
    cache = tmp_path / "cache"
    process = start_and_wait_for_rows(many, model, cache)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    kept = cached(cache)
    assert 4 <= kept < MANY
    wanted = sorted(many.iterdir())[: kept + 10]  # scoring all the rest would only take longer
    done = here("score", *wanted, "--format", "jsonl", "--model", model, "--cache-dir", cache)
    assert len(done.rows) == len(wanted)
    assert f"{kept} from the cache" in done.err
