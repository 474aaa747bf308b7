"""What a person asks `piqa rank` for. Free of polars and numpy, so that the command line can build it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from piqa_cli.table_parts import TABLE_SUFFIXES, parts_of

GAP_S = 2.0
"""Bursts end where the camera rests longer than this between two photos."""


def is_score_table(path: Path) -> bool:
    """Whether the name is that of a score table, not of a photo or a folder of photos."""
    return bool(parts_of(path)) if path.is_dir() else path.suffix.lower() in TABLE_SUFFIXES


def is_csv_plan(path: Path) -> bool:
    """Whether the name is that of a CSV plan; any other plan is JSON."""
    return path.suffix.lower() == ".csv"


class By(StrEnum):
    """What makes a group."""

    BURST = "burst"
    FOLDER = "folder"
    DAY = "day"
    NONE = "none"


class Layout(StrEnum):
    """What the folders below `--copy-to DIR` and the like are named after."""

    PICKS = "picks"
    STARS = "stars"
    GROUP = "group"


REJECTS = "rejects"
"""The folder for rejects, in every layout."""
FOLDERS: dict[Layout, tuple[str, ...]] = {
    Layout.PICKS: ("picks", REJECTS),
    Layout.STARS: ("1-star", "2-stars", "3-stars", "4-stars", "5-stars", REJECTS),
}
"""What the folders are called; those of groups are not known before."""


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """How photos are grouped. Several keys in `by` cut finer: a burst within a folder, say."""

    by: tuple[By, ...] = (By.BURST,)
    gap_s: float = GAP_S  # seconds
    similarity: float | None = None  # cosine that neighbours in a burst reach; None: the calibrated one
    duplicates: bool = False  # put near-duplicates together however far apart in time


@dataclass(frozen=True, slots=True)
class Top:
    """The best so many, or the best share, of the scored photos."""

    count: int | None = None
    share: float | None = None  # in [0, 1]

    def limit(self, scored: int) -> int:
        """The last rank that is in; a share of anything is at least one photo."""
        if self.count is not None:
            return self.count
        exact = (self.share or 0.0) * scored
        return max(math.floor(exact + 0.5), 1 if exact > 0 else 0)

    def __str__(self) -> str:
        return str(self.count) if self.count is not None else f"{100 * (self.share or 0.0):g}%"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which photos become picks: those that meet every condition. Without one there are no picks."""

    top: Top | None = None
    per_group: int | None = None
    min_score: float | None = None  # 0-100
    max_photos: int | None = None
    reject_below: float | None = None  # 0-100; the only way to a reject

    @property
    def picks(self) -> bool:
        """Whether any condition for a pick was given."""
        return any(value is not None for value in (self.top, self.per_group, self.min_score, self.max_photos))

    @property
    def chooses(self) -> bool:
        """Whether any photo may become a pick or a reject."""
        return self.picks or self.reject_below is not None

    @property
    def least(self) -> float:
        """What a pick scores at least."""
        return max(self.min_score or 0.0, self.reject_below or 0.0)
