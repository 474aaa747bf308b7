"""Workers that really die and really hang, told to by the names of the files that they are given."""

import errno
import faulthandler
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from piqa_cli.errors import EngineError
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring import pool as pool_module
from piqa_cli.scoring import pool_nursery
from piqa_cli.scoring.losses import given_up, too_much_memory
from piqa_cli.scoring.pool import WorkerPool
from piqa_cli.scoring.pool_nursery import Forker, Spawner
from piqa_cli.scoring.pool_worker import BEGUN, from_bytes, to_bytes
from piqa_cli.scoring.prepare import Inputs, Prepared

EARLIER: set[int] = set()

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals and /proc")

LIMIT_S = 1.0
MEMORY = 200_000_000


def prepare(photo):
    """What a worker does: the file's name says how it ends."""
    match photo.path.stem.rstrip("0123456789"):
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "crash":
            faulthandler.disable()  # pytest's: the crash is wanted, its traceback is not
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(3)
        case "hang":
            time.sleep(1000)
        case "slow":
            photo.path.touch()
            for _ in range(8):
                time.sleep(0.1)
        case "greedy":
            return failed(photo, bytearray, 20 * MEMORY)  # what the test process held may be freed in the meantime
    views = {"frame": torch.full((1, 3, 2, 2), os.getpid() % 251, dtype=torch.uint8)}
    return Prepared(PhotoScore(photo.path, "ok"), Inputs(views))


def failed(photo, take, size):
    try:
        take(size)
    except MemoryError:
        return Prepared(PhotoScore(photo.path, "error", too_much_memory()), None)
    pytest.fail("it should have been refused")


def photo(name):
    return PhotoFile(Path(name))


def run(names, workers=2):
    with WorkerPool(prepare, workers, seconds=LIMIT_S, memory=MEMORY) as pool:
        return [future.result() for future in [pool.submit(photo(name)) for name in names]]


REASONS = {
    "killed": "was killed (SIGKILL)",
    "crash": "was killed (SIGSEGV)",
    "exit": "ended with exit code 3",
    "hang": "not read within 1 s (--file-timeout)",
    "greedy": "more memory than a worker may use",
}


@pytest.mark.parametrize("ending", REASONS)
def test_a_bad_photo_costs_itself_and_nothing_else(ending):
    names = ["good1", f"{ending}1", "good2", "good3", f"{ending}2", "good4"]
    records = [prepared.record for prepared in run(names)]
    assert [str(record.path) for record in records] == names
    assert [record.status for record in records] == ["ok", "error", "ok", "ok", "error", "ok"]
    assert all(given_up(record) == (record.status == "error") for record in records)
    assert REASONS[ending] in records[1].reason
    assert REASONS[ending] in records[4].reason


def test_photos_around_many_deaths_keep_their_order():
    names = [f"{'killed' if n % 3 == 1 else 'good'}{n}" for n in range(60)]
    records = [prepared.record for prepared in run(names, workers=3)]
    assert [str(record.path) for record in records] == names
    assert [record.status == "error" for record in records] == [n % 3 == 1 for n in range(60)]


def test_a_worker_that_dies_between_two_photos_costs_none():
    with WorkerPool(prepare, 1, seconds=LIMIT_S, memory=MEMORY) as pool:
        pool.submit(photo("good1")).result()
        (worker,) = workers_of_this_process()
        worker.kill()
        while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert pool.submit(photo("good2")).result().record.status == "ok"


def test_nothing_is_left_behind_whatever_the_workers_are_at():
    files = open_files()
    started = time.monotonic()
    with WorkerPool(prepare, 2, seconds=1000, memory=MEMORY) as pool:
        pool.submit(photo("good1")).result()
        pool.submit(photo("hang1"))
        pool.submit(photo("hang2"))
        pool.submit(photo("good2"))
        while len(workers_of_this_process()) < 2:
            time.sleep(0.01)
    assert time.monotonic() - started < 60
    assert descendants() == []
    assert open_files() == files


def test_a_main_process_that_is_killed_takes_its_workers_along():
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        pool = WorkerPool(prepare, 1, seconds=1000, memory=MEMORY)
        pool.submit(photo("hang1"))
        while not (workers := workers_of_this_process()):
            time.sleep(0.01)
        os.write(writing, str(workers[0].pid).encode())
        time.sleep(1000)
    worker = psutil.Process(int(os.read(reading, 20)))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    assert psutil.wait_procs([worker], timeout=60)[1] == []


def test_an_interrupt_from_the_keyboard_is_not_for_the_workers():
    with WorkerPool(prepare, 1, seconds=LIMIT_S, memory=MEMORY) as pool:
        pool.submit(photo("good1")).result()
        for process in descendants():
            process.send_signal(signal.SIGINT)
        assert pool.submit(photo("good2")).result().record.status == "ok"


def test_time_that_the_whole_program_was_stopped_for_does_not_count(tmp_path):
    """Ctrl-Z and `fg`, or `docker pause`."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.setsid()
        with WorkerPool(prepare, 1, seconds=3, memory=MEMORY) as pool:
            os.write(writing, pool.submit(photo(tmp_path / "slow")).result().record.status.encode())
        os._exit(0)
    os.close(writing)
    try:
        while not (tmp_path / "slow").exists():
            time.sleep(0.01)
        os.killpg(child, signal.SIGSTOP)
        time.sleep(3.5)
        os.killpg(child, signal.SIGCONT)
        assert os.read(reading, 20) == b"ok"
    finally:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)


class SilentNursery:
    """Its worker comes to life, and never says that it has begun with a photo."""

    def __init__(self):
        self.pipes = []

    def start(self):
        ours, theirs = multiprocessing.Pipe()
        self.pipes += ours, theirs
        theirs.send_bytes(BEGUN)
        return 1, ours

    def end(self, pid):
        return -signal.SIGKILL


def test_a_worker_that_does_not_begin_is_not_waited_for_twice(monkeypatch):
    monkeypatch.setattr(pool_module, "START_S", 0.1)
    nursery = SilentNursery()
    record = pool_module._Worker(nursery, 2.0).prepare(photo("a.jpg")).record
    assert record.reason == "given up: the process that read it was killed (SIGKILL)"
    for pipe in nursery.pipes:
        pipe.close()


def test_without_the_process_that_starts_workers_the_run_ends_with_a_message():
    with WorkerPool(prepare, 1, seconds=LIMIT_S, memory=MEMORY) as pool:
        pool.submit(photo("good1")).result()
        nursery().kill()
        with pytest.raises(EngineError, match="process that starts workers is gone"):
            pool.submit(photo("killed1")).result()
    assert descendants() == []


@pytest.mark.parametrize("kind", [Forker, Spawner])
def test_a_system_that_starts_no_process_more_ends_the_run_with_a_message(monkeypatch, kind):
    def full(_):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(pool_module, "open_nursery", kind)
    monkeypatch.setattr(pool_nursery, "start_shielded", full)
    with pytest.raises(EngineError, match="no worker process can be started: Cannot allocate memory"):
        run(["good1"])


def test_a_run_without_a_free_file_for_another_worker_ends_with_a_message(monkeypatch):
    def full():
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with WorkerPool(prepare, 1, seconds=LIMIT_S, memory=MEMORY) as pool:
        monkeypatch.setattr(pool_nursery.multiprocessing, "Pipe", full)
        with pytest.raises(EngineError, match="no worker process can be started: Too many open files"):
            pool.submit(photo("good1")).result()
    assert descendants() == []


@pytest.mark.slow
def test_systems_without_fork_start_workers_afresh(monkeypatch):
    monkeypatch.setattr(pool_module, "open_nursery", Spawner)
    records = [prepared.record for prepared in run(["good1", "killed1", "good2"], workers=1)]
    assert [record.status for record in records] == ["ok", "error", "ok"]
    assert "killed (SIGKILL)" in records[1].reason
    assert descendants() == []


def test_tensors_come_through_the_pipe_as_they_were():
    patches = torch.arange(2 * 3 * 4, dtype=torch.uint8).reshape(2, 3, 4)
    views = {"frame": torch.arange(6, dtype=torch.float32).reshape(1, 2, 3), "face": patches.permute(2, 0, 1)}
    prepared = Prepared(PhotoScore(Path("a.jpg"), "ok"), Inputs(views, patches), (Inputs({"face": patches}),))
    back = from_bytes(to_bytes(prepared))
    assert back.record == prepared.record
    assert all(torch.equal(back.inputs.views[cut], pixels) for cut, pixels in views.items())
    assert torch.equal(back.inputs.patches, patches)
    assert torch.equal(back.faces[0].views["face"], patches)
    back.inputs.patches.add_(1)  # its own memory, not a read-only view of the message


@pytest.fixture(autouse=True)
def earlier_processes():
    """What other tests have left running is not this one's, nor what that starts meanwhile: a browser, for instance."""
    EARLIER.clear()
    EARLIER.update(process.pid for process in psutil.Process().children())


def descendants():
    """All processes below this one that began in this test, but Python's own helper."""
    own = [process for process in psutil.Process().children() if process.pid not in EARLIER]
    below = [process for top in own for process in (top, *top.children(recursive=True))]
    return [process for process in below if "resource_tracker" not in " ".join(process.cmdline())]


def nursery():
    (found,) = [process for process in psutil.Process().children() if process in descendants()]
    return found


def workers_of_this_process():
    return nursery().children() if descendants() else []


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))
