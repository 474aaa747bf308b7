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

    The square keeps a large but doubtful box (an ear, a pattern) behind a certain face of nearly its size. Faces that
    are too small to be main ones come last, so that `main_faces` is always the start of the order.
    """
    ordered = sorted(faces, key=lambda f: (-area(f.box) * f.confidence**2, f.box[0], f.box[1]))
    return tuple(sorted(ordered, key=lambda face: not _is_large(face, beside=ordered[0])))


def main_faces(ordered: Sequence[Face]) -> tuple[Face, ...]:
    """Of faces ordered by importance, the first ones: those that the photo is about.

    At least `MAIN_FACE_SHARE` of the main face's area, and at most `MAX_FACES`; people in the background do not count.
    """
    return tuple(face for face in ordered[:MAX_FACES] if _is_large(face, beside=ordered[0]))


def _is_large(face: Face, *, beside: Face) -> bool:
    return area(face.box) >= MAIN_FACE_SHARE * area(beside.box)
