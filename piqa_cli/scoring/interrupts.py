"""An interrupt from the keyboard goes to every process of a run; only the main process is to answer it."""

from __future__ import annotations

import signal
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnProcess
from multiprocessing.process import BaseProcess


def start_shielded(process: BaseProcess) -> None:
    """Start a process that never sees an interrupt; this thread sees one that comes meanwhile afterwards.

    Without effect on Windows, which knows no signal masks.
    """
    if not hasattr(signal, "pthread_sigmask"):
        process.start()
        return
    if isinstance(process, SpawnProcess):
        # The first to be spawned brings the tracker along, and that, once started, lets interrupts through again.
        resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
