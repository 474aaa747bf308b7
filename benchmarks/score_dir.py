"""Speed and memory of `piqa score` on a folder of 12-megapixel JPEGs with faces.

    python -m benchmarks.score_dir --count 200

Runs the installed program as a real process and prints one table: photos per second, time to the first result, peak
memory of the whole process tree (proportional set size), a fully cached second run, and the start of `piqa --help`.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.made_photos import make_folder
from piqa_cli.model.store import find_model
from piqa_cli.records import DEFECTS, Capture, Face, PhotoFile, PhotoScore, Severities
from piqa_cli.scoring.cache import ResultCache
from piqa_cli.scoring.options import EngineOptions

POLL_S = 0.1
PIQA = [sys.executable, "-m", "piqa_cli"]


@dataclass(frozen=True)
class Run:
    """What was seen of one process tree from outside."""

    seconds: float
    first_result_s: float
    peak_pss_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="12-megapixel photos")
    parser.add_argument("--cached", type=int, default=10_000, help="files for the fully cached run; 0: skip")
    parser.add_argument("--folder", type=Path, help="keep the photos here; a temporary folder otherwise")
    parser.add_argument("rest", nargs="*", help="options for piqa score, after --")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        photos = options.folder or work / "photos"
        make_folder(photos, options.count)
        size = sum(p.stat().st_size for p in photos.iterdir()) / options.count / 1e6
        print(f"{options.count} JPEGs of 12 megapixels, {size:.1f} MB each; {psutil.cpu_count()} cores")
        run = watch([*PIQA, "score", str(photos), "-o", str(work / "s.csv"), *options.rest], work / "cache")
        report("scoring", f"{options.count / run.seconds:.2f} photos/s", f"{run.seconds:.1f} s")
        report("first results", f"{run.first_result_s:.1f} s", "after the start of the process")
        report("peak memory", f"{run.peak_pss_mb:.0f} MB", "process tree, proportional set size")
        again = watch([*PIQA, "score", str(photos), "-o", str(work / "s.csv"), *options.rest], work / "cache")
        report("second run", f"{again.seconds:.1f} s", "everything cached")
        if options.cached:
            seconds = cached_run(work, options.cached)
            report(f"cached {options.cached}", f"{seconds:.1f} s", "files, all known to the cache")
    report("piqa --help", f"{min(seconds_of([*PIQA, '--help']) for _ in range(5)):.2f} s", "best of five")


def report(what: str, figure: str, note: str) -> None:
    print(f"{what:<16} {figure:>16}   {note}")


def watch(command: list[str], cache: Path) -> Run:
    """Run a command and look at its process tree until it ends."""
    start = time.perf_counter()
    process = psutil.Popen([*command, "--cache-dir", str(cache)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak, first = 0.0, float("nan")
    while process.poll() is None:
        peak = max(peak, tree_pss_mb(process))
        if first != first and cached_rows(cache):
            first = time.perf_counter() - start
        time.sleep(POLL_S)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return Run(seconds, first, peak)


def tree_pss_mb(process: psutil.Process) -> float:
    """Proportional set size of a process and its descendants: shared pages are counted once."""
    total = 0
    with suppress(psutil.Error):
        for member in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error):
                total += member.memory_full_info().pss
    return total / 1e6


def cached_rows(cache: Path) -> int:
    file = cache / "scores.sqlite"
    with suppress(sqlite3.Error), sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=0.05) as connection:
        return int(connection.execute("SELECT count(*) FROM scores").fetchone()[0])
    return 0


def cached_run(work: Path, count: int) -> float:
    """Seconds of a run over `count` small files that the cache knows already; it is filled with made rows."""
    folder, cache_dir = work / "small", work / "small-cache"
    folder.mkdir()
    files = [PhotoFile(folder / f"{index:06}.png") for index in range(count)]
    for file in files:
        file.path.write_bytes(b"known")
    model, limit = find_model(), EngineOptions().max_megapixels
    cache = ResultCache.open(cache_dir)
    stamps = [(made_score(file.path, n), stamp) for n, (file, stamp, _) in enumerate(cache.lookup(files, model, limit))]
    cache.store([(score, stamp) for score, stamp in stamps if stamp], model, limit)
    cache.close()
    return seconds_of([*PIQA, "score", str(folder), "-o", str(work / "small.csv"), "--cache-dir", str(cache_dir)])


def made_score(path: Path, number: int) -> PhotoScore:
    """A full row, as scoring a photo with one face gives."""
    score, severities = number % 1000 / 10, Severities((0.25,) * len(DEFECTS))
    return PhotoScore(
        path, "ok", None, score, 0.5, (Face((10, 10, 90, 90), 0.99, ((1, 2),) * 5),), score, score,
        severities, severities, ("face: noise",), 4000, 3000, 5_000_000, Capture(camera="Made"),
    )  # fmt: skip


def seconds_of(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
