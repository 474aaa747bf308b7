"""Which faces matter. Pure functions on boxes and confidences."""

from __future__ import annotations

from collections.abc import Sequence

from piqa_cli.records import Box, Face

MAIN_FACE_SHARE = 0.25  # of the main face's area: smaller ones are passers-by
MAIN_FACE_SHARE_CUT = 0.5  # the same of a face that the photo's border cuts: it is seldom what the photo is about
LEAST_SIDE = 24.0  # pixels of the box's shorter side: what is smaller is too small to be judged beside another face
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
    return (*ordered[:1], *sorted(ordered[1:], key=lambda face: not is_large(face, beside=ordered[0])))


def main_faces(ordered: Sequence[Face]) -> tuple[Face, ...]:
    """Of faces ordered by importance, the first ones: those that the photo is about.

    The first, and those with at least `MAIN_FACE_SHARE` of its area, or `MAIN_FACE_SHARE_CUT` where the border cuts the
    face, and `LEAST_SIDE`; at most `MAX_FACES`. People in the background and at the edge do not count.
    """
    others = ordered[1:MAX_FACES]
    return (*ordered[:1], *(face for face in others if is_large(face, beside=ordered[0])))


def is_large(face: Face, *, beside: Face) -> bool:
    """Whether a face is large enough to be a main one beside the first of them."""
    left, top, right, bottom = face.box
    share = MAIN_FACE_SHARE_CUT if face.cut else MAIN_FACE_SHARE
    return min(right - left, bottom - top) >= LEAST_SIDE and area(face.box) >= share * area(beside.box)
