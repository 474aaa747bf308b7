"""Agreement of scores with labels in one scene: SRCC, KRCC, PLCC, RMSE, MAE and pair accuracy. Never a NaN."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, pearsonr, rankdata

from piqa_training.logistic import Fit, fit_to_labels

Array = NDArray[np.float64]

METRICS = ("srcc", "krcc", "plcc", "rmse", "mae", "pair_accuracy", "plcc_raw")
"""`plcc`, `rmse` and `mae` after the 4-parameter logistic fit, `plcc_raw` without one. RMSE and MAE in label units."""
FLAT = 1e-12  # a fit with less of the labels' range is a constant with rounding errors
LEAST_PHOTOS = 3  # two photos always correlate perfectly


@dataclass(frozen=True, slots=True)
class Measured:
    """The metrics of one scene: a number or, where it has none, the reason."""

    n: int
    values: dict[str, float | None]  # one for each of METRICS
    reasons: dict[str, str] = field(default_factory=dict)  # metric without a value -> why
    fit: Fit | None = None  # scores on the scale of the labels


def measure(label: Array, predicted: Array) -> Measured:
    """All metrics of one scene.

    Args:
        label: float64 (n,), finite, higher is better.
        predicted: float64 (n,), finite, higher is better.

    Raises:
        ValueError: lengths differ, or a value is not finite.
    """
    label, predicted = np.asarray(label, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if label.shape != predicted.shape or label.ndim != 1:
        raise ValueError(f"labels {label.shape} and scores {predicted.shape} are not two lists of one length")
    if not (np.isfinite(label).all() and np.isfinite(predicted).all()):
        raise ValueError("labels and scores must be finite")
    values: dict[str, float | None] = dict.fromkeys(METRICS)
    values["pair_accuracy"] = pair_accuracy(label, predicted)
    why = undefined(label, predicted)
    fit = None
    if why is None:
        fit = fit_to_labels(label, predicted)
        error = fit.fitted - label
        values |= {
            "srcc": srcc(label, predicted),
            "krcc": krcc(label, predicted),
            "plcc": _plcc_after_fit(label, fit.fitted),
            "rmse": float(np.sqrt(np.square(error).mean())),
            "mae": float(np.abs(error).mean()),
            "plcc_raw": plcc(label, predicted),
        }
    reasons = {name: why or "no two labels differ" for name, value in values.items() if value is None}
    return Measured(len(label), values, reasons, fit)


def undefined(label: Array, predicted: Array) -> str | None:
    """Why a correlation of the two has no value; None where it has one."""
    if len(label) < LEAST_PHOTOS:
        return f"fewer than {LEAST_PHOTOS} photos"
    if _constant(label):
        return "all labels are equal"
    if _constant(predicted):
        return "all scores are equal"
    return None


def srcc(label: Array, predicted: Array) -> float:
    """Spearman's rank correlation in [-1, 1]: Pearson's of the ranks, ties get their mean rank."""
    return plcc(rankdata(label), rankdata(predicted))


def krcc(label: Array, predicted: Array) -> float:
    """Kendall's rank correlation in [-1, 1], tau-b, which allows for ties."""
    return float(kendalltau(label, predicted, variant="b").statistic)


def plcc(label: Array, predicted: Array) -> float:
    """Pearson's linear correlation in [-1, 1]."""
    scaled = [(values - values.mean()) / np.abs(values - values.mean()).max() for values in (label, predicted)]
    return float(pearsonr(*scaled).statistic)


def pair_accuracy(label: Array, predicted: Array) -> float | None:
    """Share in [0, 1] of the pairs with different labels whose scores have the same order; equal scores count half.

    None where no two labels differ.
    """
    correct, pairs = count_pairs(label, predicted)
    return correct / pairs if pairs else None


def count_pairs(label: Array, predicted: Array) -> tuple[float, int]:
    """Pairs in the right order (those with equal scores by half), and all pairs with different labels."""
    pairs, apart = untied_pairs(label), untied_pairs(predicted)
    if not pairs or not apart:
        return pairs / 2, pairs
    surplus = krcc(label, predicted) * np.sqrt(float(pairs) * apart)  # concordant less discordant pairs
    return (pairs + round(float(surplus))) / 2, pairs


def _plcc_after_fit(label: Array, fitted: Array) -> float:
    """0 for a flat fit, which is the root of the explained variance: the scores tell nothing."""
    return plcc(label, fitted) if np.ptp(fitted) > FLAT * np.ptp(label) else 0.0


def untied_pairs(values: Array) -> int:
    """Pairs whose values differ."""
    counts = np.unique(values, return_counts=True)[1].astype(int)
    n = len(values)
    return int(n * (n - 1) // 2 - (counts * (counts - 1) // 2).sum())


def _constant(values: Array) -> bool:
    """Equal as far as a sum of squares can tell."""
    centered = np.abs(values - values.mean())
    return bool(centered.max() <= 1e-13 * max(np.abs(values).max(), np.finfo(np.float64).tiny))
