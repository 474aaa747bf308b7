"""How many threads torch computes with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from piqa_cli.cores import available_cores


def limit_threads() -> None:
    """Let torch compute on the CPU with no more threads than there are cores to use, whatever the machine has."""
    torch.set_num_threads(min(torch.get_num_threads(), available_cores()))


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread on the CPU inside; afterwards with as many as before."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
