"""Calling `piqa` in this process, and as a process with the stand-in engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.here import Piqa

SCRIPT = Path(__file__).with_name("piqa_with_fake_engine.py")


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def piqa(here: Piqa) -> Piqa:
    """Run `piqa` with these arguments in this process."""
    return here


@pytest.fixture
def start() -> Start:
    """Start `piqa` with the stand-in engine as a process of its own."""

    def call(*args: object, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(SCRIPT), *map(str, args)], **options)

    return call
