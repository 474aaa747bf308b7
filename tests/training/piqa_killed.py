"""`piqa` as a process that is killed (SIGKILL) at a chosen point of training: `piqa_killed.py POINT NUMBER ARGS...`.

`piqa_killed.py serve` forks such processes, which saves each the seconds that torch takes to import: it reads a line of
JSON with `arguments`, `output` (a file for what they print) and `environments`, of one process each, and answers with
their exit codes.

POINT `step` kills right after that step of the optimiser, `saving` in the middle of writing that checkpoint, `epoch`
after that epoch's best weights but before its checkpoint, `never` not at all. The page of charts is left out, and heads
alone are trained for fewer steps.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import torch

from piqa_cli.commands.app import run
from piqa_training import frozen_heads
from piqa_training.fit import finish, loop, state

PATIENCE_S = 300  # then a process that hangs is ended
LATER = ("torch._dynamo", "torch.utils.tensorboard", "facenet_pytorch")  # what training imports when it comes to it


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


def main(point: str, number: str, *arguments: str) -> int:
    torch.set_num_threads(1)
    arm(point, int(number))
    finish._write_page = lambda *_: None
    frozen_heads.STEPS = 40
    return run(list(arguments))


def serve() -> None:
    for name in LATER:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        started = [_forked(request["arguments"], request["output"], added) for added in request["environments"]]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in started]
        sys.stdout.write(json.dumps(codes) + "\n")
        sys.stdout.flush()


def _forked(arguments: list[str], output: str, environment: dict[str, str]) -> int:
    if pid := os.fork():
        return pid
    code = 1
    signal.alarm(PATIENCE_S)
    try:
        stream = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(stream, 1)
        os.dup2(stream, 2)
        os.environ |= environment
        code = main(*arguments)
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    serve() if sys.argv[1] == "serve" else sys.exit(main(*sys.argv[1:]))
