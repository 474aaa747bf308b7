"""One process or several: started by torchrun, talking over gloo (CPU) or NCCL (CUDA)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn

from piqa_cli.errors import UsageError
from piqa_cli.threads import limit_threads

_ENVIRONMENT = (("WORLD_SIZE", "1"), ("RANK", "0"), ("LOCAL_RANK", "0"))
PATIENCE = timedelta(hours=24)  # how long processes wait while the first one finds faces


@dataclass(frozen=True, slots=True)
class World:
    """This process among all."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            distributed.barrier()

    def same(self, network: nn.Module) -> None:
        """Give every process the weights and statistics of the first one."""
        if self.size > 1:
            with torch.no_grad():
                for tensor in network.state_dict().values():
                    distributed.broadcast(tensor, 0)

    def gather(self, values: Tensor) -> Tensor:
        """(n, ...) of every process, equally long -> (size * n, ...), in the order of the ranks.

        Gradients come back to this process's own rows, multiplied by the number of processes: when every process
        derives the same global loss, the mean that DistributedDataParallel takes is then the gradient of that loss.
        """
        if self.size == 1:
            return values
        gathered: Tensor = _Gather.apply(values, self.rank, self.size)
        return gathered

    def collect(self, values: Tensor, total: int) -> Tensor:
        """What the processes computed for rows rank, rank + size, ... -> (total, ...) in the order of the rows."""
        if self.size == 1:
            return values
        most = -(-total // self.size)
        padded = torch.cat([values, values.new_zeros(most - len(values), *values.shape[1:])])
        with torch.no_grad():
            everything = self.gather(padded.contiguous())
        by_rank = everything.reshape(self.size, most, *values.shape[1:])
        return by_rank.transpose(0, 1).flatten(0, 1)[:total]


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, rank: int, size: int) -> Tensor:
        ctx.place = (rank * len(values), (rank + 1) * len(values), size)
        parts = [torch.empty_like(values) for _ in range(size)]
        distributed.all_gather(parts, values.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        start, stop, size = ctx.place
        return gradient[start:stop] * size, None, None


def is_first() -> bool:
    """Whether this process is alone, or the first of those that torchrun started."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def world(device: str) -> Iterator[World]:
    """Join the other processes for as long as the block lasts; alone without torchrun.

    Raises:
        UsageError: the device is unknown or not there.
    """
    size, rank, local = (int(os.environ.get(name, default)) for name, default in _ENVIRONMENT)
    chosen = choose_device(device, local)
    limit_threads()
    if size == 1:
        yield World(device=chosen)
        return
    if distributed.is_initialized():  # a run that is several trainings
        yield World(rank, size, chosen)
        return
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield World(rank, size, chosen)
    finally:
        distributed.destroy_process_group()


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """The device that an option names; `auto` takes CUDA, then Apple's MPS, then the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "cuda" and torch.cuda.is_available():
        name = f"cuda:{local_rank % torch.cuda.device_count()}"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0]  # torch goes on for a page
        message = f"device {name!r} cannot be used: {reason}"
        raise UsageError(message, hint="--device auto picks one that works") from None
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device
