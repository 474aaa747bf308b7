"""`piqa` in the process of the tests: the same command line, without the seconds in which a process imports torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Of `--format jsonl`: file name -> row."""
        return {Path(row["path"]).name: row for row in map(json.loads, self.out.splitlines())}


Piqa = Callable[..., Result]
