"""Units of choice: a single photo, or photos that belong together and are never split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

SetKind = Literal["bracket", "panorama"]
SET_WORDS: dict[SetKind, str] = {"bracket": "exposure bracket", "panorama": "panorama sweep"}


@dataclass(frozen=True, slots=True)
class Unit:
    """What is chosen or not as one."""

    members: tuple[int, ...]  # indices of the photos; of a set, in the order taken
    kind: SetKind | None = None  # None: a single photo

    def best(self, ranks: Sequence[int | None]) -> int:
        """The member with the best rank in the shoot; the first where none has one."""
        return min(self.members, key=lambda index: ranks[index] or len(ranks) + 1)


@dataclass(frozen=True, slots=True)
class Group:
    """Photos that are compared with each other."""

    name: str | None  # "burst-003", "2024-05-06", "shoot/sub"; None: a photo on its own, or the whole shoot
    place: str  # the folder that `--into group` puts it into, relative, with /
    units: tuple[Unit, ...]
    kind: str | None = None  # "burst", "duplicates", "bracket", "panorama"; None: a folder, a day, a photo on its own

    @property
    def one_moment(self) -> bool:
        """A burst or near-duplicates: the same people in nearly the same pose."""
        return self.kind in ("burst", "duplicates")

    @property
    def members(self) -> list[int]:
        """Indices of all photos."""
        return [index for unit in self.units for index in unit.members]
