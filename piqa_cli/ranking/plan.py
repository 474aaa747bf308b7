"""What is to be done with each photo, decided before anything is touched.

A plan is data: it can be printed, exported (`ranking.plan_file`), looked at, and executed later
(`ranking.actions.apply_plan`). All paths in it are absolute, so that it means the same from every folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

PLAN_VERSION = 1

Decision = Literal["pick", "keep", "reject"]
Move = Literal["copy", "hardlink", "symlink", "move"]
DECISIONS: tuple[Decision, ...] = ("pick", "keep", "reject")
MOVES: tuple[Move, ...] = ("copy", "hardlink", "symlink", "move")
REJECTED = -1  # in `stars`, as `xmp:Rating` has it


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One photo and what is to happen to it."""

    photo: Path
    mates: tuple[Path, ...]  # files that travel along: the RAW file of the same shot, sidecars of both
    stars: int | None  # 1-5, 0 unrated, -1 rejected; None: the rating is left as it is
    label: str | None  # xmp:Label; None: left as it is
    decision: Decision
    score: float | None  # 0-100
    reasons: tuple[str, ...]  # why this decision, then what lowers the score
    group: str | None
    mark: bool  # write stars, label, decision, score and reasons
    move: Move | None  # None: the file stays where it is
    destination: Path | None  # the path wanted for `photo`; its mates go to the same folder. Clashes are resolved later
    by_hand: bool = False  # a person chose, in the report or in a table


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, photo by photo, in the order in which it is done."""

    version: int
    created: datetime | None  # None: nobody said, as in a CSV plan
    source: str  # what was ranked, in words
    items: tuple[PlanItem, ...]
