"""Work spread over processes, results in order; a job that kills its process or hangs costs only itself."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

from piqa_cli.cores import available_cores
from piqa_cli.errors import EngineError
from piqa_cli.scoring.interrupts import start_shielded
from piqa_cli.scoring.losses import FEWER_WORKERS, ended, too_slow

MOST_WORKERS = 16
START_S = 120.0  # a process that has not come to life by then never will
_JOBS_EACH = 4  # fewer are not worth another process
_AHEAD = 8  # results that may wait for an earlier one, for each process
_GOODBYE_S = 2.0
_SLICE_S = 1.0  # of waiting: a stop of the whole program (Ctrl-Z, `docker pause`), however long, counts as one at most
_LINGER_S = 0.2  # one that is ending by itself says how

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def in_processes(
    work: Callable[[_In], _Out],
    jobs: Sequence[_In],
    workers: int | None,
    *,
    seconds: float,
    lost: Callable[[str], _Out],
) -> Generator[_Out]:
    """`work(job)` for every job, in order.

    Args:
        work: a function of a module, which processes that are started afresh can import.
        jobs: its arguments.
        workers: how many processes; None: as the machine has cores; 0: none, and then nothing is watched.
        seconds: longest time for one job.
        lost: makes the result of a job that came to nothing; it is told why.

    Raises:
        EngineError: no process can be started.
    """
    most = min(available_cores(), MOST_WORKERS) if workers is None else workers
    count = min(most, -(-len(jobs) // _JOBS_EACH))
    if workers == 0:
        yield from map(work, jobs)
    elif count:
        with closing(_Pool(work, count, seconds, lost)) as pool:
            yield from pool.run(jobs)


class _Pool(Generic[_In, _Out]):
    """A few processes, each with a pipe through which it gets one job at a time."""

    def __init__(self, work: Callable[[_In], _Out], count: int, seconds: float, lost: Callable[[str], _Out]) -> None:
        self._work = work
        self._seconds = seconds
        self._lost = lost
        self._workers = [_Worker(work) for _ in range(count)]
        self._done: dict[int, _Out] = {}  # results that an earlier one is not there for yet

    def run(self, jobs: Sequence[_In]) -> Iterator[_Out]:
        given = taken = 0
        while taken < len(jobs):
            for worker in self._workers:
                if worker.idle and given < min(len(jobs), taken + _AHEAD * len(self._workers)):
                    worker.give(given, jobs[given], self._seconds)
                    given += 1
            self._listen()
            while taken in self._done:
                yield self._done.pop(taken)
                taken += 1

    def close(self) -> None:
        for worker in self._workers:
            worker.end()

    def _listen(self) -> None:
        """Wait until something happens, and see to it."""
        busy = [worker for worker in self._workers if not worker.idle]
        began = time.monotonic()
        patience = min(max(0.0, min(worker.deadline for worker in busy) - began), _SLICE_S)
        ready = wait([worker.connection for worker in busy], patience)
        if (stopped := time.monotonic() - began - patience) > _SLICE_S:
            for worker in busy:
                worker.deadline += stopped
        for worker in busy:
            if worker.connection in ready:
                self._hear(worker)
            elif time.monotonic() > worker.deadline:
                self._replace(worker, too_slow(self._seconds))

    def _hear(self, worker: _Worker[_In, _Out]) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._replace(worker, None)
            return
        if worker.alive:
            assert worker.job is not None
            self._done[worker.job] = message
            worker.job = None
        worker.alive = True

    def _replace(self, worker: _Worker[_In, _Out], reason: str | None) -> None:
        was_alive, job, code = worker.alive, worker.job, worker.end(_LINGER_S if reason is None else 0.0)
        if not was_alive:
            raise EngineError(f"a process for thumbnails does not start ({ended(code)})", hint=FEWER_WORKERS)
        if job is not None:
            self._done[job] = self._lost(reason or ended(code))
        self._workers[self._workers.index(worker)] = _Worker(self._work)


class _Worker(Generic[_In, _Out]):
    """One process. It says that it is there, and then answers each job."""

    def __init__(self, work: Callable[[_In], _Out]) -> None:
        # Not forked: polars and torch, loaded by now, have threads that a fork would lose with their locks held.
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, work), daemon=True)
        start_shielded(self._process)
        other.close()
        self.alive = False  # has said so
        self.job: int | None = None
        self.deadline = time.monotonic() + START_S

    @property
    def idle(self) -> bool:
        """Alive, and without a job."""
        return self.alive and self.job is None

    def give(self, number: int, job: _In, seconds: float) -> None:
        self.job, self.deadline = number, time.monotonic() + seconds
        with suppress(OSError):  # it died between two jobs; whoever waits for the answer will notice
            self.connection.send(job)

    def end(self, linger: float = 0.0) -> int | None:
        """Stop the process -> its exit code, where it ended by itself within `linger` seconds."""
        self._process.join(linger)
        code = self._process.exitcode
        self._process.kill()
        self._process.join(_GOODBYE_S)
        self.connection.close()
        return code


def _serve(connection: Connection, work: Callable[[_In], _Out]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process's business
    with suppress(EOFError, OSError):  # the other end is gone, and with it the reason to live
        connection.send(None)
        while True:
            connection.send(work(connection.recv()))
