"""Worker processes of training: one thread each, deaf to the keyboard."""

from __future__ import annotations

import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

_Item = TypeVar("_Item")


def start_worker(_: int) -> None:
    """One thread, since the other processes are the parallelism; an interrupt is the main process's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)


def in_workers(
    dataset: Dataset[_Item], workers: int, *, start: Callable[[int], None] = start_worker
) -> Iterator[_Item]:
    """Every item of a dataset, in order, made by `workers` processes; 0 works in this one.

    On Linux workers share the parent's memory; elsewhere each has to load its own libraries. Items come back as bytes
    through a pipe: torch's own way is the system's shared memory, of which a container has 64 MB, and when a few
    batches have filled that, torch waits for the next one without end.

    Args:
        dataset: with `__getitem__` and `__len__`; an item goes on as it is, whole batches included.
        workers: how many.
        start: what each does first; it is told its number.
    """
    if not workers:
        yield from DataLoader(dataset, batch_size=None)
        return
    packed = DataLoader(
        dataset,
        batch_size=None,
        collate_fn=pickle.dumps,
        num_workers=workers,
        worker_init_fn=start,
        multiprocessing_context="fork" if sys.platform == "linux" else "spawn",
    )
    yield from map(pickle.loads, packed)
