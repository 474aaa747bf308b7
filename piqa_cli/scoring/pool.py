"""Processes that prepare photos, each watched: one that dies or hangs costs the photo it was at, and is replaced.

torch's DataLoader gives up as a whole when a worker dies, by an exception that a signal handler throws into whatever
the main thread is at, and drops what the other workers had in hand. Here each worker has a pipe and a thread of its
own that hands it one photo at a time, so the culprit of a death is known without asking, and no other photo is lost or
done twice.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Self

from piqa_cli.errors import EngineError
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.losses import FEWER_WORKERS, ended, too_slow
from piqa_cli.scoring.pool_nursery import Nursery, open_nursery
from piqa_cli.scoring.pool_worker import BEGUN, Prepare, from_bytes
from piqa_cli.scoring.prepare import Prepared

START_S = 120.0  # a worker that has not come to life by then never will
_SLICE_S = 1.0  # of waiting: a stop of the whole program (Ctrl-Z, `docker pause`), however long, counts as one at most


class WorkerPool:
    """`workers` processes that run `prepare`; a context manager that leaves none of them behind."""

    def __init__(self, prepare: Prepare, workers: int, *, seconds: float, memory: int) -> None:
        """Start the pool; call it before the network computes in this process.

        Args:
            prepare: what is done with a photo; sent to the workers once.
            workers: at least 1.
            seconds: longest time for one photo.
            memory: bytes that a worker may take beyond what it starts with.

        Raises:
            EngineError: the system starts no process more.
        """
        try:
            self._nursery = open_nursery(prepare, memory)
        except OSError as error:
            raise _none_starts(error) from error
        self._workers = [_Worker(self._nursery, seconds) for _ in range(workers)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="piqa-worker")
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, photo: PhotoFile) -> Future[Prepared]:
        """Have a photo prepared. Its future never fails for the photo's sake, only with EngineError."""
        return self._threads.submit(self._prepare, photo)

    def close(self) -> None:
        """End all processes, at once; photos still in work are cancelled or come out as given up."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._nursery.close()  # with its process gone a thread comes back from waiting for it
        self._threads.shutdown(wait=True)
        for worker in self._workers:
            worker.disconnect()

    def _prepare(self, photo: PhotoFile) -> Prepared:
        worker = self._idle.get()
        try:
            if self._closed:
                return _given_up(photo, ended(None))
            return worker.prepare(photo)
        finally:
            self._idle.put(worker)


class _Worker:
    """One worker process at a time, started when it is first needed."""

    def __init__(self, nursery: Nursery, seconds: float) -> None:
        self._nursery = nursery
        self._seconds = seconds
        self._pid: int | None = None
        self._connection: Connection | None = None

    def prepare(self, photo: PhotoFile) -> Prepared:
        """The photo as the process gives it back, or a record that says what became of the process."""
        connection = self._hand_over(photo)
        if connection is None:
            return _given_up(photo, ended(self._end()))
        try:
            if not _says_something(connection, self._seconds):
                self._end()
                return _given_up(photo, too_slow(self._seconds))
            return from_bytes(connection.recv_bytes())
        except (EOFError, OSError):
            return _given_up(photo, ended(self._end()))

    def disconnect(self) -> None:
        """Close this end of the pipe."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _hand_over(self, photo: PhotoFile) -> Connection | None:
        """Send the photo to the process; to a new one where there is none, or where it died between two photos.

        None where the new one does not begin with it either.
        """
        if self._connection is not None:
            try:
                self._connection.send(photo)
                if self._is_alive(self._connection):  # a process takes a while to die, its pipe is open till then
                    return self._connection
            except OSError:
                pass
            self._end()
        connection = self._start()
        with suppress(OSError):
            connection.send(photo)
            if self._is_alive(connection):
                return connection
        return None

    def _start(self) -> Connection:
        try:
            self._pid, connection = self._nursery.start()
        except OSError as error:
            raise _none_starts(error) from error
        if not self._is_alive(connection):
            connection.close()
            reason = ended(self._nursery.end(self._pid))
            message = f"scoring stopped: a worker process does not start ({reason})"
            raise EngineError(message, hint=f"{FEWER_WORKERS}; finished photos are kept")
        self._connection = connection
        return connection

    def _is_alive(self, connection: Connection) -> bool:
        """Whether the process reports that it has begun: its life, or the photo that was sent."""
        try:
            return _says_something(connection, START_S) and connection.recv_bytes() == BEGUN
        except (EOFError, OSError):
            return False

    def _end(self) -> int | None:
        self.disconnect()
        assert self._pid is not None
        return self._nursery.end(self._pid)


def _says_something(connection: Connection, seconds: float) -> bool:
    """Whether there is something to read, or the other end is closed, within `seconds` of this process's life."""
    while seconds > 0:
        if connection.poll(min(seconds, _SLICE_S)):
            return True
        seconds -= _SLICE_S
    return False


def _none_starts(error: OSError) -> EngineError:
    message = f"scoring stopped: no worker process can be started: {error.strerror or error}"
    return EngineError(message, hint="end other programs; or --workers 0, which needs none")


def _given_up(photo: PhotoFile, reason: str) -> Prepared:
    return Prepared(PhotoScore(photo.path, "error", reason, raw_mate=photo.raw_mate), None)
