"""The real `piqa` as a process, with what it cost."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PIQA = [sys.executable, "-m", "piqa_cli"]
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
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        source.write(stdin)
        source.seek(0)
        process = subprocess.Popen(command, stdin=source, stdout=out, stderr=err, env={**os.environ, **(env or {})})
        status, usage = _wait(process)
        out.seek(0)
        err.seek(0)
        code = os.waitstatus_to_exitcode(status)
        return Done(code, out.read(), err.read(), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, resource.struct_rusage]:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it again
            return status, usage
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError(f"still running after {PATIENCE_S} s: {process.args}")
