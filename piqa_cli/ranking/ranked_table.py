"""The columns that ranking adds to the score table."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from piqa_cli.ranking.ranked import RankedPhoto
from piqa_cli.records import PhotoScore
from piqa_cli.scoring.positions import COLUMNS as POSITIONS
from piqa_cli.scoring.table import Column, to_frame
from piqa_cli.spreadsheets import safe_cell

COLUMNS: tuple[Column, ...] = (
    Column("group", pl.String, "group that the photo is compared in: `burst-001`, a folder, a day; empty when alone"),
    Column(
        "rank_in_group",
        pl.Int64,
        "place in the group, 1 is the best; in a choice, what was rejected by hand comes last; empty without a score",
    ),
    Column("best_of_group", pl.Boolean, "whether it is the best of its group, or alone"),
    Column("rank", pl.Int64, "place in the whole shoot, 1 is the best; ties by path"),
    Column("percentile", pl.Float64, "share of the other photos that it beats, 0 to 100, a tie counts half", 1),
    Column("stars", pl.Int64, "1 to 5; -1 for a reject, as in `xmp:Rating`; empty without a score"),
    Column("decision", pl.String, "`pick`, `keep` or `reject`"),
    Column("decision_reason", pl.String, "why"),
)

SCHEMA: dict[str, type[pl.DataType]] = {column.name: column.dtype for column in COLUMNS}


def in_order(ranked: Sequence[RankedPhoto], scores: Sequence[PhotoScore], table: pl.DataFrame | None) -> pl.DataFrame:
    """The score table with its rows as they are ranked, without the positions that `--with-gps` put into it.

    Args:
        ranked: all of `scores`, the same objects.
        scores: in the order of the rows of `table`.
        table: where they were read from; None: they come from a run.
    """
    if table is None:
        return to_frame(photo.score for photo in ranked)  # sorts by the same key, see `ranking.order`
    row_of = {id(score): row for row, score in enumerate(scores)}
    rows = table[[row_of[id(photo.score)] for photo in ranked]]
    return rows.drop(POSITIONS, strict=False)


def with_ranking(frame: pl.DataFrame, ranked: Sequence[RankedPhoto]) -> pl.DataFrame:
    """The score table, its rows those of `ranked` in the same order, with the columns of ranking at its right end."""
    rows = [
        (
            None if photo.group is None else safe_cell(photo.group),
            photo.rank_in_group,
            photo.best_of_group,
            photo.rank,
            None if photo.percentile is None else round(photo.percentile, 1),
            photo.stars,
            photo.decision,
            photo.decision_reason,
        )
        for photo in ranked
    ]
    added = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return frame.drop([name for name in SCHEMA if name in frame.columns]).hstack(added)
