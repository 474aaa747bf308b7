"""Calling `piqa` in this process, and as a process with the stand-in engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from piqa_cli.commands.app import run

SCRIPT = Path(__file__).with_name("piqa_with_fake_engine.py")


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Piqa = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def piqa(capfd: pytest.CaptureFixture[str]) -> Piqa:
    """Run `piqa` with these arguments in this process."""

    def call(*args: object) -> Result:
        capfd.readouterr()
        try:
            code = run([str(arg) for arg in args])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capfd.readouterr()
        return Result(code, out, err)

    return call


@pytest.fixture
def start() -> Start:
    """Start `piqa` with the stand-in engine as a process of its own."""

    def call(*args: object, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(SCRIPT), *map(str, args)], **options)

    return call
