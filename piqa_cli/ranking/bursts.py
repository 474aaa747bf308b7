"""Bursts: photos taken one right after the other, of the same thing."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from math import inf

from piqa_cli.ranking.sequence import Shot, pause
from piqa_cli.ranking.similarity import Similarity

# Calibrated for the embedded model on 170 real photos (90 studio portraits, 40 scenes, 40 others), each shifted by 2
# and 5 %, zoomed by 5 % or turned by 2 degrees: all cosines are above .85. A blurred or much brighter frame is less
# like the good one (95 % above .73 and .52). Of pairs of different photos .2 % reach .6 and none .81; studio portraits
# of different people in one pose and light are far more alike (20 % reach .6, 3 % .8), but the few of .9 and more
# show one person twice.
BURST_SIMILARITY = 0.6
"""Cosine that neighbours in time reach in a burst."""
UNTIMED_SIMILARITY = 0.8
"""The same for photos that are neighbours only by name."""
DUPLICATE_SIMILARITY = 0.9
"""Cosine of near-duplicates, whenever they were taken."""
TIME_ALONE = -1.0
"""The cosine that any two photos reach: whether they are of one burst is then told by time, or not at all."""
_LOOK_BACK = 4  # frames that a photo is compared with
_BETWEEN = 2 / 3
"""Share of that cosine that is enough for a frame between two that are alike: it may be too shaken to be like any."""


def find_bursts(
    shots: Sequence[Shot],
    *,
    gap_s: float,
    similarity: Similarity | None,
    least: float | None = None,
    apart: Container[int] = (),
) -> Iterator[list[Shot]]:
    """Cut a sequence into bursts, single photos included, in order.

    A photo joins the burst before it when the camera rested at most `gap_s` seconds and the photo is like one of the
    last few: a cosine of at least `least`, by default `BURST_SIMILARITY`. One that is like a frame before those joins
    that one's burst, and what lies between comes along if it is not a different thing altogether. Photos whose
    embedding is unknown are told by time alone; photos without a time by likeness alone to the burst just before, by
    default `UNTIMED_SIMILARITY`. The shots in `apart` (indices) are left out, and end the burst before them.
    """
    bursts: list[list[Shot]] = []  # since the last pause
    for shot in shots:
        rest = pause(bursts[-1][-1], shot) if bursts else None
        if shot.index in apart or (rest is not None and rest > gap_s):
            yield from bursts
            bursts = []
        if shot.index in apart:
            continue
        usual = UNTIMED_SIMILARITY if rest is None else BURST_SIMILARITY
        joined = _joined(bursts, shot, rest is not None, similarity, usual if least is None else least)
        together = [other for burst in bursts[len(bursts) - joined :] for other in burst]
        bursts[len(bursts) - joined :] = [[*together, shot]]
    yield from bursts


def _joined(bursts: Sequence[list[Shot]], shot: Shot, timed: bool, similarity: Similarity | None, least: float) -> int:
    """How many of the last bursts become one with this shot."""
    if not bursts or (least <= TIME_ALONE and not timed):
        return 0
    joined = int(max(_cosines(bursts[-1], shot, similarity), default=inf if timed else -inf) >= least)
    between: list[Shot] = []
    for count in range(2, len(bursts) + 1 if timed else 0):
        between = [*bursts[1 - count], *between]
        if len(between) >= _LOOK_BACK:
            break
        before = bursts[-count]
        alike = max(_cosines(before, shot, similarity), default=-inf) >= least
        ends = [before[-1], shot]
        if alike and all(max(_cosines(ends, b, similarity), default=inf) >= least * _BETWEEN for b in between):
            joined = count
    return joined


def _cosines(others: Sequence[Shot], shot: Shot, similarity: Similarity | None) -> list[float]:
    """With the last few of the others; those that are unknown are left out."""
    if similarity is None:
        return []
    found = (similarity.between(other.index, shot.index) for other in others[-_LOOK_BACK:])
    return [cosine for cosine in found if cosine is not None]
