"""Photos that are in a shoot twice, as an earlier run with `--copy-to` inside it leaves them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from piqa_cli.photos.suffixes import split_name
from piqa_cli.ranking.names import fold
from piqa_cli.records import PhotoScore

_NUMBERED = re.compile(r"-\d+$")  # what `names.TargetNames` puts behind a stem where the name is taken


def find_copies(scores: Sequence[PhotoScore]) -> list[tuple[Path, Path]]:
    """(copy, original) of photos of one name and the same look in two folders; the deeper folder has the copy.

    Marks that were written into one of the two do not make them differ.
    """
    first: dict[tuple[object, ...], Path] = {}
    found: list[tuple[Path, Path]] = []
    for score in sorted(scores, key=lambda score: len(score.path.parts)):
        if score.raw_score is None:
            continue
        look = (score.raw_score, score.width, score.height, score.capture.captured_at)
        stem, suffix = split_name(fold(score.path.name))
        known = first.get((stem, suffix, look)) or first.get((_NUMBERED.sub("", stem), suffix, look))
        if known is not None and known.parent != score.path.parent:
            found.append((score.path, known))
        first.setdefault((stem, suffix, look), score.path)
    return found
