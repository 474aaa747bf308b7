"""The overall order of a shoot: rank and percentile. Ties are settled by path, so that every run agrees."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path

from piqa_cli.records import PhotoScore
from piqa_cli.scoring.table import path_text

_DIGITS = re.compile(r"(\d{1,255})")  # no file's name has more; a name in a table may, and Python's int has a limit
_INSIDE = re.compile(r"\d\d|[^\W\d_]{2}")  # two characters of one number or one word
_FRAMES_ON = 3  # two of a burst that was thinned out are at most so many numbers apart


def natural_key(path: Path) -> tuple[str, list[tuple[int, str]], str]:
    """Sorts names as cameras count: IMG_9 before IMG_10; folder first, the plain name last to settle ties."""
    parts = _DIGITS.split(path.name.casefold())
    return (str(path.parent), [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name)


def counted_on(first: Path, second: Path) -> bool:
    """Whether one name follows the other as a camera counts, a few frames left out perhaps, or continues it.

    `IMG_9.jpg` and `IMG_12.jpg`, `Ann.jpg` and `Ann 2.jpg`, `IMG_1.jpg` and `IMG_1-edited.jpg`; not `Ann.jpg` and
    `Bob.jpg`, nor `pupil 3.jpg` and `pupil 40.jpg`.
    """
    short, long = sorted((first.stem.casefold(), second.stem.casefold()), key=len)
    if long.startswith(short) and not _INSIDE.fullmatch(long[len(short) - 1 :][:2]):
        return True
    parts, others = _DIGITS.split(short), _DIGITS.split(long)  # texts at even places, numbers between them
    if parts[::2] != others[::2]:
        return False
    return all(abs(int(a) - int(b)) <= _FRAMES_ON for a, b in zip(parts[1::2], others[1::2], strict=True))


def overall_order(scores: Sequence[PhotoScore]) -> list[int]:
    """Indices of the photos, best first: the order of the score table, failed photos last."""
    return sorted(range(len(scores)), key=lambda i: _key(scores[i]))


def _key(score: PhotoScore) -> tuple[bool, float, float, str]:
    # As rounded in the table: what reads the same there is ordered by raw score and then by path.
    return (
        score.score is None,
        -round(score.score or 0.0, 2),
        -round(score.raw_score or 0.0, 6),
        path_text(score.path),
    )


def percentiles(scores: Sequence[PhotoScore]) -> list[float | None]:
    """For each photo the share, 0 to 100, of the other scored photos that it beats; a tie counts half.

    100 is the best of the shoot, 0 the worst; a single photo has 100. None where there is no score.
    """
    values = sorted(round(s.score, 2) for s in scores if s.score is not None)
    return [None if s.score is None else _share(values, round(s.score, 2)) for s in scores]


def _share(values: Sequence[float], value: float) -> float:
    others = len(values) - 1
    if not others:
        return 100.0
    below, upto = bisect_left(values, value), bisect_right(values, value)
    return 100 * (below + (upto - below - 1) / 2) / others
