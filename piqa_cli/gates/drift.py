"""Has the distribution of the scores changed? The two-sample Kolmogorov-Smirnov test."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

_TERMS = 100
_SMALL = 0.2  # below it the series converges badly, and the probability is 1 to 12 digits


def ks_test(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Kolmogorov-Smirnov distance in [0, 1] of two samples, and the probability of such a distance by chance.

    The distance is the largest difference of the two empirical distribution functions. The probability is Kolmogorov's
    limiting distribution with Stephens' correction for small samples (Stephens 1970, J. R. Stat. Soc. B 32, 115-122),
    good from about 4 effective observations (n m / (n + m)) on, and too high rather than too low with ties.

    Args:
        first, second: one value for each photo, (n,) and (m,), both not empty.
    """
    both = np.concatenate([first, second])
    distance = float(np.max(np.abs(_share_up_to(first, both) - _share_up_to(second, both))))
    effective = math.sqrt(len(first) * len(second) / (len(first) + len(second)))
    return distance, _survival((effective + 0.12 + 0.11 / effective) * distance)


def _share_up_to(sample: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.searchsorted(np.sort(sample), values, side="right") / len(sample)


def _survival(x: float) -> float:
    """1 - K(x) of Kolmogorov's distribution: 2 sum (-1)^(k-1) exp(-2 k^2 x^2)."""
    if x < _SMALL:
        return 1.0
    k = np.arange(1, _TERMS + 1)
    return float(np.clip(2 * np.sum((-1.0) ** (k - 1) * np.exp(-2 * (k * x) ** 2)), 0.0, 1.0))
