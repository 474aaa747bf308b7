"""Where worker processes come from.

A process with running threads must not be forked: a lock that another thread holds at that moment stays locked in the
child for ever. A worker that died has to be replaced in mid-run, though, while the network computes. So a nursery is
forked once, before the run, and stays without threads; it forks every worker. When its own pipe closes, because the
run ended or the main process was killed, it kills what is left of them: no orphans, whatever they hang in. Where
processes cannot be forked safely each worker is started afresh instead (`Spawner`).
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import reduction
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Protocol

from piqa_cli.errors import EngineError
from piqa_cli.scoring.interrupts import start_shielded
from piqa_cli.scoring.losses import FEWER_WORKERS
from piqa_cli.scoring.pool_worker import Prepare, serve

GOODBYE_S = 2.0  # how long a killed process may take to be gone; one that waits for a dead disk takes for ever
_START, _CLOSE = -1, -2  # what is asked of the nursery process; a positive number is the worker to end


class Nursery(Protocol):
    """Starts workers and ends them; its methods may be called from several threads."""

    def start(self) -> tuple[int, Connection]:
        """A new worker's process id, and this end of its pipe."""

    def end(self, pid: int) -> int | None:
        """Kill the worker if it still lives -> its exit code, minus the signal's number; None where it is unknown."""

    def close(self) -> None:
        """End everything."""


def open_nursery(prepare: Prepare, memory: int) -> Nursery:
    """The nursery that fits this system; call it before the network computes.

    Args:
        prepare: what workers do with a photo.
        memory: bytes that each may take beyond what it starts with.
    """
    return Forker(prepare, memory) if sys.platform == "linux" else Spawner(prepare, memory)


class Forker:
    """A nursery process that forks workers."""

    def __init__(self, prepare: Prepare, memory: int) -> None:
        self._lock = threading.Lock()
        context = multiprocessing.get_context("fork")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_nurse, args=(self._connection, other, prepare, memory), daemon=True)
        start_shielded(self._process)
        other.close()
        self._alive: set[int] = set()

    def start(self) -> tuple[int, Connection]:
        """See `Nursery`."""
        ours, theirs = multiprocessing.Pipe()
        with self._lock, _gone_is_an_error(), theirs:
            self._connection.send(_START)
            reduction.send_handle(self._connection, theirs.fileno(), self._process.pid)
            pid: int = self._connection.recv()
            self._alive.add(pid)
        return pid, ours

    def end(self, pid: int) -> int | None:
        """See `Nursery`."""
        with self._lock, _gone_is_an_error():
            self._connection.send(pid)
            code: int | None = self._connection.recv()
            self._alive.discard(pid)
        return code

    def close(self) -> None:
        """See `Nursery`."""
        with self._lock, suppress(OSError):
            self._connection.send(_CLOSE)
            self._connection.close()
        self._process.join(2 * GOODBYE_S)
        if self._process.exitcode != 0:  # it was killed, and could not kill its children
            self._process.kill()
            _kill(self._alive)
            self._process.join(GOODBYE_S)
        if self._process.exitcode is not None:
            self._process.close()


class Spawner:
    """Fresh processes, for systems without a safe fork."""

    def __init__(self, prepare: Prepare, memory: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._job = (prepare, memory)
        self._processes: dict[int, BaseProcess] = {}

    def start(self) -> tuple[int, Connection]:
        """See `Nursery`."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, *self._job), daemon=True)
        start_shielded(process)
        theirs.close()
        assert process.pid is not None
        self._processes[process.pid] = process
        return process.pid, ours

    def end(self, pid: int) -> int | None:
        """See `Nursery`."""
        process = self._processes.pop(pid, None)
        if process is None:
            return None
        process.join(0.1)  # let one that is ending by itself say how
        process.kill()
        process.join(GOODBYE_S)
        return process.exitcode

    def close(self) -> None:
        """See `Nursery`."""
        for pid in list(self._processes):
            self.end(pid)


def _nurse(ours: Connection, connection: Connection, prepare: Prepare, memory: int) -> None:
    """The nursery process: start workers and end them on request, and end all of them at its own end."""
    ours.close()  # it would keep the pipe open after the main process is gone
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    gc.freeze()  # a collection in a worker would write to, and so copy, the pages that all share
    children: set[int] = set()
    try:
        while (request := connection.recv()) != _CLOSE:
            if request == _START:
                child = _fork(connection, prepare, memory)
                children.add(child)
                connection.send(child)
            else:
                connection.send(_bury(request))
                children.discard(request)
    except (EOFError, OSError):
        pass
    finally:
        _kill(children)
        os._exit(0)


def _fork(connection: Connection, prepare: Prepare, memory: int) -> int:
    handle = reduction.recv_handle(connection)
    child = os.fork()
    if child:
        os.close(handle)
        return child
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        connection.close()
        serve(Connection(handle), prepare, memory)
    finally:
        os._exit(1)


def _bury(pid: int) -> int | None:
    deadline = time.monotonic() + GOODBYE_S
    spared = time.monotonic() + 0.1  # one that is ending by itself says how
    while time.monotonic() < deadline:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > spared:
            _kill([pid])
        time.sleep(0.005)
    return None


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def _gone_is_an_error() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError) as error:
        message = "scoring stopped: the process that starts workers is gone"
        raise EngineError(message, hint=f"{FEWER_WORKERS}; finished photos are kept") from error
