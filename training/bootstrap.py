"""Bootstrap replicates of the metrics of a scene, and percentile intervals of means and medians over scenes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from piqa_training.metrics import METRICS, Array, Measured, krcc, untied_pairs

RESAMPLES = 1000  # for the intervals of a training run's results
LEVEL = 0.95
MATRIX_PHOTOS = 1500  # more photos than this are compared pair by pair without a matrix of all pairs
_CHUNK = 2_000_000  # numbers handled at once
Interval = tuple[float, float]


def replicates(label: Array, predicted: Array, measured: Measured, count: int, rng: np.random.Generator) -> Array:
    """Metrics of `count` resamples of a scene's photos, with replacement: (count, len(METRICS)), NaN where undefined.

    The logistic curve is that of the whole scene; it is not fitted anew to each resample.
    """
    drawn = rng.integers(0, len(label), size=(count, len(label)))
    step = max(1, _CHUNK // len(label))
    parts = [_metrics(label, predicted, measured, drawn[i : i + step]) for i in range(0, count, step)]
    return np.concatenate(parts) if parts else np.empty((0, len(METRICS)))


def photo_interval(values: Array) -> Interval | None:
    """The central `LEVEL` of the replicates (count,) of one metric; None where most are undefined."""
    known = values[np.isfinite(values)]
    if len(known) == 0 or len(known) < len(values) / 2:
        return None
    tail = (1 - LEVEL) / 2 * 100
    low, high = np.percentile(known, [tail, 100 - tail])
    return float(low), float(high)


def resampled_scenes(scenes: list[Array], rng: np.random.Generator) -> Array:
    """Replicates (count, scenes, metrics): scenes drawn with replacement, each with a resample of its photos."""
    stacked = np.stack(scenes)  # (scenes, count, metrics)
    number, count, _ = stacked.shape
    if number == 1:  # the mean over one scene is that scene, and so is its interval
        return np.moveaxis(stacked, 0, 1)
    which = rng.integers(0, number, size=(count, number))
    resample = rng.integers(0, count, size=(count, number))
    return np.asarray(stacked[which, resample], dtype=np.float64)


def _metrics(label: Array, predicted: Array, measured: Measured, drawn: NDArray[np.int64]) -> Array:
    y, x = label[drawn], predicted[drawn]  # (count, n)
    found = {name: np.full(len(drawn), np.nan) for name in METRICS}
    tau, found["pair_accuracy"] = _order(label, predicted, drawn)
    if measured.fit is not None:
        found["krcc"] = tau  # of two photos it would be 1 or -1, in scenes that the mean leaves out
        fitted = measured.fit.fitted[drawn]
        found["srcc"] = _correlations(rankdata(y, axis=1), rankdata(x, axis=1))
        found["plcc"], found["plcc_raw"] = _correlations(y, fitted), _correlations(y, x)
        found["rmse"] = np.sqrt(np.square(fitted - y).mean(axis=1))
        found["mae"] = np.abs(fitted - y).mean(axis=1)
    return np.stack([found[name] for name in METRICS], axis=1)


def _correlations(a: Array, b: Array) -> Array:
    """Pearson's, row by row; NaN where a row is constant."""
    a, b = _centered(a), _centered(b)
    norms = np.sqrt(np.square(a).sum(axis=1) * np.square(b).sum(axis=1))
    known = norms > 0
    return np.where(known, (a * b).sum(axis=1) / np.where(known, norms, 1), np.nan)


def _centered(values: Array) -> Array:
    """Rows less their mean, as shares of the largest deviation."""
    centered = values - values.mean(axis=1, keepdims=True)
    largest = np.abs(centered).max(axis=1, keepdims=True)
    size = np.abs(values).max(axis=1, keepdims=True)
    flat = largest <= 1e-13 * size
    return np.where(flat, 0, centered / np.where(flat, 1, largest))


def _order(label: Array, predicted: Array, drawn: NDArray[np.int64]) -> tuple[Array, Array]:
    """KRCC and pair accuracy of each resample (count,)."""
    n = len(label)
    if n > MATRIX_PHOTOS:
        return _order_one_by_one(label[drawn], predicted[drawn])
    times = np.stack([np.bincount(row, minlength=n) for row in drawn]).astype(np.float64)  # how often each was drawn
    signs = [np.sign(values[:, None] - values).astype(np.float64) for values in (label, predicted)]  # (n, n)
    surplus, by_label, by_score = (
        ((times @ pairs) * times).sum(axis=1) for pairs in (signs[0] * signs[1], np.abs(signs[0]), np.abs(signs[1]))
    )
    tau = np.where(by_label * by_score > 0, surplus / np.sqrt(np.maximum(by_label * by_score, 1)), np.nan)
    accuracy = np.where(by_label > 0, (1 + surplus / np.maximum(by_label, 1)) / 2, np.nan)
    return tau, accuracy


def _order_one_by_one(labels: Array, scores: Array) -> tuple[Array, Array]:
    found = [_order_of_one(*row) for row in zip(labels, scores, strict=True)]
    return np.array([tau for tau, _ in found]), np.array([accuracy for _, accuracy in found])


def _order_of_one(label: Array, predicted: Array) -> tuple[float, float]:
    pairs, apart = untied_pairs(label), untied_pairs(predicted)
    if not pairs or not apart:
        return np.nan, 0.5 if pairs else np.nan
    tau = krcc(label, predicted)
    return tau, (1 + tau * (apart / pairs) ** 0.5) / 2
