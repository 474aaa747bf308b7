"""A worker process: it prepares one photo after another for the process at the other end of its pipe."""

from __future__ import annotations

import io
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from piqa_cli.records import PhotoFile
from piqa_cli.scoring.prepare import Prepared

Prepare = Callable[[PhotoFile], Prepared]
BEGUN = b"begun"


def serve(connection: Connection, prepare: Prepare, memory: int) -> None:
    """Say `BEGUN`, and answer every `PhotoFile` that comes with `BEGUN` and its `Prepared`, until the other end closes.

    Args:
        connection: to the process that asks; bytes of `to_bytes` go back.
        prepare: what is done with a photo.
        memory: bytes that this process may take beyond what it has now (Linux; elsewhere there is no such limit).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt from the keyboard is the main process's business
    torch.set_num_threads(1)
    _limit_memory(memory)
    with suppress(EOFError, OSError):  # the other end is gone, and with it the reason to live
        connection.send_bytes(BEGUN)
        while True:
            photo = connection.recv()
            connection.send_bytes(BEGUN)
            connection.send_bytes(to_bytes(prepare(photo)))


def to_bytes(prepared: Prepared) -> bytes:
    """A photo for the way through a pipe: tensors as plain bytes, so that nothing outlives a process that is killed."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=5).dump(prepared)
    return buffer.getvalue()


def from_bytes(data: bytes) -> Prepared:
    """The reverse of `to_bytes`."""
    prepared: Prepared = pickle.loads(data)
    return prepared


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return torch.from_numpy, (np.ascontiguousarray(value.numpy()),)
        return NotImplemented


def _limit_memory(extra: int) -> None:
    """Refuse this process more than `extra` bytes of heap and private mappings on top of those that it has."""
    if sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _data_bytes() + extra
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _data_bytes() -> int:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return int(fields["VmData"].split()[0]) * 1024
