"""Does a million paths start at once and stay small? `python -m benchmarks.million_paths [--engine ray]`.

A made tree of `--count` names (links to a few small photos, a thousand in a folder) is scored by a `piqa score` process
for `--seconds`; then it is stopped. The same is done with a tree of `--few` names. Printed for each: after how many
seconds the first results were kept, the peak memory of the process tree (proportional set size), and what the larger
tree took beyond the smaller one, which has the same model and the same processes.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from PIL import Image
from skimage import data

from benchmarks.score_dir_watch import PIQA, cached_rows, report, tree_pss_mb

LINKS = 50_000  # names of one photo: file systems allow no more than 65,000
FOLDER = 1_000  # names in a folder
SIDE = 512  # pixels
BLOCK_SIZE = 50  # photos of a partition, so that the cluster's first results come soon
POLL_S = 0.5
PATIENCE_S = 120.0  # for a process that was asked to stop


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one process tree."""

    first_result_s: float  # not a number where there was none
    peak_mb: float
    results: int  # photos, or partitions on a cluster


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=120.0, help="after which a run is stopped")
    parser.add_argument("--engine", choices=["local", "ray"], default="local")
    parser.add_argument("--folder", type=Path, help="keep the trees here; a temporary folder otherwise")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        kept = options.folder or Path(scratch)
        seen = []
        for count in (options.few, options.count):
            began = time.perf_counter()
            tree = make_tree(kept / f"tree-{count}", count)
            report(f"{count:,} names", f"{time.perf_counter() - began:.1f} s", "to make them")
            with tempfile.TemporaryDirectory() as work:
                seen.append(watch_for(tree, Path(work), options.engine, options.seconds))
            what = "photos" if options.engine == "local" else f"partitions of {BLOCK_SIZE}"
            report("  first result", f"{seen[-1].first_result_s:.1f} s", f"{seen[-1].results:,} {what} in the end")
            report("  peak memory", f"{seen[-1].peak_mb:,.0f} MB", "of the process tree")
        report("beyond the few", f"{seen[1].peak_mb - seen[0].peak_mb:,.0f} MB", "wanted: under 300")


def make_tree(folder: Path, count: int) -> Path:
    """`count` names below `folder`, unless it is there already -> the folder."""
    done = folder.with_name(f"{folder.name}.done")
    if done.exists():
        return folder
    portrait = Image.fromarray(data.astronaut()).resize((SIDE, SIDE))
    originals = folder.with_name(f"{folder.name}-originals")
    originals.mkdir(parents=True, exist_ok=True)
    for start in range(0, count, LINKS):
        original = originals / f"{start}.jpg"
        portrait.point([max(0, v - start // LINKS) for v in range(256)] * 3).save(original, quality=90)
        for index in range(start, min(start + LINKS, count)):
            place = folder / f"{index // FOLDER:04}"
            if index % FOLDER == 0:
                place.mkdir(parents=True)
            (place / f"IMG_{index:07}.jpg").hardlink_to(original)
    done.touch()
    return folder


def watch_for(tree: Path, work: Path, engine: str, seconds: float) -> Seen:
    """`piqa score` on a tree, stopped after `seconds`."""
    results, cache = work / "scores", work / "cache"
    command = [*PIQA, "score", str(tree), "-o", str(results), "--quiet", "--engine", engine]
    command += ["--cache-dir", str(cache)] if engine == "local" else ["--block-size", str(BLOCK_SIZE)]
    kept = (lambda: cached_rows(cache)) if engine == "local" else (lambda: _partitions(results))
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return _watched(process, kept, seconds)
    finally:
        _stopped(process)


def _watched(process: psutil.Popen, kept: Callable[[], int], seconds: float) -> Seen:
    start, first, peak = time.perf_counter(), float("nan"), 0.0
    while process.poll() is None and (passed := time.perf_counter() - start) < seconds:
        peak = max(peak, tree_pss_mb(process))
        if first != first and kept():
            first = passed
        time.sleep(POLL_S)
    if process.poll():
        raise SystemExit(f"piqa score ended by itself with exit code {process.returncode}")
    return Seen(first, peak, kept())


def _stopped(process: psutil.Popen) -> None:
    members = process.children(recursive=True) if process.is_running() else []
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE_S)
    except psutil.TimeoutExpired:
        process.kill()
    for member in psutil.wait_procs(members, timeout=10)[1]:
        member.kill()


def _partitions(results: Path) -> int:
    return len(list((results / "_manifest").glob("part-*.json")))


if __name__ == "__main__":
    main()
