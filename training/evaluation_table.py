"""Labels and scores brought together in one table that `evaluate` takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from piqa_cli.errors import UsageError
from piqa_cli.records import counted
from piqa_cli.table_parts import complete_parts
from piqa_training.datasets.draft import SPLIT_NAMES
from piqa_training.datasets.label_file import folded, read_label_file
from piqa_training.manifest import LARGEST_SCORE, MANIFEST_FILE, ONE_SCENE, SPLITS, Manifest

ALL_PARTS = "all"
PARTS = (*SPLITS, ALL_PARTS)
SCORES = ("predicted", "raw_score", "score")
"""Columns that hold scores, the first that is there counts. `raw_score` has not lost order at the ends of 0 to 100."""
_NAMES = {folded(name): name for name in (*SCORES, "label", "scene", "split", "dataset", "path", "image")}


def _read_text(path: Path) -> pl.DataFrame:
    """CSV from any program, as labels are read; all cells are text."""
    file = read_label_file(path)
    columns = {_NAMES.get(folded(name), name): [row[name] for row in file] for name in file.columns}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), _read_text),
    ".parquet": lambda path: pl.read_parquet(path, glob=False),
    ".jsonl": lambda path: pl.read_ndjson(path.read_bytes(), infer_schema_length=None),  # takes names for patterns
    ".json": lambda path: pl.read_json(path, infer_schema_length=None),
}
_ROW = "row of the table"
_HINT = "give a table made by piqa score -o, or one with the columns label, predicted and scene"


def labelled_part(manifest: Manifest, part: str) -> pl.DataFrame:
    """The rows of one part, or of `all`.

    Raises:
        UsageError: the part is unknown or has no photos.
    """
    if part not in PARTS:
        raise UsageError(f"no part is called {part!r}", hint=f"use one of {', '.join(PARTS)}")
    frame = manifest.frame if part == ALL_PARTS else manifest.frame.filter(pl.col("split") == part)
    if frame.is_empty():
        counts = ", ".join(f"{name} {(manifest.frame['split'] == name).sum():,}" for name in SPLITS)
        hint = "choose another --part"
        if part == "val":
            hint += "; the validation part of a training run is in its own manifest: --manifest RUN/manifest.parquet"
        raise UsageError(f"the {part} part has no photos; photos by part: {counts}", hint=hint)
    return frame


def with_scores(labels: pl.DataFrame, scores: Mapping[str, float | None]) -> pl.DataFrame:
    """Labels with what was predicted for each image: columns dataset, scene, label, predicted.

    The frames of one clip share a label; their mean score is the clip's.

    Args:
        labels: rows of a manifest.
        scores: image -> score; an image that is not there has none.
    """
    predicted = pl.Series("predicted", [scores.get(image) for image in labels["image"]], dtype=pl.Float64)
    table = clips_as_one(labels.rename({"score": "label"}).with_columns(predicted))
    return table.select("dataset", "scene", "label", "predicted")


def clips_as_one(table: pl.DataFrame) -> pl.DataFrame:
    """One row, with the mean of the column predicted, for the frames of each clip; without a column clip as it is."""
    if "clip" not in table.columns:
        return table
    unit = pl.coalesce("clip", "image").alias("unit")
    keys = [name for name in ("dataset", "split", "scene") if name in table.columns]
    return table.group_by(*keys, unit, maintain_order=True).agg(pl.col("label").first(), pl.col("predicted").mean())


def read_scores(path: Path) -> pl.DataFrame:
    """A table of scores with a column predicted (Float64): CSV of any program, Parquet (also in parts), JSON (lines).

    Raises:
        UsageError: the file cannot be read, has no column of `SCORES`, or a cell of it is no number.
    """
    try:
        parts = complete_parts(path)
        frame = pl.read_parquet(parts, glob=False) if parts else _READERS[path.suffix.lower()](path)
    except KeyError:
        reason = "it is a folder without parts of a table" if path.is_dir() else f"unknown suffix {path.suffix!r}"
        raise UsageError(f"cannot read {path}: {reason}", hint=_HINT) from None
    except (OSError, pl.exceptions.PolarsError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error).splitlines()[0]
        raise UsageError(f"cannot read {path}: {reason}", hint=_HINT) from None
    found = next((name for name in SCORES if name in frame.columns), None)
    if found is None:
        raise UsageError(f"{path}: no column {', '.join(SCORES)}; there are {', '.join(frame.columns)}", hint=_HINT)
    return frame.with_columns(_numbers(frame, found, path).alias("predicted"))


def own_labels(frame: pl.DataFrame, path: Path, part: str = ALL_PARTS) -> pl.DataFrame:
    """A table of scores that brings its own labels: columns scene, label, predicted, and dataset where it is there.

    Of one with the column split, only the rows of `part`. The frames of a clip in a training run's own predictions
    count as one, as in the run's results.

    Raises:
        UsageError: it has no column label, a label is missing, no number or absurdly large, or nothing is in that part.
    """
    if "label" not in frame.columns:
        hint = "name the labels with --manifest or --dataset, or add the column label"
        raise UsageError(f"{path}: no column label, so that there is nothing to compare scores with", hint=hint)
    labels = _numbers(frame, "label", path)
    if len(absurd := (labels.abs() > LARGEST_SCORE).arg_true()):
        raise UsageError(f"{path}: row {absurd[0] + 1}, column label: {labels[absurd[0]]} is too large for a score")
    frame = frame.with_columns(labels, pl.int_range(1, pl.len() + 1).alias(_ROW))
    if "scene" not in frame.columns:
        frame = frame.with_columns(scene=pl.lit(ONE_SCENE))
    columns = [name for name in ("dataset", "scene", "label", "predicted") if name in frame.columns]
    rows = _part_of(frame, part, path)
    wrong = rows.filter(~pl.col("label").is_finite().fill_null(False))[_ROW]
    if len(wrong):
        raise UsageError(f"{path}: {counted(len(wrong), 'label')} missing or not finite, the first in row {wrong[0]}")
    return _whole_clips(rows).select(columns)


def _whole_clips(frame: pl.DataFrame) -> pl.DataFrame:
    """`clips_as_one` of a training run's own predictions; a column clip in any other table is none of ours."""
    if not {"image", "split", "clip"} <= set(frame.columns):
        return frame
    named = frame.with_columns(pl.col("clip").cast(pl.String).replace("", None))
    labels = named.drop_nulls("clip").group_by("clip").agg(pl.col("label").n_unique())
    return clips_as_one(named) if (labels["label"] == 1).all() else frame


def says_parts(frame: pl.DataFrame) -> bool:
    """Whether a table says which part each row is in, as a training run's own predictions do; spelled as in labels."""
    return "split" in frame.columns and {str(name).casefold() for name in frame["split"]} <= SPLIT_NAMES.keys()


def _part_of(frame: pl.DataFrame, part: str, path: Path) -> pl.DataFrame:
    """The rows of one part, where the table says which they are in."""
    if part == ALL_PARTS or not says_parts(frame):
        return frame
    splits = pl.Series([SPLIT_NAMES[name.casefold()] for name in frame["split"]], dtype=pl.String)
    rows = frame.filter(splits == part)
    if rows.is_empty():
        has = ", ".join(sorted(set(splits)))
        raise UsageError(
            f"{path}: no rows of the {part} part; there are {has}", hint=f"--part {ALL_PARTS} takes every row"
        )
    return rows


def scores_by_image(frame: pl.DataFrame, path: Path) -> dict[str, float | None]:
    """Absolute path of each photo -> its score. Relative paths start here or, where nothing is, beside the table.

    Raises:
        UsageError: no column path (or image), or a photo is there twice with different scores.
    """
    column = next((name for name in ("path", "image") if name in frame.columns), None)
    if column is None:
        raise UsageError(f"{path}: no column path; there are {', '.join(frame.columns)}", hint=_HINT)
    found: dict[str, float | None] = {}
    for row, (name, score) in enumerate(frame.select(column, "predicted").iter_rows(), start=1):
        image = _absolute(str(name), path.parent)
        if image in found and found[image] != score:
            raise UsageError(f"{path}: row {row} scores {name} again and differently", hint="keep one row a photo")
        found[image] = score
    return found


def learnt_from(model: Path, images: Sequence[str]) -> int:
    """How many of some photos the run that made a model was trained on; 0 where no run lies around its folder."""
    try:
        rows = pl.read_parquet(model.absolute().parent / MANIFEST_FILE, glob=False, columns=["image", "split"])
    except (OSError, pl.exceptions.PolarsError):
        return 0
    return len(set(images) & set(rows.filter(pl.col("split") == "train")["image"]))


def check_overlap(labels: pl.DataFrame, scores: Mapping[str, float | None], path: Path) -> None:
    """Tell a table of other photos from one in which some scores are missing.

    Raises:
        UsageError: no photo with a label is in the table.
    """
    if not any(image in scores for image in labels["image"]):
        example = f"{labels['image'][0]} and {next(iter(scores), 'an empty table')}"
        hint = "score the same files, and evaluate where the table's relative paths lead to them"
        raise UsageError(f"{path}: none of its photos has a label (compare {example})", hint=hint)


def _absolute(name: str, folder: Path) -> str:
    here = os.path.abspath(name)  # noqa: PTH100 - links must stay as they are, as in the manifest
    if os.path.exists(here):  # noqa: PTH110
        return here
    beside = os.path.abspath(folder / name)  # noqa: PTH100
    return beside if os.path.exists(beside) else here  # noqa: PTH110


def _numbers(frame: pl.DataFrame, name: str, path: Path) -> pl.Series:
    """The column as float64; empty text is no number, any other text a mistake."""
    column = frame[name]
    if column.dtype == pl.String:
        column = column.str.strip_chars().replace("", None)
    try:
        numbers = column.cast(pl.Float64, strict=False)
    except pl.exceptions.PolarsError:
        numbers = column
    if numbers.dtype != pl.Float64:  # of a struct only the fields are cast
        raise UsageError(f"{path}: column {name} holds no numbers but {column.dtype}", hint=_HINT)
    lost = (numbers.is_null() & column.is_not_null()).arg_true()
    if len(lost):
        row = int(lost[0])
        raise UsageError(f"{path}: row {row + 1}, column {name}: {column[row]!r} is no number", hint=_HINT)
    return numbers
