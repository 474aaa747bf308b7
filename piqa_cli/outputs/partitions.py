"""A score table as a folder of Parquet files, written while the scores come in: memory does not grow with the table.

`polars.read_parquet(folder)`, `pyarrow.dataset.dataset(folder)` and DuckDB's `read_parquet('folder/*.parquet')` read it
as one table, and so do `piqa rank` and `piqa report`. Rows stand in the order in which they were finished; within a
part the best photo comes first.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import polars as pl

from piqa_cli.errors import OutputError
from piqa_cli.outputs.exchange import exchange
from piqa_cli.outputs.part_files import check_folder, check_replaceable
from piqa_cli.outputs.tabular import current_umask, refusal
from piqa_cli.outputs.work_folder import WorkFolder
from piqa_cli.records import PhotoScore
from piqa_cli.scoring.table import SCHEMA, best_first, to_frame
from piqa_cli.table_parts import part_name, parts_of

PART_ROWS = 50_000
_HELD_ROWS = 1_000  # records weigh several times what their rows of a table do


class PartitionedTable:
    """Takes scores as they come. What was in the folder is replaced as a whole by `finish`, and not before."""

    def __init__(self, folder: Path, part_rows: int = PART_ROWS) -> None:
        """Begin a table beside `folder`.

        Raises:
            OutputError: see `check_replaceable`.
        """
        check_replaceable(folder)
        self.rows = 0  # added so far
        self._folder = folder
        self._part_rows = part_rows
        self._scores: list[PhotoScore] = []
        self._frames: list[pl.DataFrame] = []
        self._parts = 0
        try:
            self._place = WorkFolder(folder)
        except OSError as error:
            raise refusal(folder, error.strerror or str(error), "choose another place") from error
        self._work = self._place.path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._place.remove()  # after `finish` that is the table of before, or nothing

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
            raise refusal(self._folder, error.strerror or str(error), "choose another place") from error

    def _condense(self) -> None:
        if self._scores:
            self._frames.append(to_frame(self._scores))
            self._scores = []

    def _write_part(self) -> None:
        part = best_first(pl.concat([pl.DataFrame(schema=SCHEMA), *self._frames]))
        try:
            part.write_parquet(self._work / part_name(self._parts))
        except OSError as error:
            reason = error.strerror or " ".join(str(error).split())
            raise refusal(self._folder, reason, "free the disk or choose another place") from error
        self._frames = []
        self._parts += 1

    def _swap(self) -> None:
        """One step where the system can; else two renames, and a kill between them leaves both under hidden names."""
        if not self._folder.exists():
            self._work.chmod(0o777 & ~current_umask())
            self._work.rename(self._folder)
            return
        check_folder(self._folder)
        self._work.chmod(self._folder.stat().st_mode & 0o777)
        if exchange(self._work, self._folder):
            return  # what is in the work folder now goes with it
        old = self._work.with_suffix(".old")
        self._folder.rename(old)
        self._work.rename(self._folder)
        shutil.rmtree(old, ignore_errors=True)


def read_outline(folder: Path, columns: Iterable[str]) -> pl.DataFrame:
    """Some columns of a folder that `PartitionedTable` wrote, rows in no order: a fraction of the whole's memory.

    Raises:
        OutputError: it cannot be read.
    """
    try:  # parts by name: in the folder's own name `[`, `*` and `?` are no pattern
        return pl.scan_parquet(parts_of(folder), glob=False).select(*columns).collect(engine="streaming")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise OutputError(f"cannot read {folder}: {' '.join(str(error).split())}", path=folder) from error
