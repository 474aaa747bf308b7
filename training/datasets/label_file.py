"""Label files as text: CSV from any program, or Parquet, with the place of every row for messages."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from piqa_cli.errors import UsageError
from piqa_cli.spreadsheets import separator_of, told_separator

_PARQUET_MAGIC = b"PAR1"
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # in a country with points in numbers
_FOLDER_HINT = "name a CSV or Parquet file; a folder of photos with stars goes with piqa train --from-ratings"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One row: cells by the folded name of their column, "" where empty."""

    place: str  # "line 7" of a CSV file as an editor counts, the header included; "row 6" of a Parquet file
    cells: dict[str, str]
    surplus: tuple[str, ...] = ()  # cells beyond the last column

    def __getitem__(self, column: str) -> str:
        return self.cells.get(folded(column), "")


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A label file: its columns as written, and its rows. Columns are found without regard to case and spaces."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[LabelRow, ...]
    _known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", frozenset(map(folded, self.columns)))

    def __iter__(self) -> Iterator[LabelRow]:
        return iter(self.rows)

    def has(self, *columns: str) -> bool:
        """Are all these columns there?"""
        return self._known.issuperset(map(folded, columns))

    def require(self, *columns: str, hint: str) -> None:
        """Raise UsageError that names the columns which are missing and those which are there."""
        missing = [column for column in columns if not self.has(column)]
        if missing:
            what = f"no column {' and no column '.join(missing)}"
            raise UsageError(f"{self.path}: {what}; columns found: {', '.join(self.columns)}", hint=hint)


def read_label_file(path: Path) -> LabelFile:
    """Read a CSV or Parquet file; the content tells which it is.

    CSV: a byte-order mark is dropped, UTF-8, UTF-16 with its mark and Windows-1252 are understood, columns may be
    separated by comma, semicolon or tab, empty lines are skipped, and so is a first line `sep=;`. Numbers may have a
    comma for the point, in quotes where commas separate the columns; such as "1,250", which may be a thousand there,
    stay as they are.

    Raises:
        UsageError: the file cannot be read, is no table, has no rows, or names a column twice.
    """
    try:
        data = path.read_bytes()
    except IsADirectoryError:
        raise UsageError(f"cannot read {path}: it is a folder, wanted a file of labels", hint=_FOLDER_HINT) from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}", hint="check the path") from None
    table = _parquet(path, data) if data.startswith(_PARQUET_MAGIC) else _csv(path, data)
    names = [folded(column) for column in table.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{path}: the column {', '.join(twice)} is there twice", hint="rename or remove one of them")
    if not table.rows:
        raise UsageError(f"{path} has no rows below its columns", hint="give a file with one row for each photo")
    return table


def folded(column: str) -> str:
    """The name of a column without regard to case, spaces and underscores: `JOD_STD` is `jod std`."""
    return " ".join(column.replace("_", " ").split()).casefold()


def _parquet(path: Path, data: bytes) -> LabelFile:
    try:
        frame = pl.read_parquet(data)
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{path} is a damaged Parquet file: {reason}", hint="write the file again") from None
    names = [folded(column) for column in frame.columns]
    rows = (
        LabelRow(f"row {number}", dict(zip(names, map(_text, values), strict=True)))
        for number, values in enumerate(frame.iter_rows(), start=1)
    )
    return LabelFile(path, tuple(frame.columns), tuple(rows))


def _text(value: object) -> str:
    """A cell of a typed column as text; floats keep all their digits."""
    return "" if value is None else str(value).strip()


def _csv(path: Path, data: bytes) -> LabelFile:
    text = _decoded(data)
    if "\0" in text:
        raise UsageError(f"{path} is no CSV or Parquet file", hint="give a table with a header and one row a photo")
    lines = io.StringIO(text, newline="")
    head = next((line for line in lines if line.strip()), "")
    lines.seek(0)
    told = told_separator(head)
    separator = told or separator_of(head)
    reader = csv.reader(lines, delimiter=separator)
    try:
        filled = (cells for cells in reader if any(map(str.strip, cells)))
        if told:
            next(filled)
        columns = [column.strip() for column in next(filled, [])]
        if not columns:
            raise UsageError(f"{path} is empty", hint="give a CSV or Parquet file with a header and one row a photo")
        while not columns[-1]:
            columns.pop()  # a separator at the end of the header
        rows = _csv_rows(reader, [folded(column) for column in columns], commas=separator == ",")
        return LabelFile(path, tuple(columns), tuple(rows))
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: not a CSV file: {error}", hint="give a text file") from None


def _csv_rows(reader: Iterator[list[str]], names: Sequence[str], *, commas: bool) -> Iterator[LabelRow]:
    """The rows that are not empty; `commas`: between columns."""
    line: int = reader.line_num  # type: ignore[attr-defined]  # csv.reader has it, Iterator has not
    for cells in reader:
        line, start = reader.line_num, line + 1  # type: ignore[attr-defined]
        if any(cells):
            values = [_with_point(cell.strip(), commas=commas) for cell in cells]
            surplus = tuple(value for value in values[len(names) :] if value)
            yield LabelRow(f"line {start}", dict(zip(names, values, strict=False)), surplus)


def _with_point(cell: str, *, commas: bool) -> str:
    """A number with a comma as one with a point; with `commas` between columns what may be a thousand stays."""
    is_number = _COMMA_NUMBER.fullmatch(cell) and not (commas and _THOUSANDS.fullmatch(cell))
    return cell.replace(",", ".") if is_number else cell


def _decoded(data: bytes) -> str:
    if data.startswith(_UTF16_MARKS):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
