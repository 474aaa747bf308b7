"""Actions in a process of their own that is killed on the way.

Such a process is forked from a small one: forking that of the tests, which has torch loaded, takes far longer.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess

CHANGES = frozenset(
    {"os.link", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.truncate", "os.utime", "os.chmod"}
)
LATER = ("exiv2", "PIL.JpegImagePlugin")  # what is imported when it is used, which each process would do again
SMALL = multiprocessing.get_context("forkserver") if hasattr(os, "fork") else None


def start(action: Callable[..., object], *arguments: object) -> BaseProcess:
    """Let it run in a process of its own; the action is a function of a module."""
    assert SMALL
    SMALL.set_forkserver_preload(["tests.ranking.test_crash", "tests.corpus.test_faults", *LATER])
    process = SMALL.Process(target=_without_waiting, args=(action, *arguments))
    process.start()
    return process


def killed_at(point: int, action: Callable[..., object], *arguments: object) -> bool:
    """Let it run in a process of its own that gets SIGKILL before its `point`-th change; did it come so far?"""
    process = start(_until_killed, point, action, *arguments)
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def skip_fsync(_handle: int) -> None:
    """What a killed process has written is there without it; only a power cut loses that."""


def _without_waiting(action: Callable[..., object], *arguments: object) -> None:
    os.fsync = skip_fsync
    action(*arguments)


def _until_killed(point: int, action: Callable[..., object], *arguments: object) -> None:
    seen = 0

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal seen
        if event in CHANGES or (event == "open" and _writes(args)):
            seen += 1
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    action(*arguments)


def _writes(opened: tuple[object, ...]) -> bool:
    _, mode, flags = opened
    return mode != "r" or (isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR)))
