"""Does a run of many photos stay flat? `python -m benchmarks.long_run --photos 50000`, an hour or two on two cores.

Two `piqa score` processes work at once with one cache, each on half of the photos: small ones, made for this run, some
of them broken. Every second the memory of both process trees (proportional set size), their open files and their
processes are written down; at the end also what is left in shared memory. `--stop-after MINUTES` interrupts both.
`--small-network` takes the network of the tests, small and untrained, on the same way through the program: its scores
mean nothing, and it is faster.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image
from skimage import data

from piqa_cli.model.checkpoint import save_model
from piqa_cli.outputs.partitions import read_outline
from tests.model import tiny

SIDE = 256  # pixels
PROCESSES = 2
DIFFERENT = 500  # photos that are made
FOLDER = 500  # photos in a folder
SHARED = Path("/dev/shm")
FLAT_MB = 100.0  # what the last quarter of a run may take more than the second one
FLAT_FILES = 10
BROKEN_SHARE = 0.02  # of the photos: cut off, empty, or no photo


@dataclass(frozen=True)
class Sample:
    """The state of one `piqa score` process and its workers, `at` seconds after its start."""

    run: int
    at: float
    memory_mb: float
    files: int
    processes: int


class Watch(threading.Thread):
    """Samples processes every second until they end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.samples: list[Sample] = []
        self.watched: dict[int, tuple[psutil.Process, float]] = {}  # run -> its process and when it started
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(1.0):
            for number, (process, started) in list(self.watched.items()):
                self._sample(number, process, started)

    def stop(self) -> None:
        self._end.set()
        self.join()

    def _sample(self, number: int, process: psutil.Process, started: float) -> None:
        try:
            tree = [process, *process.children(recursive=True)]
            memory = sum(p.memory_full_info().pss for p in tree) / 1e6
            files = sum(p.num_fds() for p in tree)
        except psutil.Error:
            return
        self.samples.append(Sample(number, time.monotonic() - started, memory, files, len(tree)))


def main() -> int:
    options = _options()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs have it ignored, and children
    segments = shared_segments()
    watch = Watch()
    with tempfile.TemporaryDirectory(prefix="piqa-long-run-") as place:
        faulty = make_photos(Path(place), options.photos, options.seed)
        if options.small_network:
            save_model(tiny.network(tiny.LITE), Path(place) / "tiny")
            options.piqa += ["--model", str(Path(place) / "tiny")]
        started = time.monotonic()
        watch.start()
        running = [_start(Path(place), number, options.piqa, watch) for number in range(PROCESSES)]
        codes = _wait(running, None if options.stop_after is None else options.stop_after * 60)
        spent = time.monotonic() - started
        watch.stop()
        rows = [row for number in range(PROCESSES) for row in _rows(Path(place), number)]
    failed = {row["path"].rpartition("/")[2] for row in rows if row["status"] == "error" and row["reason"]}
    wrong = [row for row in rows if (row["status"] == "error") != (row["path"].rpartition("/")[2] in faulty)]
    left = {name for name in shared_segments() - segments if name.startswith(("torch_", "piqa", "psm_", "sem."))}
    print(f"photos              {len(rows):,} in {spent / 60:.1f} min, {len(rows) / spent:.1f}/s over two processes")
    print(f"broken among them   {len(failed):,}, each a row with a reason; wrong rows: {len(wrong)}")
    flat = _print_use(watch.samples)
    print(f"shared memory       {len(left)} segments left behind; exit codes {codes}")
    complete = len(rows) == options.photos or options.stop_after is not None
    return 0 if flat and complete and not left and not wrong and set(codes) <= {0, 130} else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_run", description=__doc__)
    parser.add_argument("--photos", type=int, default=50_000)
    parser.add_argument("--stop-after", type=float, metavar="MINUTES")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small-network", action="store_true")
    parser.add_argument("piqa", nargs="*", default=[], help="more arguments for piqa score, behind --")
    return parser.parse_args()


def shared_segments() -> set[str]:
    """Names of POSIX shared memory on this machine."""
    return set(os.listdir(SHARED)) if SHARED.is_dir() else set()  # noqa: PTH208 - names, not paths


def make_photos(place: Path, count: int, seed: int) -> set[str]:
    """Half of them for each process, in folders of `FOLDER`; the names of the broken ones.

    A few hundred files are made, and linked under so many names: piqa knows a photo by its path.
    """
    rng = random.Random(seed)
    (place / "made").mkdir()
    made = []
    for number, photo in enumerate(photos(min(count, DIFFERENT), rng)):
        path = place / "made" / f"{number}.jpg"
        broken = rng.random() < BROKEN_SHARE
        path.write_bytes(rng.choice((b"", b"no photo", photo[: len(photo) // 3])) if broken else photo)
        made.append((path, broken))
    faulty = set()
    for number in range(count):
        path, broken = rng.choice(made)
        folder = place / str(number % PROCESSES) / f"{number // PROCESSES // FOLDER:04}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:06}.jpg").hardlink_to(path)
        if broken:
            faulty.add(f"{number:06}.jpg")
    return faulty


def photos(count: int, rng: random.Random) -> Iterator[bytes]:
    """Small JPEGs: the portrait, turned, cut and brightened at random."""
    portrait = Image.fromarray(data.astronaut())
    for _ in range(count):
        left, top = rng.randrange(100), rng.randrange(60)
        cut = portrait.crop((left, top, left + 400, top + 400)).resize((SIDE, SIDE)).rotate(rng.uniform(-10, 10))
        bright = np.clip(np.asarray(cut, np.float32) * rng.uniform(0.5, 1.3), 0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(bright).save(buffer, "JPEG", quality=rng.randrange(40, 95))
        yield buffer.getvalue()


def _start(place: Path, number: int, more: list[str], watch: Watch) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "piqa_cli", "score", str(place / str(number)), "-q", *more]
    process = subprocess.Popen([*command, "--cache-dir", str(place / "cache"), "-o", str(_table(place, number))])
    watch.watched[number] = (psutil.Process(process.pid), time.monotonic())
    return process


def _table(place: Path, number: int) -> Path:
    return place / f"scores-{number}"  # a folder: the table streams into it, and memory does not grow with the run


def _wait(running: list[subprocess.Popen[bytes]], limit: float | None) -> list[int]:
    end = None if limit is None else time.monotonic() + limit
    while any(process.poll() is None for process in running):
        time.sleep(0.5)
        if end is not None and time.monotonic() > end:
            for process in running:
                process.send_signal(signal.SIGINT)
            break
    return [process.wait() for process in running]


def _rows(place: Path, number: int) -> list[dict[str, Any]]:
    table = _table(place, number)
    if not table.exists():
        return []
    return read_outline(table, ["path", "status", "reason"]).rows(named=True)


def _print_use(samples: list[Sample]) -> bool:
    """Memory, files and processes of each tree; is memory flat from the second quarter of the run to the last?"""
    flat = True
    for run in sorted({sample.run for sample in samples}):
        own = [sample for sample in samples if sample.run == run]
        parts = [own[len(own) * i // 4 : len(own) * (i + 1) // 4] for i in range(4)]
        memory = [statistics.mean(s.memory_mb for s in part) if part else 0.0 for part in parts]
        files = [statistics.median(s.files for s in part) if part else 0.0 for part in parts]
        flat = flat and memory[3] - memory[1] < FLAT_MB and files[3] - files[1] < FLAT_FILES
        print(f"process {run}, by quarter  memory {_numbers(memory)} MB, at most {max(s.memory_mb for s in own):.0f}")
        print(f"                    open files {_numbers(files)}; processes up to {max(s.processes for s in own)}")
    return flat


def _numbers(values: list[float]) -> str:
    return " ".join(f"{value:.0f}" for value in values)


if __name__ == "__main__":
    raise SystemExit(main())
