"""The real `piqa` as a process, with what it cost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PIQA = [sys.executable, "-m", "piqa_cli"]
MEASURED = [sys.executable, "-S", str(Path(__file__).with_name("measured.py"))]
PATIENCE_S = 600


@dataclass(frozen=True)
class Done:
    """A process that has ended."""

    code: int
    out: bytes
    err: bytes
    cpu_s: float  # of the process and its workers
    peak_mb: float  # resident, of the largest of them

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Of `--format jsonl`: file name -> row."""
        return {Path(row["path"]).name: row for row in map(json.loads, self.out.splitlines())}


def piqa(
    *arguments: object, stdin: bytes = b"", env: Mapping[str, str] | None = None, program: Sequence[str] = PIQA
) -> Done:
    """Run it to its end; a process that hangs fails the test."""
    command = [*program, *(a if isinstance(a, bytes) else str(a) for a in arguments)]
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.NamedTemporaryFile() as cost:
        source.write(stdin)
        source.seek(0)
        with tempfile.TemporaryFile() as err:
            _run(
                [*MEASURED, cost.name, *command],
                stdin=source,
                stdout=out,
                stderr=err,
                env={**os.environ, **(env or {})},
            )
            out.seek(0)
            err.seek(0)
            return Done(**json.load(cost), out=out.read(), err=err.read())


def _run(command: Sequence[str | bytes], **streams: Any) -> None:
    process = subprocess.Popen(command, start_new_session=True, **streams)
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise AssertionError(f"still running after {PATIENCE_S} s: {process.args!r}") from None
