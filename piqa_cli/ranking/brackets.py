"""Exposure brackets: consecutive photos whose exposures form a ladder of even steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from piqa_cli.ranking.sequence import Shot, pause

PAUSE_S = 3.0  # between two frames; cameras need less, and nobody turns the wheel as fast
SIZES = range(9, 2, -1)  # frames, the longest ladder first
_LEAST_BIAS_STEP, _BIAS_SLACK = 0.3, 0.12  # EV; cameras write 1/3 as .3, .33 or 33/100
_LEAST_SHUTTER_STEP, _SHUTTER_SLACK = 0.6, 0.2  # EV; 1/60 to 1/125 is nominal for one


def find_brackets(shots: Sequence[Shot]) -> list[list[Shot]]:
    """The exposure brackets in a sequence, each whole, in order; no photo is in two of them.

    A bracket is three to nine photos, at most `PAUSE_S` apart, with the exposure compensation of every one different
    and the sorted values evenly spaced: 0, -1, +1. Or, where the compensation stays the same (manual exposure), the
    same ladder in shutter times with aperture and ISO fixed.
    """
    found: list[list[Shot]] = []
    at = 0
    while at < len(shots):
        frames = _differing(shots[at : at + SIZES[0]])
        size = next((size for size in SIZES if size <= frames and _is_bracket(shots[at : at + size])), 0)
        if size:
            found.append(list(shots[at : at + size]))
        at += size or 1
    return found


def _differing(shots: Sequence[Shot]) -> int:
    """How many shots from the first on have an exposure of their own; in most photos the next one has the same."""
    seen: set[tuple[float | None, float | None]] = set()
    for shot in shots:
        exposure = (shot.score.capture.exposure_bias, shot.score.capture.shutter_s)
        if exposure in seen:
            break
        seen.add(exposure)
    return len(seen)


def _is_bracket(shots: Sequence[Shot]) -> bool:
    biases = [shot.score.capture.exposure_bias for shot in shots]
    known = [bias for bias in biases if bias is not None]
    by_bias = len(known) == len(shots) and _is_ladder(known, _LEAST_BIAS_STEP, _BIAS_SLACK)
    return (by_bias or (len(set(biases)) == 1 and _is_shutter_ladder(shots))) and _close(shots)


def _is_shutter_ladder(shots: Sequence[Shot]) -> bool:
    captures = [shot.score.capture for shot in shots]
    if len({(capture.aperture, capture.iso) for capture in captures}) != 1 or captures[0].iso is None:
        return False
    stops = [math.log2(capture.shutter_s) for capture in captures if capture.shutter_s]
    return len(stops) == len(shots) and _is_ladder(stops, _LEAST_SHUTTER_STEP, _SHUTTER_SLACK)


def _is_ladder(values: Sequence[float], least: float, slack: float) -> bool:
    ordered = sorted(values)
    steps = [high - low for low, high in pairwise(ordered)]
    return min(steps) >= least - 1e-6 and max(steps) - min(steps) <= slack


def _close(shots: Sequence[Shot]) -> bool:
    pauses = [pause(first, second) for first, second in pairwise(shots)]
    return all(seconds is None or seconds <= PAUSE_S for seconds in pauses)
