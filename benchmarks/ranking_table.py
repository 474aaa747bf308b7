"""Figures as text: columns, percentages, and marks where something wanted is missed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

MISSED = "*"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as aligned lines; the first column is set flush left, the others flush right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if n == 0 else cell.rjust(w) for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def percent(share: float | None, wanted: float | None = None) -> str:
    """`97.1%`, with a mark behind it when it is less than wanted; `-` for nothing."""
    return "-" if share is None else f"{share:.1%}" + _mark(wanted is not None and share < wanted)


def number(value: float | None, digits: int, *, least: float | None = None, most: float | None = None) -> str:
    """A figure with a mark behind it when it is out of what is wanted; `-` for nothing."""
    if value is None:
        return "-"
    out = (least is not None and value < least) or (most is not None and value > most)
    return f"{value:.{digits}f}" + _mark(out)


def _mark(missed: bool) -> str:
    return MISSED if missed else " "


def mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def middle(values: Sequence[float]) -> float | None:
    """The median."""
    return float(np.median(values)) if values else None


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's; 0 where one side is constant and says nothing."""
    if len(set(first)) < 2 or len(set(second)) < 2:
        return 0.0
    return float(spearmanr(first, second).statistic)
