"""`piqa` as a process that is killed (SIGKILL) at a chosen point of training: `piqa_killed.py POINT NUMBER ARGS...`.

POINT `step` kills right after that step of the optimiser, `saving` in the middle of writing that checkpoint, `epoch`
after that epoch's best weights but before its checkpoint, `never` not at all. The page of charts is left out, and heads
alone are trained for fewer steps, but with `whole`, which is the program as it is.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from piqa_cli.commands.app import run
from piqa_training import frozen_heads
from piqa_training.fit import finish, loop, state


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str, number: int) -> None:
    counts = {"step": 0, "saving": 0, "epoch": 0}
    step, save, metrics = loop.Fit._step, torch.save, loop.write_metrics

    def counted(name: str) -> bool:
        counts[name] += 1
        return point == name and counts[name] == number

    def step_then(self: loop.Fit) -> None:
        step(self)
        if counted("step"):
            die()

    def save_half(content: Any, path: Path) -> None:
        save(content, path)
        if counted("saving"):
            with path.open("rb+") as stream:
                stream.truncate(path.stat().st_size // 2)
            die()

    def metrics_then(history: Any, folder: Path) -> None:
        if counted("epoch"):
            die()
        metrics(history, folder)

    loop.Fit._step = step_then  # type: ignore[method-assign]
    state.torch.save = save_half  # type: ignore[attr-defined]
    loop.write_metrics = metrics_then


if __name__ == "__main__":
    torch.set_num_threads(1)
    arm(sys.argv[1], int(sys.argv[2]))
    if sys.argv[1] != "whole":
        finish._write_page = lambda run, observer: None
        frozen_heads.STEPS = 40
    sys.exit(run(sys.argv[3:]))
