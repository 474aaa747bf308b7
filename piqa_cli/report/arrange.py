"""Groups, stars and the best of each group: by the rules of `piqa rank`, or as a ranked table has them already."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from piqa_cli.ranking.options import By, Choice, GroupOptions
from piqa_cli.ranking.ranked import rank_shoot
from piqa_cli.ranking.ranked_table import SCHEMA as RANK_SCHEMA
from piqa_cli.ranking.ranked_table import in_order, with_ranking
from piqa_cli.ranking.score_file import typed_as
from piqa_cli.ranking.sweeps import Look
from piqa_cli.records import PhotoScore
from piqa_cli.report.options import Grouping

_VERDICT = ("decision", "decision_reason")  # nobody has chosen anything yet


def is_ranked(frame: pl.DataFrame) -> bool:
    """Whether the table has the columns of `piqa rank`, with values that they can have."""
    return _ranking_of(frame) is not None


def as_ranked(frame: pl.DataFrame) -> pl.DataFrame:
    """A table that `is_ranked`, best photo first, its columns of ranking with their proper types."""
    ranking = _ranking_of(frame)
    assert ranking is not None
    typed = frame.with_columns(ranking.get_columns())
    return typed.sort("score", descending=True, nulls_last=True, maintain_order=True)


def arrange(scores: Sequence[PhotoScore], table: pl.DataFrame | None, grouping: Grouping, look: Look) -> pl.DataFrame:
    """The score table, best photo first, with groups and stars.

    Args:
        scores: the photos, with their embeddings as far as they are known.
        table: where the scores were read from, row by row; None: they come from a run.
        grouping: what makes a group.
        look: sees photos in small, for panoramas.
    """
    ranked = rank_shoot(scores, GroupOptions((By(grouping.value),)), Choice(), None, look)
    return with_ranking(in_order(ranked, scores, table), ranked).drop(_VERDICT)


def _ranking_of(frame: pl.DataFrame) -> pl.DataFrame | None:
    if any(name not in frame.columns for name in RANK_SCHEMA):
        return None
    given = frame.select(*RANK_SCHEMA)
    try:
        typed = given.select(typed_as(dtype, given[name]) for name, dtype in RANK_SCHEMA.items())
    except pl.exceptions.PolarsError:
        return None
    return typed if typed.null_count().equals(given.null_count()) else None  # else some cells mean something else
