"""The long run: `python -m tests.fuzz --minutes 15`. Every target in turn, each in a process of its own.

A target that raises anything but piqa's own errors is a finding; so is one that crashes, hangs or takes too much
memory, which is why it has its own process. Findings are kept, input and traceback, in the folder `--findings`. With
atheris installed the inputs follow the coverage that they reach; without it they are random damage to sound files.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.targets import TARGETS

HANG_S = 60  # an input that takes longer is a finding


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    options = _options()
    names = options.target or [target.name for target in TARGETS]
    options.findings.mkdir(parents=True, exist_ok=True)
    engine = "atheris" if options.engine == "auto" and importlib.util.find_spec("atheris") else options.engine
    engine = "random" if engine == "auto" else engine
    say(f"{len(names)} targets, {options.minutes:g} minutes, engine {engine}, seed {options.seed}")
    findings = 0
    for name in names:
        seconds = options.minutes * 60 / len(names)
        tried, ends = _run(name, engine, seconds, options.seed, options.findings)
        found = sorted(options.findings.glob(f"{name}-*.bin"))
        findings += len(found)
        say(f"{name:14} {tried:9,} inputs in {seconds:5.0f} s   {len(found)} findings   {ends} restarts")
        for path in found:
            say(f"    {path}")
    return 1 if findings else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0, help="over all targets")
    parser.add_argument("--target", action="append", choices=[target.name for target in TARGETS], help="repeatable")
    parser.add_argument("--engine", choices=("auto", "atheris", "random"), default="auto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    return parser.parse_args()


def _run(name: str, engine: str, seconds: float, seed: int, findings: Path) -> tuple[int, int]:
    """Inputs tried, and how often the process ended before its time."""
    end, tried, restarts = time.monotonic() + seconds, 0, 0
    while (left := end - time.monotonic()) > 1:
        state = findings / f"{name}.state"
        state.unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.fuzz.child", name, engine, str(int(left)), str(seed + restarts)]
        with (findings / f"{name}.log").open("ab") as log:
            child = subprocess.Popen([*command, str(findings)], stdout=log, stderr=log)
            ended_well = _watch(child, state, findings / f"{name}.input", left)
        tried += _tried(state)
        if not ended_well:
            restarts += 1
            _keep_killer(name, findings, restarts)
    return tried, restarts


def _watch(child: subprocess.Popen[bytes], state: Path, current: Path, left: float) -> bool:
    """Wait for the child; one that stays with the same input for too long is killed. Did it end as it should?"""
    end = time.monotonic() + left + HANG_S
    while child.poll() is None:
        time.sleep(1)
        stuck = current.exists() and time.time() - current.stat().st_mtime > HANG_S
        if stuck or time.monotonic() > end:
            child.kill()
            child.wait()
            return not stuck
    return child.returncode == 0


def _tried(state: Path) -> int:
    try:
        return int(json.loads(state.read_text())["tried"])
    except (OSError, ValueError, KeyError):
        return 0


def _keep_killer(name: str, findings: Path, number: int) -> None:
    """The input that the process was at when it died."""
    current = findings / f"{name}.input"
    if current.exists():
        current.replace(findings / f"{name}-killed-{os.getpid()}-{number}.bin")


if __name__ == "__main__":
    raise SystemExit(main())
