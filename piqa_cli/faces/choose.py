"""Which faces matter. Pure functions on boxes and confidences."""

from __future__ import annotations

from collections.abc import Sequence

from piqa_cli.records import Box, Face

MAIN_FACE_SHARE = 0.25  # of the main face's area: smaller ones are passers-by
MAX_FACES = 12  # scored one by one in a group photo


def area(box: Box) -> float:
    """Square pixels; 0 for an inverted box."""
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def by_importance(faces: Sequence[Face]) -> tuple[Face, ...]:
    """The main face first: largest area times squared confidence, ties by place (left, then top).

    The square keeps a large but doubtful box (an ear, a pattern) behind a certain face of nearly its size.
    """
    return tuple(sorted(faces, key=lambda f: (-area(f.box) * f.confidence**2, f.box[0], f.box[1])))


def main_faces(ordered: Sequence[Face]) -> tuple[Face, ...]:
    """Of faces ordered by importance, those that the photo is about.

    At least `MAIN_FACE_SHARE` of the main face's area, and at most `MAX_FACES`; people in the background do not count.
    """
    if not ordered:
        return ()
    least = MAIN_FACE_SHARE * area(ordered[0].box)
    return tuple(face for face in ordered[:MAX_FACES] if area(face.box) >= least)
