from __future__ import annotations

import os
import subprocess
import sys

import pytest

from piqa_cli import __version__
from piqa_cli.__main__ import main
from piqa_cli.commands import app, failures
from piqa_cli.errors import ModelError, OutputError, UsageError

LATE = ("torch", "torchvision", "timm", "polars", "PIL", "facenet_pytorch", "numpy")


@pytest.mark.parametrize(
    ("args", "code", "start"),
    [
        (["--version"], 0, f"piqa {__version__}\n"),
        (["--help"], 0, "Usage: piqa [OPTIONS] COMMAND [ARGS]..."),
        (["-h"], 0, "Usage: piqa [OPTIONS] COMMAND [ARGS]..."),
        ([], 0, "Usage: piqa [OPTIONS] COMMAND [ARGS]..."),
        (["score", "--help"], 0, "Usage: piqa score [OPTIONS] {PATH}..."),
    ],
    ids=["version", "help", "short help", "nothing", "help of a command"],
)
def test_what_is_asked_for_goes_to_stdout(piqa, args, code, start) -> None:
    result = piqa(*args)
    assert (result.code, result.err) == (code, "")
    assert result.out.strip().startswith(start.strip())


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["--frob"], "No such option: --frob", "piqa --help"),
        (["frob"], "No such command 'frob'", "piqa --help"),
        (["score", "--frob", "."], "No such option: --frob", "piqa score --help"),
        (["score"], "Missing argument", "piqa score --help"),
        (["score", ".", "--json"], "Option '--json' requires an argument", "piqa score --help"),
    ],
    ids=["option", "command", "option of a command", "no path", "no value"],
)
def test_wrong_usage_is_one_line_and_a_hint(piqa, args, message, hint) -> None:
    result = piqa(*args)
    assert (result.code, result.out) == (2, "")
    first, second = result.err.splitlines()
    assert first.startswith(f"piqa: error: {message}")
    assert second.startswith(f"hint: {hint}")


def test_a_folder_in_the_place_of_the_command(piqa, tmp_path, monkeypatch) -> None:
    (tmp_path / "my photos").mkdir()
    (tmp_path / "score").mkdir()
    monkeypatch.chdir(tmp_path)
    result = piqa("my photos")
    told = "piqa: error: my photos is no command\nhint: piqa score 'my photos' scores it\n"
    assert (result.code, result.out, result.err) == (2, "", told)
    assert "Missing argument 'PATH'" in piqa("score").err


def test_the_names_of_a_whole_shoot_are_not_listed(piqa) -> None:
    """As in `piqa explain *`."""
    result = piqa("explain", *(f"IMG_{number}.jpg" for number in range(1000)))
    assert result.err.startswith("piqa: error: Got unexpected extra argument")
    assert result.err.count("\n") == 2 and len(result.err) < 500


@pytest.mark.parametrize("args", [["score", "a.jpg"], ["explain"], ["rank"]], ids=" ".join)
def test_a_name_that_is_read_as_options(piqa, tmp_path, monkeypatch, args) -> None:
    """As in `piqa score *` where a file is called `-1 (2).jpg`."""
    (tmp_path / "-1 (2).jpg").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    result = piqa(*args, "-1 (2).jpg")
    assert (result.code, result.out) == (2, "")
    assert "hint: of the file -1 (2).jpg write './-1 (2).jpg', or it is read as options\n" in result.err


@pytest.mark.parametrize("args", [["score"], ["score", "."], ["rank"], ["report"], ["explain"]], ids=" ".join)
def test_an_empty_name_is_not_the_current_folder(piqa, args) -> None:
    """As of an unset variable in `piqa rank "$SHOOT" --move-to out --apply`."""
    result = piqa(*args, "")
    assert (result.code, result.out) == (2, "")
    assert "an empty name is no photo or folder" in result.err


@pytest.mark.parametrize(
    "args",
    [
        *(
            ["rank", ".", "--top", "1", option]
            for option in ("--copy-to", "--move-to", "--hardlink-to", "--symlink-to")
        ),
        ["report", ".", "--assets"],
        ["score", ".", "--cache-dir"],
        ["models", "list", "--models-dir"],
    ],
    ids=" ".join,
)
def test_nor_is_an_empty_name_of_an_option(piqa, args) -> None:
    """As in `piqa rank shoot --move-to "$OUT" --apply`."""
    result = piqa(*args, "")
    assert (result.code, result.out) == (2, "")
    assert f"Invalid value for '{args[-1]}': an empty name is no photo or folder" in result.err


@pytest.mark.parametrize(
    "args",
    [
        *(["rank", option] for option in ("--undo", "--plan")),
        *(["rank", ".", "--write-xmp", option] for option in ("--plan-out", "--journal")),
        *(["score", ".", option] for option in ("--gate", "--baseline", "--junit")),
        ["report", ".", "-o"],
    ],
    ids=" ".join,
)
def test_an_empty_name_is_no_file(piqa, args) -> None:
    """As in `piqa rank --undo "$JOURNAL"`."""
    result = piqa(*args, "")
    assert (result.code, result.out) == (2, "")
    assert "an empty name is no file; a variable that is not set?" in result.err


@pytest.mark.parametrize(
    ("error", "code", "err"),
    [
        (UsageError("no such thing: a\x1b[31m\nb"), 2, "piqa: error: no such thing: a\\x1b[31m\\nb\n"),
        (ModelError("m/[bold]x", hint="import it"), 2, "piqa: error: m/[bold]x\nhint: import it\n"),
        (OutputError("disk full"), 2, "piqa: error: disk full\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
    ids=["usage", "model", "output", "interrupt"],
)
def test_errors_of_the_core_become_a_line_and_a_code(piqa, monkeypatch, error, code, err) -> None:
    def fail(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr("piqa_cli.commands.score_here.find_model", fail)
    result = piqa("score", ".")
    assert (result.code, result.out, result.err) == (code, "", err)


TOO_LONG = "x" * 300


@pytest.mark.parametrize(
    "args",
    [
        ["explain", TOO_LONG],
        ["explain", "photo.jpg", "--model", TOO_LONG],
        ["score", ".", "--model", TOO_LONG],
        ["score", ".", "-o", f"{TOO_LONG}.csv"],
        ["score", ".", "--junit", f"{TOO_LONG}.xml"],
        ["report", ".", "-o", f"{TOO_LONG}.html"],
        ["models", "info", TOO_LONG],
    ],
    ids=lambda args: " ".join(args).replace(TOO_LONG, "LONG"),
)
def test_a_path_that_the_system_refuses_is_one_line(piqa, args, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = piqa(*args)
    assert (result.code, result.out) == (2, "")
    first, second = result.err.splitlines()
    assert "File name too long" in first
    assert second == "hint: check the path and its permissions"


def test_a_bug_is_not_hidden(piqa, monkeypatch) -> None:
    monkeypatch.setattr("piqa_cli.commands.score_here.find_model", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        piqa("score", ".")
    monkeypatch.setattr("piqa_cli.commands.score_here.find_model", lambda *args: open("nowhere"))  # noqa: SIM115, PTH123
    with pytest.raises(FileNotFoundError):
        piqa("score", ".")


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["score", "--help"], []], ids=" ".join)
def test_help_loads_nothing_heavy(args) -> None:
    code = (
        "import sys; from piqa_cli.commands.app import run\n"
        f"try: run({args!r})\n"
        "except SystemExit: pass\n"
        f"print([m for m in {LATE!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert done.stdout


def test_python_m_calls_itself_piqa() -> None:
    done = subprocess.run([sys.executable, "-m", "piqa_cli", "--help"], capture_output=True, text=True, check=True)
    assert "Usage: piqa " in done.stdout
    assert "__main__" not in done.stdout


def test_every_option_has_help() -> None:
    for command in app.command_line().commands.values():
        for parameter in command.params:
            assert parameter.help, f"{command.name} {parameter.name}"


def test_a_package_of_an_extra_that_is_missing_is_named(capsys):
    from piqa_cli.commands.failures import reported

    with pytest.raises(SystemExit) as stopped, reported():
        raise ModuleNotFoundError("No module named 'av'", name="av")
    assert stopped.value.code == 2
    assert "this needs the package av" in capsys.readouterr().err
    with pytest.raises(ModuleNotFoundError), reported():  # a mistake of ours is not hidden
        raise ModuleNotFoundError("No module named 'nonsense'", name="nonsense")


@pytest.mark.parametrize(("rank", "waits"), [("0", False), ("1", True)])
@pytest.mark.parametrize("args", [["models", "info", "nothing"], ["train", "--frob"]], ids=["ours", "Typer's"])
def test_the_first_of_several_processes_speaks_first(piqa, monkeypatch, rank, waits, args) -> None:
    """torchrun ends the others then: eight processes would say the same eight times."""

    class Waits(Exception):
        pass

    def wait(seconds):
        raise Waits

    monkeypatch.setattr(failures.time, "sleep", wait)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", rank)
    if waits:
        with pytest.raises(Waits):
            piqa(*args)
    else:
        assert piqa(*args).err.count("piqa: error:") == 1


@pytest.mark.parametrize(("own", "kept"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_leave_their_core_unless_somebody_wants_it_otherwise(monkeypatch, own, kept) -> None:
    """On a busy machine a heat map took 138 seconds instead of 12. OpenMP reads it when torch is imported."""
    monkeypatch.setenv("OMP_WAIT_POLICY", own) if own else monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setattr(sys, "argv", ["piqa", "--version"])
    monkeypatch.setattr("piqa_cli.__main__._leave", sys.exit)
    with pytest.raises(SystemExit):
        main()
    assert os.environ["OMP_WAIT_POLICY"] == kept
