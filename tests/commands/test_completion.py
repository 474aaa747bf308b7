"""Completion in shells, by Typer's own scripts: `piqa` is called with the line in its environment, and prints words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.commands.test_app import LATE


@pytest.fixture
def complete(piqa, monkeypatch):
    """What completes a line, by the protocol of bash; its last word is the one that is being typed."""

    def words(line: str) -> list[str]:
        parts = line.split(" ")
        monkeypatch.setenv("_PIQA_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "\n".join(parts))
        monkeypatch.setenv("COMP_CWORD", str(len(parts) - 1))
        result = piqa()
        assert (result.code, result.err) == (0, "")
        return result.out.split()

    return words


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("piqa ", "score rank report explain train evaluate pretrain models"),
        ("piqa ra", "rank"),
        ("piqa models i", "import info"),
        ("piqa score --fo", "--format"),
        ("piqa score a.jpg --with", "--with-gps"),
        ("piqa score --format ", "table csv jsonl json parquet"),
        ("piqa rank a --by fo", "folder"),
        ("piqa rank a --top nonsense --xmp-naming d", "darktable"),
        ("piqa --inst", "--install-completion"),
    ],
)
def test_commands_options_and_their_values(complete, line, expected) -> None:
    assert complete(line) == expected.split()


@pytest.mark.parametrize(
    "line",
    [
        "piqa score ",
        "piqa score my",
        "piqa score -o ",
        "piqa rank --copy-to d",
        "piqa explain --heatmap ",
        "piqa score --gate p",
    ],
)
def test_files_are_left_to_the_shell_which_quotes_them(complete, line) -> None:
    assert complete(line) == []


def test_a_line_is_not_run_while_it_is_typed(complete, tmp_path, monkeypatch) -> None:
    (tmp_path / "shoot").mkdir()
    monkeypatch.chdir(tmp_path)
    assert complete("piqa --version sc") == ["score"]
    assert complete("piqa shoot --ver") == ["--version"]  # else an error where somebody types


@pytest.mark.parametrize(
    ("shell", "starts"), [("bash", "_piqa_completion() {"), ("zsh", "#compdef piqa"), ("fish", "complete ")]
)
def test_the_script_of_each_shell(piqa, monkeypatch, shell, starts) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: shell)
    result = piqa("--show-completion")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(starts)


def test_of_another_shell_it_says_what_to_do(piqa, monkeypatch) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: "dash")
    result = piqa("--show-completion")
    assert result.code == 2
    assert "piqa: error: completion is for bash, zsh, fish and PowerShell\nhint: " in result.err


def test_it_loads_nothing_heavy() -> None:
    """Every press of the key starts piqa."""
    line = {"_PIQA_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "piqa score --f"}
    code = (
        "import sys; from piqa_cli.commands.app import run\n"
        "try: run([])\n"
        "except SystemExit: pass\n"
        f"print([m for m in {LATE!r} if m in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**os.environ, **line}, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert "--fail-under" in done.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_in_bash(piqa, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: "bash")
    (tmp_path / "piqa").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m piqa_cli "$@"\n')
    (tmp_path / "piqa").chmod(0o755)
    script = piqa("--show-completion").out + (
        "COMP_WORDS=(piqa rank 'my\\ shoot' --by fo); COMP_CWORD=4; _piqa_completion piqa\n"
        'echo "${COMPREPLY[*]}"; complete -p piqa'
    )
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    folder, rule = done.stdout.splitlines()
    assert (folder, done.stderr) == ("folder", "")
    assert "-o default" in rule  # files, where piqa has nothing to say
