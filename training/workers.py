"""Worker processes of training: one thread each, deaf to the keyboard."""

from __future__ import annotations

import signal
import sys
from typing import Any

import torch


def worker_options(workers: int) -> dict[str, Any]:
    """Keyword arguments for a `DataLoader` that works in `workers` processes; 0 works in this one.

    On Linux workers share the parent's memory; elsewhere each has to load its own libraries.
    """
    if not workers:
        return {"num_workers": 0}
    method = "fork" if sys.platform == "linux" else "spawn"
    return {"num_workers": workers, "worker_init_fn": start_worker, "multiprocessing_context": method}


def start_worker(_: int) -> None:
    """One thread, since the other processes are the parallelism; an interrupt is the main process's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
