"""Which device scores, and how the machine's cores are shared between the network and the workers."""

from __future__ import annotations

import torch

from piqa_cli.cores import available_cores
from piqa_cli.errors import UsageError
from piqa_cli.scoring.options import EngineOptions

CPU_BATCH = 2  # larger batches leave the cache of the processor
HEAVY_CPU_BATCH = 1
DEVICE_BATCH = 32
HEAVY_DEVICE_BATCH = 8  # 40 crops for each branch of DN-PIQA: under 4 GB in float32
MOST_WORKERS = 16
CORES_PER_HEAVY_WORKER = 8  # a photo takes DN-PIQA's network more than ten times as long as it takes a worker


def choose_devices(names: str) -> list[torch.device]:
    """The devices that an option names, each at least once: `auto`, `all`, `cuda:0,cuda:1`, or the numbers of GPUs.

    `all` takes every CUDA device, and where there is none what `auto` takes.

    Raises:
        UsageError: no such device.
    """
    if names == "all" and torch.cuda.is_available():
        return [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    listed = [name.strip() for name in names.split(",")]
    return [choose_device(name) for name in listed]


def choose_device(name: str) -> torch.device:
    """The device that an option names, a bare number for a GPU; `auto` takes CUDA, then Apple's MPS, then the CPU.

    CUDA is told, for the whole process, to compute float32 in full.

    Raises:
        UsageError: no such device.
    """
    device = _named(name)
    if device.type == "cuda":
        # TF32 keeps 10 bits of 23: torch takes it for convolutions, and for products where the environment asks for it.
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
    return device


def _named(name: str) -> torch.device:
    if name in ("auto", "all"):
        best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(best)
    try:
        device = torch.device("cuda", int(name)) if name.isdecimal() else torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0]  # torch goes on for a page
        message = f"device {name!r} cannot be used: {reason}"
        raise UsageError(message, hint="--device auto picks one that works") from None
    return device


def batch_size(options: EngineOptions, device: torch.device, *, heavy: bool) -> int:
    """Photos for each forward pass."""
    if options.batch_size:
        return options.batch_size
    if device.type == "cpu":
        return HEAVY_CPU_BATCH if heavy else CPU_BATCH
    return HEAVY_DEVICE_BATCH if heavy else DEVICE_BATCH


def share_out(options: EngineOptions, device: torch.device, *, heavy: bool, cores: int | None = None) -> int:
    """The number of workers; on the CPU also sets the number of the network's threads.

    A light network takes half of the cores and the workers, one thread each, the rest. One worker more than that fills
    the gaps. Two threads on one core would cost more than they bring: a thread that waits for another one keeps its
    core busy. A heavy network takes every core and lets few workers run ahead, each of which holds a photo of full
    resolution; they sleep nearly all the time.

    Args:
        options: of the run; `workers` decides where it is given.
        device: that computes.
        heavy: the network takes far more time than everything else.
        cores: to share out; None: all that this process may use.
    """
    cores = cores or available_cores()
    workers = cores
    if device.type == "cpu":
        threads = cores if heavy or options.workers == 0 else max(1, cores // 2)
        torch.set_num_threads(threads)
        workers = max(1, cores // CORES_PER_HEAVY_WORKER) if heavy else cores - threads + 1
    return min(workers, MOST_WORKERS) if options.workers is None else options.workers
