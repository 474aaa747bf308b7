"""`--with-gps`: where photos were taken, as two columns more. Read after scoring and never kept in any cache."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from piqa_cli.photos.position import read_position
from piqa_cli.records import PhotoScore
from piqa_cli.scoring.table import path_cell

COLUMNS = {"latitude": pl.Float64, "longitude": pl.Float64}
"""Degrees (WGS 84), north and east positive; empty where the photo does not say."""

_DECIMALS = 6  # a tenth of a metre


def with_positions(frame: pl.DataFrame, scores: Iterable[PhotoScore]) -> pl.DataFrame:
    """The score table of these scores with the columns of `COLUMNS` at its end.

    Opens each photo once more. A photo without a position in its EXIF takes that of its RAW file.
    """
    found: dict[str, tuple[float, float]] = {}
    for score in scores:
        position = read_position(score.path)
        if position is None and score.raw_mate is not None:
            position = read_position(score.raw_mate)
        if position is not None:
            found[path_cell(score.path)] = position
    places = [found.get(path, (None, None)) for path in frame["path"]]
    columns = [
        pl.Series(name, [place[index] for place in places], dtype=kind).round(_DECIMALS)
        for index, (name, kind) in enumerate(COLUMNS.items())
    ]
    return frame.with_columns(columns)
