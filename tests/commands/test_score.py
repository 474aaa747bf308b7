from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from piqa_cli.commands.score_view import time_taken
from piqa_cli.errors import UnreadablePhoto
from piqa_cli.records import PhotoFile
from piqa_cli.scoring.options import EngineOptions

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def score(piqa, model, monkeypatch, tmp_path):
    """`piqa score` with a model that can be found, in an empty working folder."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return lambda *args: piqa("score", *args, "--model", model.path)


def scores_in(text: str) -> list[float]:
    return [float(row["score"]) for row in csv.DictReader(io.StringIO(text)) if row["score"]]


BEST_FIRST = [90.0, 80.0, 70.0, 60.0, 50.0, 40.0, 30.0, 20.0, 10.0, 0.0]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], EngineOptions()),
        (["--device", "cpu"], EngineOptions(device="cpu")),
        (["--device", "cuda:1"], EngineOptions(device="cuda:1")),
        (["--batch-size", "3"], EngineOptions(batch_size=3)),
        (["--workers", "0"], EngineOptions(workers=0)),
        (["--max-megapixels", "12.5"], EngineOptions(max_megapixels=12.5)),
    ],
    ids=lambda value: " ".join(value) or "default" if isinstance(value, list) else "",
)
def test_engine_options(score, photos, engine, args, expected) -> None:
    assert score(photos, *args, "--no-cache").code == 0
    assert engine.options == expected


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ([], ["a.jpg", "b.png", "sub/c.jpg"]),
        (["--no-recursive"], ["a.jpg", "b.png"]),
        (["--include", "*.jpg"], ["a.jpg", "sub/c.jpg"]),
        (["--include", "*.jpg", "--include", "*.png"], ["a.jpg", "b.png", "sub/c.jpg"]),
        (["--exclude", "a*", "--exclude", "sub"], ["b.png"]),
    ],
    ids=lambda value: " ".join(value) or "default",
)
def test_which_photos(score, tmp_path, engine, args, found) -> None:
    for name in ("a.jpg", "b.png", "sub/c.jpg", "notes.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"x")
    assert score(tmp_path / "in", *args).code == 0
    assert [str(path.relative_to(tmp_path / "in")) for path in engine.seen] == found


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ("csv", scores_in),
        ("jsonl", lambda text: [json.loads(line)["score"] for line in text.splitlines()]),
        ("json", lambda text: [row["score"] for row in json.loads(text)]),
        ("table", lambda text: [float(line.split()[0]) for line in text.splitlines()[1:]]),
    ],
)
def test_formats_on_stdout(score, photos, form, read) -> None:
    result = score(photos, "--format", form)
    assert result.code == 0
    assert read(result.out) == BEST_FIRST
    assert "10 photos  10 ok" in result.err


def test_parquet_on_stdout(photos, model, start) -> None:
    process = start("score", photos, "--model", model.path, "--format", "parquet", "-q", stdout=subprocess.PIPE)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert pl.read_parquet(out)["score"].to_list() == BEST_FIRST


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "json"])
def test_o_writes_a_file_and_says_so_on_stderr(score, photos, suffix) -> None:
    target = Path(f"scores.{suffix}")
    result = score(photos, "-o", target)
    assert (result.code, result.out) == (0, "")
    assert f"saved      scores.{suffix}\n" in result.err
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet, "jsonl": pl.read_ndjson, "json": pl.read_json}[suffix]
    assert read(target)["score"].to_list() == BEST_FIRST


def test_o_and_format_together(score, photos) -> None:
    result = score(photos, "-o", "scores.csv", "--format", "jsonl")
    assert len(result.out.splitlines()) == 10
    assert scores_in(Path("scores.csv").read_text()) == BEST_FIRST


def test_the_summary(score, photos) -> None:
    for name in ("bad1.jpg", "bad2.jpg", "nobody.jpg"):
        (photos / name).write_bytes(b"x")
    score(photos / "90.jpg")
    result = score(photos, "--format", "csv")
    lines = [line.strip() for line in result.err.splitlines()]
    assert lines[1] == "13 photos  10 ok · 1 without a face · 2 failed"
    assert lines[2] == "scores     median 50.0 · middle half 25.0 to 65.0 · all 0.0 to 90.0"
    assert lines[3] == "faults     motion blur 91 % · noise 91 %"
    assert re.fullmatch(r"time       \d+\.\d s · [\d.]+ photos/s · 1 from the cache", lines[4])
    assert lines[5:] == [f"failed     {photos}/bad1.jpg: truncated", f"{photos}/bad2.jpg: truncated"]


def test_the_summary_of_one_photo_is_its_score(score, photos) -> None:
    assert score(photos / "50.jpg", "--format", "csv").err.splitlines()[2].split() == ["scores", "50.0"]


def test_a_slow_run_has_a_speed_above_zero() -> None:
    assert time_taken(23.7, 1, 4) == "23.7 s · 0.04 photos/s · 4 from the cache"
    assert time_taken(150.0, 300, 0) == "2.5 min · 2.0 photos/s"


def test_quiet_leaves_the_data_only(score, photos) -> None:
    result = score(photos, "--quiet")
    assert result.err == ""
    assert len(result.out.splitlines()) == 11


def test_a_plain_table_shows_every_row_on_one_line(score, tmp_path) -> None:
    folder = tmp_path / ("long " * 20) / ("name " * 20)
    folder.mkdir(parents=True)
    for number in range(50):
        (folder / f"{number:02}.jpg").write_bytes(b"x")
    (folder / "bad.jpg").write_bytes(b"x")
    lines = score(tmp_path, "--show", "3").out.splitlines()
    assert lines[0].split() == ["score", "status", "faces", "reasons", "photo"]
    assert lines[1] == f"  49.0  ok           2  face: motion blur; photo: noise  {folder}/49.jpg"
    assert lines[-1] == f"     -  error        -  {'truncated':<31}  {folder}/bad.jpg"
    assert len(lines) == 52


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ([], 0, ""),
        (["--fail-under", "0"], 0, ""),
        (["--fail-under", "10"], 1, "piqa: 1 of 10 scored photos is below 10, the worst first:"),
        (["--fail-under", "25.5"], 1, "piqa: 3 of 10 scored photos are below 25.5, the worst first:"),
        (["--strict"], 3, "piqa: 1 of 11 photos could not be scored (--strict)"),
        (["--strict", "--fail-under", "0"], 3, "piqa: 1 of 11 photos could not be scored (--strict)"),
        (["--strict", "--fail-under", "10"], 1, "piqa: 1 of 10 scored photos is below 10, the worst first:"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_gates(score, photos, args, code, message) -> None:
    (photos / "bad.jpg").write_bytes(b"x")
    for form in ("table", "csv"):
        result = score(photos, *args, "--format", form, "--quiet")
        assert result.code == code
        assert message in result.err
        assert len(result.out.splitlines()) == 12


def test_the_gate_names_the_worst(score, photos) -> None:
    lines = score(photos, "--fail-under", "20", "-q").err.splitlines()
    assert lines[1:] == [f"  0.00  {photos}/00.jpg", f" 10.00  {photos}/10.jpg"]


def test_strict_with_nothing_failed(score, photos) -> None:
    assert score(photos, "--strict").code == 0


BAD_CALLS = [
    (["missing"], "no such file or folder: missing"),
    (["{photos}", "missing"], "no such file or folder: missing"),
    (["{photos}", "-o", "scores.xlsx"], "cannot write scores.xlsx: unknown suffix '.xlsx'"),
    (["{photos}", "-o", "no/scores.csv"], "cannot write no/scores.csv: no folder no"),
    (["{photos}", "-o", ""], "-o has an empty name"),
    (["{photos}", "--format", "xml"], "Invalid value for '--format': 'xml' is not one of"),
    (
        ["{photos}", "--device", "gpu"],
        "Invalid value for '--device' / '--devices': 'gpu' is none of auto, cpu, mps, cuda",
    ),
    (["{photos}", "--device", "cuda:x"], "Invalid value for '--device'"),
    (["{photos}", "--batch-size", "0"], "Invalid value for '--batch-size'"),
    (["{photos}", "--workers", "-1"], "Invalid value for '--workers'"),
    (["{photos}", "--max-megapixels", "0"], "Invalid value for '--max-megapixels': 0.0 is not a positive number"),
    (["{photos}", "--exclude", "/photos/selects"], "Invalid value for '--exclude': '/photos/selects': patterns begin"),
    (["{photos}", "--include", "a*", "--include", "/photos/a*"], "Invalid value for '--include': '/photos/a*'"),
    (["{photos}", "--max-megapixels", "nan"], "Invalid value for '--max-megapixels'"),
    (["{photos}", "--fail-under", "101"], "Invalid value for '--fail-under': 101.0 is not a score, 0 to 100"),
    (["{photos}", "--fail-under", "nan"], "Invalid value for '--fail-under'"),
    (["{photos}", "--fail-under", "high"], "Invalid value for '--fail-under'"),
    (["{photos}", "--model", "nobody-has-this"], "no model 'nobody-has-this'"),
    (["{photos}", "--show", "-1"], "Invalid value for '--show'"),
]


@pytest.mark.parametrize(("args", "message"), BAD_CALLS, ids=[" ".join(args[-2:]) for args, _ in BAD_CALLS])
def test_a_bad_call_is_one_clear_line_before_any_work(piqa, model, photos, engine, args, message) -> None:
    given = [arg.format(photos=photos) for arg in args]
    result = piqa("score", "--model", model.path, *given)
    assert (result.code, result.out) == (2, "")
    first, *hints = result.err.splitlines()
    assert first.startswith(f"piqa: error: {message}")
    assert len(hints) == 1
    assert hints[0].startswith("hint: ")
    assert engine.seen == []


def test_no_photos_in_a_folder(score, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    result = score(tmp_path / "empty", "-o", "scores.csv")
    assert (result.code, result.out) == (2, "")
    first, hint = result.err.splitlines()
    assert first == f"piqa: error: no photos found in {tmp_path}/empty"
    assert ".jpg" in hint
    assert ".heic" in hint
    assert hint.endswith("see also --include, --exclude and --no-recursive")
    assert not Path("scores.csv").exists()


def test_many_empty_places_are_not_all_listed(score, tmp_path) -> None:
    for name in "abcde":
        (tmp_path / name).mkdir()
    first = score(*(tmp_path / name for name in "abcde")).err.splitlines()[0]
    assert first.endswith(f"{tmp_path}/c and 2 more")


def test_a_second_run_needs_no_engine(score, photos, engine, monkeypatch) -> None:
    first = score(photos, "--format", "csv", "-q")
    engine.seen.clear()
    second = score(photos, "--format", "csv")
    assert second.out == first.out
    assert engine.seen == []
    assert "all from the cache" in second.err


@pytest.mark.parametrize(
    ("first", "second", "scored"),
    [
        ([], [], 0),
        ([], ["--no-cache"], 10),
        (["--no-cache"], [], 10),
        (["--cache-dir", "mine"], ["--cache-dir", "mine"], 0),
        (["--cache-dir", "mine"], [], 10),
    ],
    ids=["kept", "not asked", "not kept", "kept elsewhere", "another place"],
)
def test_cache_options(score, photos, engine, first, second, scored) -> None:
    score(photos, *first)
    engine.seen.clear()
    assert score(photos, *second).code == 0
    assert len(engine.seen) == scored


def test_cache_trouble_is_a_note(score, photos) -> None:
    Path("file").write_text("in the way")
    result = score(photos, "--cache-dir", "file/cache", "--format", "csv")
    assert result.code == 0
    assert scores_in(result.out) == BEST_FIRST
    assert "piqa: going on without the result cache file/cache/scores.sqlite" in result.err
    assert score(photos, "--cache-dir", "file/cache", "-q", "--format", "csv").err == ""


@pytest.mark.parametrize("separator", [b"\n", b"\0"], ids=["newline", "nul"])
def test_paths_on_stdin(photos, model, start, separator) -> None:
    listed = separator.join(os.fsencode(photos / name) for name in ("20.jpg", "70.jpg"))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start("score", "-", "--model", model.path, "--format", "csv", "-q", **pipes)
    out, err = process.communicate(listed, timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert scores_in(out.decode()) == [70.0, 20.0]


def test_a_listed_path_that_is_gone_is_left_to_the_engine(photos, model, start) -> None:
    listed = b"\n".join(os.fsencode(photos / name) for name in ("20.jpg", "bad gone.jpg"))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start("score", "-", "--model", model.path, "--format", "csv", "-q", **pipes)
    out, _ = process.communicate(listed, timeout=60)
    assert process.returncode == 0
    assert b"bad gone.jpg,,error" in out


def test_nothing_on_stdin(model, start) -> None:
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start("score", "-", "-", "--model", model.path, **pipes)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.startswith(b"piqa: error: no photos found in the list on stdin\nhint: it is empty, or names folders")


HOSTILE = [b"\x1b[31mred.jpg", b"new\nline.jpg", b"[bold]not.jpg", b"und\xff.jpg", "\u202egpj.jpg".encode(), b" .jpg"]
SHOWN = [r"\x1b[31mred.jpg", r"new\nline.jpg", "[bold]not.jpg", r"und\xff.jpg", r"\u202egpj.jpg", " .jpg"]


@pytest.fixture
def hostile(tmp_path) -> Path:
    folder = tmp_path / "hostile"
    folder.mkdir()
    if sys.platform != "linux":
        pytest.skip("only Linux takes such names")
    for name in HOSTILE:
        (folder / os.fsdecode(name)).write_bytes(b"x")
        (folder / os.fsdecode(b"bad " + name)).write_bytes(b"x")
    return folder


def test_hostile_names_are_harmless_in_text(score, hostile) -> None:
    result = score(hostile, "--fail-under", "99")
    shown = {line.split("hostile/")[1] for line in result.out.splitlines()[1:]}
    assert shown == {prefix + name for prefix in ("", "bad ") for name in SHOWN}
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", result.out + result.err) is None


def test_hostile_names_are_exact_in_data(score, hostile) -> None:
    rows = [json.loads(line) for line in score(hostile, "--format", "jsonl").out.splitlines()]
    expected = {name.decode("utf-8", "backslashreplace") for name in HOSTILE}
    assert {Path(row["path"]).name for row in rows if row["status"] == "ok"} == expected


def test_a_pattern_that_matches_nothing_is_a_note(score, photos) -> None:
    args = (photos, "--exclude", "5?.*", "--exclude", "selcts/*")
    result = score(*args)
    assert (result.code, result.err.count("piqa: --exclude 'selcts/*' matches nothing here\n")) == (0, 1)
    assert "5?" not in result.err
    assert score(*args, "-q").err == ""


@pytest.fixture
def locked(photos, monkeypatch) -> None:
    """A folder that cannot be listed, beside a photo."""

    def discover(paths, *, on_problem, **options):
        yield PhotoFile(photos / "50.jpg")
        on_problem(UnreadablePhoto("permission denied", path=Path("locked")))

    monkeypatch.setattr("piqa_cli.commands.score_run.discover", discover)


def test_a_folder_that_cannot_be_listed_is_a_note(score, photos, locked) -> None:
    assert "piqa: skipped locked: permission denied\n" in score(photos).err
    assert score(photos, "-q").err == ""


@pytest.mark.parametrize("into", [[], ["-o", "scores"]], ids=["table", "parts"])
def test_with_strict_a_folder_that_cannot_be_listed_is_no_success(score, photos, locked, into) -> None:
    result = score(photos, "-q", "--strict", *into)
    assert (result.code, result.err) == (3, "piqa: 1 folder could not be listed (--strict)\n")


UNCHECKED = "1 folder could not be listed: the gates cannot be checked for the photos in there"


@pytest.mark.parametrize("command", ["score", "rank", "report"])
def test_no_gate_is_passed_without_a_folder_that_cannot_be_listed(
    piqa, photos, locked, model, tmp_path, monkeypatch, command
) -> None:
    monkeypatch.chdir(tmp_path)
    result = piqa(command, photos, "-q", "--fail-under", 50, "--model", model.path)
    assert (result.code, result.err.count(UNCHECKED)) == (2, 1)
    assert piqa(command, photos, "-q", "--fail-under", 51, "--model", model.path).code == 1  # is broken without it
    assert piqa(command, photos, "-q", "--fail-under", 50, "--strict", "--model", model.path).code == 3


@pytest.mark.parametrize("into", [[], ["-o", "scores"]], ids=["table", "parts"])
def test_how_many_errors_a_folder_that_cannot_be_listed_holds_is_not_known(score, photos, locked, into) -> None:
    result = score(photos, "--max-errors", "0", "--junit", "junit.xml", *into)
    assert (result.code, result.err.count(UNCHECKED)) == (2, 1)
    assert not Path("junit.xml").exists()  # it would tell of a pass


def test_a_quiet_verdict_without_gates_says_what_it_is_without(score, photos, locked) -> None:
    result = score(photos, "-q", "--junit", "junit.xml")
    assert (result.code, result.err.count("1 folder could not be listed: the verdict is without")) == (0, 1)


@pytest.mark.parametrize("command", ["rank", "report"])
def test_strict_means_the_same_in_other_commands(piqa, photos, locked, model, tmp_path, monkeypatch, command) -> None:
    monkeypatch.chdir(tmp_path)
    result = piqa(command, photos, "-q", "--strict", "--model", model.path)
    assert (result.code, result.err) == (3, "piqa: 1 folder could not be listed (--strict)\n")


def test_an_interrupt_saves_what_is_finished(score, photos, engine) -> None:
    engine.interrupt_after = 2
    result = score(photos, "-o", "scores.csv", "--format", "csv", "--fail-under", "50")
    assert result.code == 130
    done = [70.0, 60.0, 50.0, 40.0, 30.0, 20.0, 10.0, 0.0]
    assert scores_in(Path("scores.csv").read_text()) == scores_in(result.out) == done
    assert (
        result.err.splitlines()[-1]
        == "piqa: interrupted: 8 of 10 photos are done and saved in scores.csv; the next run goes on from there"
    )
    engine.interrupt_after = None
    engine.seen.clear()
    assert score(photos).code == 0
    assert [path.stem for path in engine.seen] == ["80", "90"]


def test_an_interrupt_without_a_cache_promises_nothing(score, photos, engine) -> None:
    engine.interrupt_after = 2
    assert score(photos, "--no-cache").err.splitlines()[-1] == "piqa: interrupted: 8 of 10 photos are done"


def test_a_failing_engine_saves_what_is_finished(score, photos, engine) -> None:
    engine.fail_after = 2
    result = score(photos, "-o", "scores.csv")
    assert result.code == 2
    assert "piqa: error: scoring stopped: worker killed\nhint: use fewer workers\n" in result.err
    assert len(scores_in(Path("scores.csv").read_text())) == 8


def test_an_engine_that_fails_at_once_writes_nothing(score, photos, engine) -> None:
    engine.fail_after = 0
    assert score(photos, "-o", "scores.csv").code == 2
    assert not Path("scores.csv").exists()


def test_an_interrupt_before_anything_is_done_writes_nothing(score, photos, engine) -> None:
    Path("scores.csv").write_text("old")
    engine.interrupt_after = 0
    result = score(photos, "-o", "scores.csv")
    assert (result.code, result.out) == (130, "")
    assert result.err == "piqa: interrupted: 0 of 10 photos are done\n"
    assert Path("scores.csv").read_text() == "old"
