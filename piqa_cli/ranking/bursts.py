"""Bursts: photos taken one right after the other, of the same thing."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from math import inf
from statistics import median

from piqa_cli.ranking.order import counted_on
from piqa_cli.ranking.sequence import Shot, pause
from piqa_cli.ranking.similarity import Similarity

# Set for the embedded model with `python -m benchmarks.bursts`, which prints how alike photos are.
BURST_SIMILARITY = 0.6
"""Cosine that neighbours in time reach in a burst, a blurred or much brighter frame included."""
UNTIMED_SIMILARITY = 0.8
"""The same for photos that are neighbours only by name."""
DUPLICATE_SIMILARITY = 0.93
"""Cosine of near-duplicates, whenever they were taken. Different people in one pose and light may reach .9."""
_SERIES_FROM = 0.65  # to `DUPLICATE_SIMILARITY`: median cosine of a series' photos, some places apart
_SOME_PLACES = range(5, 15)  # nearer ones may be of the same burst
_FEW = 3  # of them, at least, to tell
_FOURTH = 4  # of a short sequence one photo in so many may be of something else
TIME_ALONE = -1.0
"""The cosine that any two photos reach: whether they are of one burst is then told by time, or not at all."""
_LOOK_BACK = 4  # frames that a photo is compared with
_BETWEEN = 2 / 3
"""Share of that cosine that is enough for a frame between two that are alike: it may be too shaken to be like any."""
_RUINED = 20.0
"""Score below which a frame looks like nothing: its cosine with a good frame of the same moment may be zero."""


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
    that one's burst, and what lies between comes along if it is not a different thing altogether. A ruined photo, which
    looks like nothing, joins the burst next to it in time, the one before it where there are two. Photos whose
    embedding is unknown are told by time alone; photos without a time by likeness alone, by default
    `UNTIMED_SIMILARITY`, or `DUPLICATE_SIMILARITY` in a series and where names do not count on. The shots in `apart`
    (indices) are left out, and end the burst before them.
    """
    bursts: list[list[Shot]] = []  # since the last pause
    for place, shot in enumerate(shots):
        rest = pause(bursts[-1][-1], shot) if bursts else None
        if shot.index in apart or (rest is not None and rest > gap_s):
            yield from bursts
            bursts = []
        if shot.index in apart:
            continue
        enough = least
        if enough is None:
            enough = BURST_SIMILARITY if rest is not None else _without_times(shots, place, similarity)
        joined = _joined(bursts, shot, rest is not None, similarity, enough)
        if not joined and bursts and rest is not None and (_is_ruined(shot) or all(map(_is_ruined, bursts[-1]))):
            joined = 1
        together = [other for burst in bursts[len(bursts) - joined :] for other in burst]
        bursts[len(bursts) - joined :] = [[*together, shot]]
    yield from bursts


def _without_times(shots: Sequence[Shot], place: int, similarity: Similarity | None) -> float:
    """The cosine that tells a burst at this place of a sequence without times.

    It is higher where the name does not count on from those before, as of photos chosen from a shoot or named by what
    they show; and in a series of different subjects in one pose and light, such as school photos: where photos some
    places before, after or around this one are alike, too; where there are too few of them, most photos around it.
    """
    last = shots[max(place - _LOOK_BACK, 0) : place]
    if not any(counted_on(other.score.path, shots[place].score.path) for other in last):
        return DUPLICATE_SIMILARITY
    near, far = _SOME_PLACES.start, _SOME_PLACES.stop
    before = shots[max(place - far + 1, 0) : max(place - near + 1, 0)]
    after = shots[place + near : place + far]
    shot, others = shots[place], [*before, *after]
    if len(others) >= _FEW:
        in_series = any(_is_series(shot, part, similarity) for part in (before, after, others))
    else:
        around = [*shots[max(place - far + 1, 0) : place], *shots[place + 1 : place + far]]
        in_series = _is_series(shot, around, similarity, most=True)
    return DUPLICATE_SIMILARITY if in_series else UNTIMED_SIMILARITY


def _is_series(shot: Shot, others: Sequence[Shot], similarity: Similarity | None, *, most: bool = False) -> bool:
    """Whether the others are alike, by half of them, or by `most`; but not nearly the same."""
    cosines = [] if similarity is None else similarity.to_each(shot.index, [other.index for other in others])
    if len(cosines) < _FEW:
        return False
    usual = median(cosines)
    low = sorted(cosines)[len(cosines) // _FOURTH] if most else usual
    return low >= _SERIES_FROM and usual < DUPLICATE_SIMILARITY


def _joined(bursts: Sequence[list[Shot]], shot: Shot, timed: bool, similarity: Similarity | None, least: float) -> int:
    """How many of the last bursts become one with this shot."""
    if not bursts or (least <= TIME_ALONE and not timed):
        return 0
    joined = int(max(_cosines(bursts[-1], shot, similarity), default=inf if timed else -inf) >= least)
    between: list[Shot] = []
    bridged = timed or least > UNTIMED_SIMILARITY  # by their names alone only where the two are that much alike
    for count in range(2, len(bursts) + 1 if bridged else 0):
        between = [*bursts[1 - count], *between]
        if len(between) >= _LOOK_BACK:
            break
        before = bursts[-count]
        alike = max(_cosines(before, shot, similarity), default=-inf) >= least
        ends = [before[-1], shot]
        if alike and all(max(_cosines(ends, b, similarity), default=inf) >= least * _BETWEEN for b in between):
            joined = count
    return joined


def _is_ruined(shot: Shot) -> bool:
    return shot.score.score is not None and shot.score.score < _RUINED


def _cosines(others: Sequence[Shot], shot: Shot, similarity: Similarity | None) -> list[float]:
    """With the last few of the others; those that are unknown are left out."""
    if similarity is None:
        return []
    found = (similarity.between(other.index, shot.index) for other in others[-_LOOK_BACK:])
    return [cosine for cosine in found if cosine is not None]
