"""A command seen from outside: how long it takes, when its first results are kept, what its process tree weighs."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

POLL_S = 0.1
WATCHING_SHARE = 0.05  # of a core, at most: to sum up the pages of large processes takes a while
PIQA = [sys.executable, "-m", "piqa_cli"]


@dataclass(frozen=True)
class Run:
    """What was seen of one process tree."""

    seconds: float
    first_result_s: float  # not a number where the command keeps no results
    peak_pss_mb: float
    answer: Any = None  # what it printed as JSON, if it did


def watch_score(photos: Path, work: Path, options: Sequence[str]) -> Run:
    """`piqa score` on a folder, with a cache in `work`."""
    cache = work / "cache"
    command = [*PIQA, "score", str(photos), "-o", str(work / "scores.csv"), "--cache-dir", str(cache), *options]
    return watch(command, lambda: cached_rows(cache) > 0)


def watch(command: Sequence[str], has_result: Callable[[], bool] = lambda: False) -> Run:
    """Run a command and look at its process tree until it ends."""
    start = time.perf_counter()
    process = psutil.Popen(list(command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    peak, first, weigh_at = 0.0, float("nan"), start
    while process.poll() is None:
        if (began := time.perf_counter()) >= weigh_at:
            peak = max(peak, tree_pss_mb(process))
            ended = time.perf_counter()
            weigh_at = ended + (ended - began) / WATCHING_SHARE
        if first != first and has_result():
            first = time.perf_counter() - start
        time.sleep(POLL_S)
    seconds = time.perf_counter() - start
    printed = process.stdout.read() if process.stdout else b""
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return Run(seconds, first, peak, json.loads(printed) if printed.startswith(b"{") else None)


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
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=0.05)) as connection,
    ):
        return int(connection.execute("SELECT count(*) FROM scores").fetchone()[0])
    return 0


def seconds_of(command: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def report(what: str, figure: str, note: str = "") -> None:
    print(f"{what:<18} {figure:>16}   {note}", flush=True)
