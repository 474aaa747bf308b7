"""Photos that are in a shoot twice, as an earlier run with `--copy-to` inside it leaves them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from piqa_cli.photos.suffixes import split_name
from piqa_cli.ranking.names import fold
from piqa_cli.records import PhotoScore

_NUMBERED = re.compile(r"-\d+$")  # what `names.TargetNames` puts behind a stem where the name is taken
_SAME_RAW = 1e-4  # between raw scores of one photo: the last digits depend on what was computed along with it


def find_copies(scores: Sequence[PhotoScore]) -> list[tuple[Path, Path]]:
    """(copy, original) of photos of one name and the same look in two folders; the deeper folder has the copy.

    Marks that were written into one of the two do not make them differ.
    """
    seen: dict[tuple[object, ...], list[tuple[Path, float]]] = {}
    found: list[tuple[Path, Path]] = []
    for score in sorted(scores, key=lambda score: len(score.path.parts)):
        if score.raw_score is None:
            continue
        look = (score.width, score.height, score.capture.captured_at)
        stem, suffix = split_name(fold(score.path.name))
        stems = dict.fromkeys((stem, unnumbered(stem)))
        alike = chain.from_iterable(seen.get((name, suffix, *look), ()) for name in stems)
        known = next((path for path, raw in alike if abs(raw - score.raw_score) <= _SAME_RAW), None)
        if known is not None and known.parent != score.path.parent:
            found.append((score.path, known))
        seen.setdefault((stem, suffix, *look), []).append((score.path, score.raw_score))
    return found


def unnumbered(stem: str) -> str:
    """The stem of a photo without the number that a copy got where its name was taken."""
    return _NUMBERED.sub("", stem)
