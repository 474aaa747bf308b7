"""What a person has said of the photos of a shoot, before anything is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from piqa_cli.photos.ratings import ByHand, ProblemHandler, read_by_hand
from piqa_cli.photos.sidecars import Companions, existing_sidecars
from piqa_cli.records import PhotoScore

NOTHING: Mapping[int, ByHand] = {}


def said_of_shot(
    files: Sequence[Path],
    companions: Companions,
    on_problem: ProblemHandler | None = None,
    *,
    through_piqa: bool = True,
) -> ByHand | None:
    """What a person said of a photo or its RAW mate, a reject before anything else; None: nothing.

    A sidecar like `IMG_1.xmp` says nothing of another shot than the one that it is about, see `Companions.shot_of`.
    Malformed metadata is passed over and goes to `on_problem`. `through_piqa`: what was chosen in a report counts.
    """
    said = []
    for file in files:
        sidecars = [path for path in existing_sidecars(file) if not companions.is_of_another(path, files)]
        said.append(read_by_hand(file, sidecars, on_problem, through_piqa=through_piqa))
    return min(filter(lambda one: one.words, said), key=_order, default=None)


def said_of_shoot(scores: Iterable[PhotoScore], on_problem: ProblemHandler | None = None) -> dict[int, ByHand]:
    """Place in `scores` -> what a person said of that photo; nothing for others. Reads the metadata of each file."""
    companions = Companions()
    said = {
        place: said_of_shot([score.path, *([score.raw_mate] if score.raw_mate else [])], companions, on_problem)
        for place, score in enumerate(scores)
        if score.score is not None
    }
    return {place: one for place, one in said.items() if one is not None}


def _order(said: ByHand) -> tuple[bool, bool]:
    return not said.rejected, not said.rating
