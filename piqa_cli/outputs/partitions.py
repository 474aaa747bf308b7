"""A score table as a folder of Parquet files, written while the scores come in: memory does not grow with the table.

`polars.read_parquet(folder)`, `pyarrow.dataset.dataset(folder)` and DuckDB's `read_parquet('folder/*.parquet')` read it
as one table. Rows stand in the order in which they were finished; within a part the best photo comes first.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from piqa_cli.errors import OutputError
from piqa_cli.records import PhotoScore
from piqa_cli.scoring.table import SCHEMA, to_frame

PART_ROWS = 50_000
_HELD_ROWS = 1_000  # records weigh several times what their rows of a table do
_PART = re.compile(r"part-\d{5}\.parquet")


def names_folder(path: Path) -> bool:
    """Whether `-o path` asks for a folder of Parquet files: it is a folder, or its name has no suffix."""
    return path.is_dir() or not path.suffix


def check_folder(folder: Path) -> None:
    """Find out what would stop `PartitionedTable`, before hours of scoring. Nothing is created.

    Raises:
        OutputError: a missing or read-only parent, or something in the way that no earlier run has written.
    """
    if not folder.parent.is_dir():
        raise _refusal(folder, f"no folder {folder.parent}", "create it first, or choose another place")
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise _refusal(folder, "it is no folder", "end the name in .csv, .parquet, .jsonl, .json, or choose another")
    if folder.is_dir() and (other := next((p for p in folder.iterdir() if not _PART.fullmatch(p.name)), None)):
        raise _refusal(folder, f"it holds other things, like {other.name}", "choose a new or empty folder")


class PartitionedTable:
    """Takes scores as they come. What was in the folder is replaced as a whole by `finish`, and not before."""

    def __init__(self, folder: Path, part_rows: int = PART_ROWS) -> None:
        """Begin a table beside `folder`.

        Raises:
            OutputError: see `check_folder`.
        """
        check_folder(folder)
        self.rows = 0  # added so far
        self._folder = folder
        self._part_rows = part_rows
        self._scores: list[PhotoScore] = []
        self._frames: list[pl.DataFrame] = []
        self._parts = 0
        try:
            self._work = Path(tempfile.mkdtemp(prefix=f".{folder.name[:40]}-", suffix=".tmp", dir=folder.parent))
        except OSError as error:
            raise _refusal(folder, error.strerror or str(error), "choose another place") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._work, ignore_errors=True)  # gone already after `finish`

    def add(self, scores: Sequence[PhotoScore]) -> None:
        """Add rows.

        Raises:
            OutputError: the disk is full, the folder went away, and so on.
        """
        self.rows += len(scores)
        self._scores += scores
        if len(self._scores) >= _HELD_ROWS:
            self._condense()
        if sum(map(len, self._frames)) >= self._part_rows:
            self._write_part()

    def finish(self) -> None:
        """Write what is left and put the table in its place, with one empty part where there are no rows.

        Raises:
            OutputError: the disk is full, the folder went away, and so on.
        """
        self._condense()
        if self._frames or not self._parts:
            self._write_part()
        try:
            self._swap()
        except OSError as error:
            raise _refusal(self._folder, error.strerror or str(error), "choose another place") from error

    def _condense(self) -> None:
        if self._scores:
            self._frames.append(to_frame(self._scores))
            self._scores = []

    def _write_part(self) -> None:
        part = pl.concat([pl.DataFrame(schema=SCHEMA), *self._frames])
        order = ["score", "raw_score", "path"]
        part = part.sort(order, descending=[True, True, False], nulls_last=True, maintain_order=True)
        try:
            part.write_parquet(self._work / f"part-{self._parts:05}.parquet")
        except OSError as error:
            reason = error.strerror or " ".join(str(error).split())
            raise _refusal(self._folder, reason, "free the disk or choose another place") from error
        self._frames = []
        self._parts += 1

    def _swap(self) -> None:
        """Two renames; whoever kills the run between them finds both tables, under hidden names."""
        self._work.chmod(self._folder.stat().st_mode & 0o777 if self._folder.exists() else 0o755)
        old = self._work.with_suffix(".old")
        if self._folder.exists():
            check_folder(self._folder)
            self._folder.rename(old)
        self._work.rename(self._folder)
        with suppress(OSError):
            shutil.rmtree(old)


def read_partitions(folder: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The rows of a folder that `PartitionedTable` wrote, best photo first; only these columns, None for all.

    Raises:
        OutputError: it cannot be read.
    """
    try:
        found = pl.scan_parquet(folder / "part-*.parquet")
        order = ["score", "raw_score", "path"]
        found = found.sort(order, descending=[True, True, False], nulls_last=True, maintain_order=True)
        return (found if columns is None else found.select(columns)).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise OutputError(f"cannot read {folder}: {' '.join(str(error).split())}", path=folder) from error


def _refusal(path: Path, what: str, hint: str) -> OutputError:
    return OutputError(f"cannot write {path}: {what}", path=path, hint=hint)
