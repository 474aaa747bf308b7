"""Copies of an earlier run that would not go there now: nothing is taken away, but somebody may deliver them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from piqa_cli.photos.absolute import absolute
from piqa_cli.photos.suffixes import split_name
from piqa_cli.ranking.copies import unnumbered
from piqa_cli.ranking.files import same_content, same_file
from piqa_cli.ranking.names import fold
from piqa_cli.ranking.plan import Plan
from piqa_cli.ranking.planning import Filing, folders_of
from piqa_cli.ranking.ranked import RankedPhoto
from piqa_cli.ranking.twins import differ_in_xmp_only


def find_leftovers(ranked: Sequence[RankedPhoto], filing: Filing, plan: Plan) -> list[Path]:
    """Copies and links of photos of the shoot in folders that this plan files into, but not for them.

    Args:
        ranked: the shoot.
        filing: what is asked for; after moves nothing is there twice.
        plan: what `planning.make_plan` made of these.
    """
    if filing.move in (None, "move"):
        return []
    goes_to = {item.photo: item.destination.parent for item in plan.items if item.destination}
    photos: dict[str, list[Path]] = {}
    for photo in ranked:
        path = Path(absolute(photo.score.path))
        photos.setdefault(fold(path.name), []).append(path)
    return [
        found
        for folder in sorted(folders_of(ranked, filing))
        for found in _files(folder)
        if any(goes_to.get(photo) != folder and _is_copy(found, photo) for photo in _called_like(found, photos))
    ]


def _called_like(found: Path, photos: dict[str, list[Path]]) -> Iterator[Path]:
    stem, suffix = split_name(fold(found.name))
    for name in dict.fromkeys((stem + suffix, unnumbered(stem) + suffix)):
        yield from photos.get(name, ())


def _is_copy(found: Path, photo: Path) -> bool:
    if found == photo:
        return False
    if found.is_symlink():
        return found.readlink() == photo
    return same_file(found, photo) or same_content(found, photo) or differ_in_xmp_only(photo, found)


def _files(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in sorted(os.listdir(folder))]  # noqa: PTH208 - names, not paths
    except OSError:
        return []
