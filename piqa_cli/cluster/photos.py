"""Photos on their way to an actor: named by URI or path, cut into numbered partitions, as text that can travel."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

NO_PARTITION = -1
"""Number of what has the error in place of the listing, as `failure.to_text` makes it."""


@dataclass(frozen=True, slots=True)
class NamedPhoto:
    """One photo by name: a URI, or a path as the command line had it."""

    name: str
    raw_mate: str | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """Photos that become one file of the result."""

    number: int
    listing: str  # JSON, pure ASCII whatever bytes the names hold: pairs of name and RAW mate

    @property
    def digest(self) -> str:
        """64 hex digits over the list of photos."""
        return hashlib.sha256(self.listing.encode()).hexdigest()

    @property
    def photos(self) -> list[NamedPhoto]:
        """The photos, in the order of the listing."""
        return [NamedPhoto(name, mate) for name, mate in json.loads(self.listing)]


def cut(photos: Iterable[NamedPhoto], size: int) -> Iterator[Partition]:
    """Partitions of `size` photos each, the last one of what is left, numbered from 0. Holds one at a time."""
    source = iter(photos)
    number = 0
    while block := list(islice(source, size)):
        yield Partition(number, json.dumps([(photo.name, photo.raw_mate) for photo in block]))
        number += 1
