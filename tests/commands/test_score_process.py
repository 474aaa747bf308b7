"""Signals and pipes, with `piqa` as a process of its own."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(80):
        (folder / f"{number:02}.jpg").write_bytes(b"x")
    return folder


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if path.exists() and path.stat().st_size > 0:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    pytest.fail(f"{path} never came")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_ctrl_c_saves_what_is_finished_and_the_next_run_goes_on(start, many, model, tmp_path, monkeypatch) -> None:
    command = ["score", many, "--model", model.path, "--cache-dir", tmp_path / "cache", "-o", tmp_path / "scores.csv"]
    monkeypatch.setenv("FAKE_PAUSE", "0.1")
    process = start(*command, **PIPES)
    wait_for(tmp_path / "cache" / "scores.sqlite", process)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    done = len(rows(tmp_path / "scores.csv"))
    assert 0 < done < 80
    assert (
        f"piqa: interrupted: {done} of 80 photos are done and saved in {tmp_path}/scores.csv; the next run goes on"
        in err.decode()
    )
    assert b"Traceback" not in err

    monkeypatch.setenv("FAKE_PAUSE", "0")
    process = start(*command, **PIPES)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(rows(tmp_path / "scores.csv")) == 80
    known = int(err.decode().split(" from the cache")[0].rsplit(" ", 1)[1])
    assert done <= known <= done + 4


def test_a_killed_run_repeats_at_most_one_batch(start, many, model, tmp_path, monkeypatch) -> None:
    command = ["score", many, "--model", model.path, "--cache-dir", tmp_path / "cache", "-o", tmp_path / "scores.csv"]
    monkeypatch.setenv("FAKE_PAUSE", "0.1")
    process = start(*command, **PIPES)
    wait_for(tmp_path / "cache" / "scores.sqlite", process)
    time.sleep(0.55)
    process.kill()
    process.communicate(timeout=60)
    assert not (tmp_path / "scores.csv").exists()
    monkeypatch.setenv("FAKE_PAUSE", "0")
    process = start(*command, **PIPES)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    known = int(err.decode().split(" from the cache")[0].rsplit(" ", 1)[1])
    assert known >= 8
    assert known % 4 == 0
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("form", ["table", "csv", "jsonl"])
def test_a_reader_that_goes_away_is_no_error(start, many, model, form) -> None:
    read, write = os.pipe()
    os.close(read)
    process = start("score", many, "--model", model.path, "--format", form, "-q", stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
@pytest.mark.parametrize(
    "arguments", [["score", "{photos}", "--format", "csv", "-q"], ["--version"]], ids=["score", "version"]
)
def test_a_full_disk_behind_stdout_is_one_message(start, many, model, arguments) -> None:
    arguments = [part.replace("{photos}", str(many)) for part in arguments]
    extra = ["--model", model.path] if arguments[0] == "score" else []
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        process = start(*arguments, *extra, stdout=full, stderr=subprocess.PIPE)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.decode().startswith("piqa: error: cannot write the output: No space left on device\nhint: ")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
@pytest.mark.parametrize(("limit", "code"), [("0", 2), ("90", 1)])
def test_a_full_disk_behind_stdout_leaves_gates_and_files(start, many, model, tmp_path, limit, code) -> None:
    result = tmp_path / "result.xml"
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        command = ["score", many, "--model", model.path, "-q", "--junit", result, "--fail-under", limit]
        process = start(*command, stdout=full, stderr=subprocess.PIPE)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count(b"cannot write the output: No space left")) == (code, 1)
    assert result.exists()


def test_without_stdout_a_run_goes_through(start, many, model, tmp_path) -> None:
    table = tmp_path / "scores.csv"
    options = {"preexec_fn": lambda: os.close(1), "stderr": subprocess.PIPE}
    process = start("score", many, "--model", model.path, "-q", "-o", table, **options)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert len(rows(table)) == 80


def test_without_stdin_there_is_no_list(start, model) -> None:
    streams = {"preexec_fn": lambda: os.close(0), "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start("score", "-", "--model", model.path, **streams)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, b"")
    assert err.startswith(b"piqa: error: no photos found in the list on stdin\n")


def test_without_stderr_the_exit_code_says_what_went_wrong(start, many, model) -> None:
    options = {"preexec_fn": lambda: os.close(2), "stdout": subprocess.PIPE}
    for arguments, code in ((["nowhere"], 2), ([many, "-q", "--fail-under", 100], 1), ([many], 0)):
        process = start("score", *arguments, "--model", model.path, **options)
        process.communicate(timeout=60)
        assert process.returncode == code


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_stdout_will_do(start, tmp_path, model, encoding, monkeypatch) -> None:
    (tmp_path / "写真.jpg").write_bytes(b"x")
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal, bars included
    process = start("score", tmp_path, "--model", model.path, **PIPES)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert ("写真" if encoding == "utf-8" else r"\u5199\u771f").encode() in out
    assert b"1 ok" in err


@pytest.fixture
def unread():
    """A pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


def test_gates_and_their_files_need_no_reader_of_stdout(start, many, model, tmp_path, unread) -> None:
    result = tmp_path / "result.xml"
    command = ["score", many, "--model", model.path, "-q", "--fail-under"]
    process = start(*command, "90", "--junit", result, stdout=unread, stderr=subprocess.PIPE)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"80 of 80 scored photos are below 90" in err
    assert result.exists()
    process = start(*command, "0", stdout=unread, stderr=subprocess.PIPE)
    assert (process.communicate(timeout=60)[1], process.returncode) == (b"", 141)


def test_a_failed_photo_goes_before_the_reader_that_is_gone(start, many, model, unread) -> None:
    (many / "bad.jpg").write_bytes(b"x")
    process = start("score", many, "--model", model.path, "-q", "--strict", stdout=unread, stderr=subprocess.PIPE)
    assert process.communicate(timeout=60)[1] == b"piqa: 1 of 81 photos could not be scored (--strict)\n"
    assert process.returncode == 3


def test_messages_that_nobody_reads_stop_nothing(start, many, model, tmp_path, unread) -> None:
    result, table = tmp_path / "result.xml", tmp_path / "scores.csv"
    command = ["score", many, "--model", model.path, "--junit", result, "-o", table, "--annotations", "github"]
    process = start(*command, "--fail-under", "1", stdout=subprocess.PIPE, stderr=unread)
    assert process.communicate(timeout=60)[0] == b""
    assert process.returncode == 1
    assert result.exists()
    process = start("score", many, "--model", model.path, stdout=unread, stderr=unread)
    assert process.wait(timeout=60) == 141


def test_annotations_that_nobody_reads_leave_the_exit_code(start, many, model, unread) -> None:
    command = ["score", many, "--model", model.path, "-q", "--annotations", "github", "--fail-under"]
    for limit, code in (("0", 0), ("90", 1)):
        process = start(*command, limit, stdout=subprocess.DEVNULL, stderr=unread)
        assert process.wait(timeout=60) == code


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_full_disk_behind_stderr_stops_nothing(start, many, model, tmp_path) -> None:
    result = tmp_path / "result.xml"
    for arguments, code in (([many, "--junit", result, "--annotations", "github"], 0), (["nowhere"], 2)):
        with open("/dev/full", "wb") as full:  # noqa: PTH123
            process = start("score", *arguments, "--model", model.path, stdout=subprocess.DEVNULL, stderr=full)
            assert process.wait(timeout=60) == code
    assert result.exists()


@pytest.mark.parametrize("extra", [[], ["--list0"]], ids=["table", "list"])
def test_rank_acts_without_a_reader_of_stdout(start, many, model, tmp_path, unread, extra) -> None:
    command = ["rank", many, "--model", model.path, "--by", "none", "--top", "1", "--write-xmp", "--apply", *extra]
    process = start(*command, "--journal", tmp_path / "j.jsonl", stdout=unread, stderr=subprocess.PIPE)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 141
    assert b"done     marked" in err
    assert (many / "79.xmp").exists()
    process = start("rank", many, "--model", model.path, "--fail-under", "90", stdout=unread, stderr=subprocess.PIPE)
    process.communicate(timeout=60)
    assert process.returncode == 1


@pytest.mark.parametrize("loaded", ["logging", "typer"])
def test_ctrl_c_while_the_program_is_loaded_ends_it_in_silence(tmp_path, loaded) -> None:
    (tmp_path / f"{loaded}.py").write_text("raise KeyboardInterrupt\n")
    command = [sys.executable, "-c", "from piqa_cli.__main__ import main; main()"]
    path = os.pathsep.join([str(tmp_path), *sys.path])
    found = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (130, b"", b"")
