"""The program's help as the README shows it: fixed width, no colour."""

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


def help_of(command: str) -> str:
    environment = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"}
    arguments = [sys.executable, "-m", "piqa_cli", *command.split(), "--help"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment)
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())
