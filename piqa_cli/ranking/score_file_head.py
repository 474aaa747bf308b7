"""A first look at a score table, before the work that ends with reading it. Free of polars."""

from __future__ import annotations

import csv
from pathlib import Path

from piqa_cli.errors import UsageError
from piqa_cli.spreadsheets import NOT_UTF8, SAVE_AS_UTF8, separator_of
from piqa_cli.table_parts import complete_parts

NEEDED = ("path", "score", "status")
"""The columns that every score table has."""
TABLE_HINT = "piqa score -o and piqa rank -o write such tables"
_PARQUET = b"PAR1"  # at both ends of a file
_MOST_OF_LINE = 100_000  # bytes


def look_at_head(path: Path) -> None:
    """Find out what is wrong as far as it shows at once; `read_score_file` sees the rest.

    Raises:
        UsageError: the file is empty, no Parquet file or without a needed column, or not all of the parts are there.
    """
    if path.is_dir():
        complete_parts(path)
        return
    try:
        with path.open("rb") as file:
            head = file.readline(_MOST_OF_LINE)
            file.seek(max(path.stat().st_size - len(_PARQUET), 0))
            tail = file.read(len(_PARQUET))
    except OSError as error:
        raise UsageError(f"cannot read the score table {path}: {error.strerror}", hint=TABLE_HINT) from None
    suffix = path.suffix.lower()
    if not head:
        raise UsageError(f"cannot read the score table {path}: it is empty", hint=TABLE_HINT)
    if suffix == ".parquet" and not (head.startswith(_PARQUET) and tail == _PARQUET):
        raise UsageError(f"cannot read the score table {path}: no Parquet file, or cut off", hint=TABLE_HINT)
    if suffix == ".csv":
        _check_columns(path, head)


def _check_columns(path: Path, line: bytes) -> None:
    try:
        head = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"cannot read the score table {path}: {NOT_UTF8}", hint=SAVE_AS_UTF8) from None
    names = next(csv.reader([head], delimiter=separator_of(head)), [])
    if missing := [name for name in NEEDED if name not in names]:
        raise UsageError(f"{path} is no score table: no column {', '.join(missing)}", hint=TABLE_HINT)
