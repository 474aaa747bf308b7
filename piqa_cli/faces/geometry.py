"""What a face's box and the detector's five points tell by themselves: tilt, turn, and whether the border cuts it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from piqa_cli.records import Box, Face, Pose

PROFILE_BEYOND = 0.1  # of the distance between the eyes: so far beyond an eye the nose's tip lies in a profile
_BORDER = 0.5  # pixels

Point = tuple[float, float]


def described(face: Face, width: float, height: float) -> Face:
    """The face with its tilt, pose and cut, in a photo of this size in the pixels of the box."""
    return replace(face, roll=roll(face.landmarks), pose=pose(face.landmarks), cut=is_cut(face.box, width, height))


def scaled(box: Box, factor: float) -> Box:
    """The same box in an image that is `factor` times as wide and high."""
    x1, y1, x2, y2 = box
    return (x1 * factor, y1 * factor, x2 * factor, y2 * factor)


def eye_line(landmarks: Sequence[Point]) -> tuple[Point, Point] | None:
    """The eyes, the left one in the picture first; None where they are unknown or fall together."""
    points = landmarks[:2]
    known = len(points) == 2 and all(math.isfinite(value) for point in points for value in point)
    return (points[0], points[1]) if known and math.dist(*points) > 0 else None


def roll(landmarks: Sequence[Point]) -> float | None:
    """Degrees in (-180, 180] between the line through the eyes and the level, positive: tilted clockwise."""
    eyes = eye_line(landmarks)
    if eyes is None:
        return None
    (x1, y1), (x2, y2) = eyes
    return math.degrees(math.atan2(y2 - y1, x2 - x1))


def turn(landmarks: Sequence[Point]) -> float | None:
    """Where the tip of the nose lies along the line from the left eye (0) to the right one (1); 0.5 is frontal.

    Above 0.5 the head is turned to the right of the picture, and the left eye is the nearer one.
    """
    eyes = eye_line(landmarks)
    if eyes is None or len(landmarks) < 3:
        return None
    (x1, y1), (x2, y2), (x, y) = *eyes, landmarks[2]
    along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / math.dist(*eyes) ** 2
    return along if math.isfinite(along) else None


def pose(landmarks: Sequence[Point]) -> Pose | None:
    """Profile where the nose lies well outside of the eyes, frontal (three-quarter views included) otherwise."""
    along = turn(landmarks)
    if along is None:
        return None
    return "frontal" if -PROFILE_BEYOND <= along <= 1 + PROFILE_BEYOND else "profile"


def is_cut(box: Box, width: float, height: float) -> bool:
    """Does the box, clamped to the photo as the detector gives it, touch the border?"""
    return min(box[0], box[1]) < _BORDER or box[2] > width - _BORDER or box[3] > height - _BORDER
