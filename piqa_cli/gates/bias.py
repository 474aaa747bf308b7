"""Do folders differ in quality? In a data set whose folders are labels, a model can learn the quality instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from piqa_cli.gates.findings import Finding
from piqa_cli.gates.groups import folders_below_root
from piqa_cli.gates.policy import BiasTerms, Severity

RESAMPLES = 2000
LEVEL = 0.95
_SEED = 20240617
_DRAWS = 2_000_000  # indices in memory at a time

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FolderScore:
    """Quality of one sub-folder. Intervals are percentile bootstrap intervals (Efron & Tibshirani 1993, ch. 13)."""

    folder: str  # below the folder that holds all photos; "." for photos in that one
    photos: int  # with a score
    mean: float  # 0-100
    interval: tuple[float, float]  # of the mean, at `LEVEL`
    difference: float | None = None  # to the median of the folders' means; of two folders, to the other's mean
    difference_interval: tuple[float, float] | None = None  # at `LEVEL` for all folders together (Bonferroni)


def folder_scores(frame: pl.DataFrame, terms: BiasTerms) -> list[FolderScore]:
    """Mean score of every sub-folder with at least `terms.min_photos` scored photos, the lowest first.

    Folders are resampled one by one (stratified), so the folders' sizes stay as they are. Seeded: the same table gives
    the same intervals.
    """
    scored = frame.select("path", "score").drop_nulls("score").sort("path")
    names = folders_of(frame)
    table = scored.with_columns(folder=pl.Series([names[path] for path in scored["path"]], dtype=pl.String))
    parts = table.partition_by("folder", maintain_order=True)
    judged = {
        str(part["folder"][0]): part["score"].to_numpy() for part in parts if part.height >= max(terms.min_photos, 1)
    }
    if not judged:
        return []
    return sorted(_compared(judged), key=lambda folder: (folder.mean, folder.folder))


def folders_of(frame: pl.DataFrame) -> dict[str, str]:
    """Path of each scored photo -> its folder, as it is called here."""
    paths = frame.drop_nulls("score")["path"].to_list()
    return dict(zip(paths, folders_below_root(paths), strict=True))


def bias_findings(folders: Sequence[FolderScore], terms: BiasTerms, severity: Severity) -> Iterator[Finding]:
    """Folders whose mean differs from the usual by more than chance and by at least `terms.min_difference`."""
    for folder in folders:
        if folder.difference is None or folder.difference_interval is None:
            continue
        low, high = folder.difference_interval
        if (low > 0 or high < 0) and abs(folder.difference) >= terms.min_difference:
            direction = "above" if folder.difference > 0 else "below"
            message = (
                f"folder {folder.folder}: {folder.photos:,} photos average {folder.mean:.1f}, "
                f"{abs(folder.difference):.1f} {direction} what is usual here (interval {low:+.1f} to {high:+.1f})"
            )
            difference = round(folder.difference, 4)
            limit = terms.min_difference
            yield Finding("folder-bias", severity, message, part=folder.folder, measured=difference, limit=limit)


def _compared(judged: dict[str, Scores]) -> Iterator[FolderScore]:
    """Each folder with its interval, and what lies between it and the usual folder."""
    random = np.random.default_rng(_SEED)
    means = np.array([scores.mean() for scores in judged.values()])  # (K,)
    resampled = np.stack([_resampled_means(scores, random) for scores in judged.values()])  # (K, R)
    usual = np.median(means), np.median(resampled, axis=0)
    for row, (name, scores) in enumerate(judged.items()):
        folder = FolderScore(name, len(scores), float(means[row]), _interval(resampled[row], 1 - LEVEL))
        if len(judged) > 1:
            mean, mean_resampled = (means[1 - row], resampled[1 - row]) if len(judged) == 2 else usual
            interval = _interval(resampled[row] - mean_resampled, (1 - LEVEL) / len(judged))
            folder = replace(folder, difference=float(means[row] - mean), difference_interval=interval)
        yield folder


def _resampled_means(scores: Scores, random: np.random.Generator) -> Scores:
    """Means of `RESAMPLES` samples drawn with replacement, (RESAMPLES,)."""
    rows = max(1, _DRAWS // len(scores))
    parts = [
        scores[random.integers(len(scores), size=(min(rows, RESAMPLES - start), len(scores)))].mean(axis=1)
        for start in range(0, RESAMPLES, rows)
    ]
    return np.concatenate(parts)


def _interval(values: Scores, alpha: float) -> tuple[float, float]:
    low, high = np.quantile(values, [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)
