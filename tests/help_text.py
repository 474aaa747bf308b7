"""The program's help as the README shows it: fixed width, no colour."""

import functools
import os
import subprocess
import sys

COMMANDS = (
    "",
    "score",
    "rank",
    "report",
    "explain",
    "train",
    "pretrain synthetic",
    "pretrain lsvq",
    "pretrain gfiqa",
    "evaluate",
    "models import",
    "models list",
    "models info",
    "models remove",
    "models path",
)
"""Every command that has options of its own, and the program itself."""


_END = "\f"
_PROGRAM = f"""
import sys
from piqa_cli.commands.app import run
for command in sys.argv[1:]:
    run([*command.split(), "--help"])
    print({_END!r})
"""


def help_of(command: str) -> str:
    return _helps()[command]


@functools.cache
def _helps() -> dict[str, str]:
    environment = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"}
    arguments = [sys.executable, "-c", _PROGRAM, *COMMANDS]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment)
    texts = done.stdout.split(_END)
    return {
        command: "\n".join(line.rstrip() for line in text.strip().splitlines())
        for command, text in zip(COMMANDS, texts, strict=False)
    }
