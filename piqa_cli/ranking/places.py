"""The part of a group's name that folder and day give."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path, PurePath

from piqa_cli.photos.absolute import absolute
from piqa_cli.ranking.options import By
from piqa_cli.records import PhotoScore
from piqa_cli.scoring.table import path_text

UNDATED = "undated"


def places(scores: Sequence[PhotoScore], by: Collection[By]) -> list[str]:
    """For each photo its folder and day, as far as `by` asks for them: "shoot/sub/2024-05-06"; "" for neither.

    A folder is named from the one that holds all photos on; a day is that of the camera's own clock.
    """
    parts: list[Callable[[PhotoScore], str]] = []
    if By.FOLDER in by:
        parts.append(_folder_namer({Path(absolute(score.path)).parent for score in scores}))
    if By.DAY in by:
        parts.append(_day)
    return ["/".join(part(score) for part in parts) for score in scores]


def _folder_namer(folders: Collection[Path]) -> Callable[[PhotoScore], str]:
    try:
        root = Path(os.path.commonpath(folders)).parent
    except ValueError:  # none at all, or several drives
        root = Path()
    names = {folder: _name_of(folder, root) for folder in folders}
    return lambda score: names[Path(absolute(score.path)).parent]


def _name_of(folder: Path, root: Path) -> str:
    inner: PurePath = folder.relative_to(root) if folder.is_relative_to(root) else folder.relative_to(folder.anchor)
    return path_text(Path(inner)).replace(os.sep, "/") if inner.parts else "photos"


def _day(score: PhotoScore) -> str:
    taken = score.capture.captured_at
    return taken.date().isoformat() if taken else UNDATED
