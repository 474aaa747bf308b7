"""The records of executing a plan: options, single steps, what came of them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from piqa_cli.errors import PhotoError
from piqa_cli.photos.sidecars import SidecarNaming

Action = Literal["mark", "embed", "folder", "copy", "hardlink", "symlink", "move"]
ProgressHandler = Callable[[int, int], None]  # steps done, steps in all
ChangeHandler = Callable[[Path, os.stat_result, Path, os.stat_result], None]
"""Is told of a file that was moved, or whose metadata alone was written anew: where and what it was, and is now."""


def untold(_was: Path, _before: os.stat_result, _path: Path, _after: os.stat_result) -> None:
    """The handler where nobody wants to know."""


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How marks are written; where files go is in the plan."""

    xmp_naming: SidecarNaming = "adobe"
    embed: bool = False  # into the photo itself where its format allows that; other formats get sidecars
    overwrite_ratings: bool = False  # also where a person has rated
    keep_modified: bool = True  # embedding keeps the photo's modification time


@dataclass(frozen=True, slots=True)
class Marks:
    """What is written about one photo. None: left as it is."""

    rating: int | None = None  # xmp:Rating, -1 to 5
    label: str | None = None  # xmp:Label
    pick: int | None = None  # digiKam:PickLabel, 1 rejected, 3 accepted
    decision: str | None = None
    score: float | None = None  # 0-100
    group: str | None = None
    reasons: tuple[str, ...] = ()
    by_hand: bool = False  # a person's choice, which piqa only writes down


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done to one file.

    mark: write `marks` into the sidecar `target` (made where it is missing)   embed: into the photo `target`
    folder: make the folder `target`                                           the rest: bring `source` to `target`
    """

    action: Action
    target: Path
    photo: Path  # which photo it is done for
    source: Path | None = None
    marks: Marks | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is deliberately not done."""

    path: Path
    reason: str  # "rated by hand: 4 stars"


@dataclass(frozen=True, slots=True)
class Preview:
    """The steps of a plan in the order in which they are taken, with name clashes resolved."""

    steps: tuple[Step, ...]
    skipped: tuple[Skipped, ...] = ()
    problems: tuple[PhotoError, ...] = ()  # files that are left alone because something is wrong with them


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. Steps that failed left their files as they were."""

    done: tuple[Step, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    problems: tuple[PhotoError, ...] = ()
    journal: Path | None = None  # None: nothing was written down because there was nothing to do
    already: tuple[Step, ...] = ()  # marks that the files had


def default_journal() -> Path:
    """A new journal's path in `journals`, which is made when the journal is written."""
    return journals() / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}.jsonl"


def journals() -> Path:
    """The folder in the user's state folder where journals are kept that were given no place."""
    import platformdirs

    return platformdirs.user_state_path("piqa") / "journals"
