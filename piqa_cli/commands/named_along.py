"""What a shell's `shoot/*` names along with the photos: sidecars, piqa's own files, and litter of other systems."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from piqa_cli.photos.sidecars import SIDECAR_SUFFIXES
from piqa_cli.photos.suffixes import is_photo
from piqa_cli.photos.walk import JUNK
from piqa_cli.ranking.options import is_score_table
from piqa_cli.table_parts import TABLE_SUFFIXES

_OF_GATES = (".xml", ".md", ".sarif", ".toml")
_NO_PHOTOS = SIDECAR_SUFFIXES | {*TABLE_SUFFIXES, ".html", ".htm", *_OF_GATES}
_NAMED_IN_NOTE = 3
Name = TypeVar("Name", str, Path)


def sort_out(names: Sequence[Name], *, takes_tables: bool = False) -> tuple[list[Name], tuple[Path, ...]]:
    """What is named as photos and folders, and what is only named along with them and passed over, as by a walk.

    That is a file whose suffix says that it is a sidecar, or of a kind that piqa itself writes or reads, and what
    systems leave in folders (`@eaDir`, `Thumbs.db`). Any other file is meant, and so is everything where nothing else
    is named. Of a command that takes a score table as well, one is passed over beside photo files only: beside a folder
    it may be meant, and is refused.

    Args:
        names: as on the command line, `-` and `s3://...` among them.
        takes_tables: whether the command takes a score table in the place of photos.

    Returns:
        What is left, in its order, and what is passed over.
    """
    tables_too = not takes_tables or any(map(is_photo, map(str, names)))
    along = {name for name in names if _is_along(Path(name), tables_too=tables_too)}
    left = [name for name in names if name not in along]
    if not left:
        return list(names), ()
    return left, tuple(Path(name) for name in dict.fromkeys(names) if name in along)


def in_words(along: Sequence[Path]) -> str:
    """The note on what is passed over."""
    rest = len(along) - _NAMED_IN_NOTE
    names = ", ".join(path.name for path in along[:_NAMED_IN_NOTE]) + (f" and {rest:,} more" if rest > 0 else "")
    what = "1 that is no photo" if len(along) == 1 else f"{len(along):,} that are no photos"
    return f"passed over {what}: {names}"


def _is_along(path: Path, *, tables_too: bool) -> bool:
    if is_photo(path.name) or not os.path.lexists(path):
        return False
    if is_score_table(path):
        return tables_too
    return path.name.lower() in JUNK or (path.suffix.lower() in _NO_PHOTOS and path.is_file())
