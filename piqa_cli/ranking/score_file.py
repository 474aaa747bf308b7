"""A score table read back: CSV, Parquet (also in parts), JSON lines or JSON, as `piqa score -o` writes it."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from piqa_cli.errors import UsageError
from piqa_cli.photos.absolute import absolute
from piqa_cli.ranking.score_file_head import NEEDED, TABLE_HINT
from piqa_cli.records import Capture, Face, PhotoScore, Status
from piqa_cli.scoring.table import SCHEMA, best_first
from piqa_cli.spreadsheets import FALSE_WORDS, NOT_UTF8, SAVE_AS_UTF8, TRUE_WORDS, path_of, separator_of
from piqa_cli.table_parts import complete_parts

_STATUSES: tuple[Status, ...] = ("ok", "no_face", "error")
_MOST_REASON = 200  # characters; readers quote the file
_DEEPEST = 10  # levels of JSON; a table has two
_MOST_FACES = 10_000

_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".csv": lambda path: _csv(path),
    ".parquet": lambda path: pl.read_parquet(path, glob=False),
    ".jsonl": lambda path: pl.read_ndjson(  # takes names for patterns, and cannot be told otherwise
        _shallow(path, lines=True).read_bytes().removeprefix(codecs.BOM_UTF8), infer_schema_length=None
    ),
    ".json": lambda path: pl.read_json(_shallow(path, lines=False), infer_schema_length=None),
}


def read_score_file(path: Path) -> pl.DataFrame:
    """The table with the columns of `SCHEMA` that it has, in that order, and then columns of other names as they are.

    Rows are in the order of the file; those of several parts together best photo first.

    Raises:
        UsageError: the file cannot be read, lacks a needed column, or has a cell that is not what it should be.
    """
    try:
        parts = complete_parts(path)
        frame = best_first(pl.read_parquet(parts, glob=False)) if parts else _READERS[path.suffix.lower()](path)
    except (OSError, pl.exceptions.PolarsError, ValueError) as error:
        reason = (str(getattr(error, "strerror", None) or error).splitlines() or [type(error).__name__])[0]
        foreign = path.suffix.lower() == ".csv" and "utf-8" in reason
        reason, hint = (NOT_UTF8, SAVE_AS_UTF8) if foreign else (reason[:_MOST_REASON], TABLE_HINT)
        raise UsageError(f"cannot read the score table {path}: {reason}", hint=hint) from None
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise UsageError(f"{path} is no score table: no column {', '.join(missing)}", hint=TABLE_HINT)
    known = [_typed(frame[name], path) for name in SCHEMA if name in frame.columns]
    frame = frame.select(*known, *(name for name in frame.columns if name not in SCHEMA))
    _check(frame, path)
    lost = pl.col("score").is_null()  # whatever its status says: no gate and no ranking takes it for a scored photo
    return frame.with_columns(status=pl.when(lost).then(pl.lit("error")).otherwise(pl.col("status")))


def to_scores(frame: pl.DataFrame) -> list[PhotoScore]:
    """A record for each row, with what ranking goes by; columns that the table lacks are unknown."""
    return [_record(row) for row in frame.iter_rows(named=True)]


def _csv(path: Path) -> pl.DataFrame:
    """As text, with the point in numbers that a spreadsheet with commas in them separated by semicolons."""
    with path.open("rb") as file:
        separator = separator_of(file.readline().decode("utf-8"))
    frame = pl.read_csv(path, infer_schema=False, glob=False, separator=separator)
    if separator == ",":
        return frame
    numbers = [name for name in frame.columns if SCHEMA.get(name) == pl.Float64]
    return frame.with_columns(pl.col(numbers).str.replace(",", ".", literal=True))


def _shallow(path: Path, *, lines: bool) -> Path:
    """The file, if no value in it is nested deeply: polars would follow it until its stack overflows.

    Raises ValueError.
    """
    try:
        with path.open("rb") as file:
            texts = (text for text in (file if lines else [file.read()]) if text.strip())
            deep = any(_is_deep(json.loads(text), _DEEPEST) for text in texts)
    except RecursionError:
        deep = True
    if deep:
        raise ValueError("it is nested too deeply")
    return path


def _is_deep(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deep(one, levels - 1) for one in inner if isinstance(one, (dict, list)))


def _typed(column: pl.Series, path: Path) -> pl.Series:
    if column.name != "score":  # which must be a number
        column = finite(column)
    try:
        typed = typed_as(SCHEMA[column.name], column)
        if typed.dtype != SCHEMA[column.name]:  # of an object, every value is cast
            raise pl.exceptions.SchemaError
    except pl.exceptions.PolarsError:
        raise UsageError(f"{path}: column {column.name} has the wrong type, {column.dtype}", hint=TABLE_HINT) from None
    lost = (typed.is_null() & column.is_not_null()).arg_true()
    if len(lost):
        raise _bad_cell(path, int(lost[0]), column.name, column[int(lost[0])])
    return typed if column.name == "score" else finite(typed)


def finite(column: pl.Series) -> pl.Series:
    """Without NaN, as others write what is not known, and without infinite numbers."""
    if not column.dtype.is_float():
        return column
    return column.to_frame().select(pl.when(pl.col(column.name).is_finite()).then(pl.col(column.name))).to_series()


def typed_as(dtype: type[pl.DataType], column: pl.Series) -> pl.Series:
    """The column in this type, whichever program wrote its cells; what cannot be read so is null.

    Raises:
        PolarsError: not one of its cells can.
    """
    if dtype == pl.Boolean:
        return _truth(column)
    if dtype.is_integer() and column.dtype == pl.String:
        return _whole(column).cast(dtype, strict=False)
    return column.cast(dtype, strict=False)


def _whole(column: pl.Series) -> pl.Series:
    """Whole numbers, also as pandas spells those of a column with empty cells: 3.0."""
    return column.str.replace(r"^(-?\d+)\.0+$", "$1")


def _truth(column: pl.Series) -> pl.Series:
    """true and false, also as pandas and spreadsheets spell them (True, TRUE, WAHR, 1, 1.0); anything else is lost."""
    words = {**dict.fromkeys(TRUE_WORDS, True), **dict.fromkeys(FALSE_WORDS, False)}
    words |= {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
    text = column.cast(pl.String, strict=False).str.to_lowercase()
    return text.replace_strict(words, default=None, return_dtype=pl.Boolean)


def _check(frame: pl.DataFrame, path: Path) -> None:
    tests = {
        "path": frame["path"].is_null() | _spelt_out(frame["path"]).is_duplicated(),
        "status": ~frame["status"].is_in(_STATUSES).fill_null(value=False),
        "score": ~frame["score"].fill_null(0.0).is_between(0, 100),
    }
    for name, bad in tests.items():
        rows = bad.arg_true()
        if len(rows):
            raise _bad_cell(path, int(rows[-1]), name, frame[name][int(rows[-1])])


def _spelt_out(paths: pl.Series) -> pl.Series:
    """As absolute paths: `a.jpg` and `./a.jpg` are one photo."""
    return pl.Series([path and absolute(path) for path in paths], dtype=pl.String)


def _bad_cell(path: Path, row: int, column: str, value: object) -> UsageError:
    hints = {"path": "every photo needs a path and has one row", "score": "a score is between 0 and 100"}
    hint = hints.get(column, TABLE_HINT)
    return UsageError(f"{path}: row {row + 1}, column {column}: {value!r} cannot be used", hint=hint)


def _record(row: dict[str, Any]) -> PhotoScore:
    score = row["score"] if row["status"] != "error" else None
    return PhotoScore(
        path=path_of(row["path"]),
        status="error" if score is None else row["status"],
        reason=row.get("reason"),
        score=score,
        raw_score=row.get("raw_score"),
        faces=(Face((0.0, 0.0, 0.0, 0.0), 0.0),) * min(max(row.get("n_faces") or 0, 0), _MOST_FACES),
        eyes_open=row.get("eyes_open"),
        eyes=row.get("eyes"),
        reasons=tuple(filter(None, (row.get("reasons") or "").split("; "))),
        width=row.get("width"),
        height=row.get("height"),
        file_size=row.get("file_size"),
        capture=_capture(row),
        raw_mate=path_of(row["raw_mate"]) if row.get("raw_mate") else None,
        model=row.get("model") or "",
    )


def _capture(row: dict[str, Any]) -> Capture:
    names = ("camera", "lens", "iso", "shutter_s", "aperture", "focal_length_mm", "exposure_bias")
    return Capture(captured_at=_moment(row.get("captured_at")), **{name: row.get(name) for name in names})


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
