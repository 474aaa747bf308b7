"""How well scores agree with labels: scene by scene, then mean and median over the scenes, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from piqa_cli.errors import UsageError
from piqa_cli.records import counted
from piqa_training.bootstrap import LEVEL, Interval, photo_interval, replicates, resampled_scenes
from piqa_training.metrics import METRICS, Array, Measured, count_pairs, measure

COLUMNS = ("scene", "label", "predicted")
Values = dict[str, float | None]  # metric -> number, None where it is undefined
Intervals = dict[str, Interval | None]


@dataclass(frozen=True, slots=True)
class SceneResult:
    """One scene."""

    scene: str
    measured: Measured
    intervals: Intervals = field(default_factory=dict)  # over the scene's photos


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that `evaluate` found out."""

    scenes: tuple[SceneResult, ...]  # sorted by name
    mean: Values  # over the scenes where the metric is defined
    median: Values
    mean_intervals: Intervals
    median_intervals: Intervals
    defined: dict[str, int]  # metric -> scenes that have it
    pair_accuracy: float | None  # over all pairs within a scene, large scenes counting more
    photos: int
    unscored: int  # photos with a label but no score, left out
    bootstrap: int  # resamples; 0: no intervals
    seed: int

    @property
    def method(self) -> str:
        """What the intervals are, in words."""
        if not self.bootstrap:
            return "no intervals"
        over = "photos within each scene" if len(self.scenes) < 2 else "scenes and of the photos within them"
        return (
            f"{LEVEL:.0%} percentile bootstrap, {self.bootstrap} resamples of {over}, seed {self.seed};"
            " per scene over its photos; logistic fits are not repeated"
        )


def evaluate(table: pl.DataFrame, *, bootstrap: int = 0, seed: int = 0) -> Evaluation:
    """Compare scores with labels within scenes.

    Args:
        table: columns scene (String), label (number) and predicted (number, null or NaN where there is no score); and
            optionally dataset, which keeps scenes of one name apart.
        bootstrap: resamples for the intervals; 0 for none.
        seed: of the resamples.

    Raises:
        UsageError: a column is missing or no number, a label is missing or not finite, or nothing has a score.
    """
    rows = _checked(table)
    scored = rows.filter(pl.col("predicted").is_not_null())
    if scored.is_empty():
        raise UsageError("nothing to evaluate: no photo has both a label and a score")
    groups = [
        (str(key[0]), _arrays(frame)) for key, frame in scored.sort("scene").group_by("scene", maintain_order=True)
    ]
    measured = [measure(*arrays) for _, arrays in groups]
    resamples = _resample(groups, measured, bootstrap, seed)
    intervals = [_scene_intervals(*both) for both in zip(measured, resamples, strict=False)] or [{} for _ in groups]
    scenes = [
        SceneResult(name, found, within) for (name, _), found, within in zip(groups, measured, intervals, strict=True)
    ]
    drawn = resampled_scenes(resamples, np.random.default_rng([seed, len(groups)])) if resamples else None
    counts = [count_pairs(*arrays) for _, arrays in groups]
    pairs = sum(total for _, total in counts)
    return Evaluation(
        scenes=tuple(scenes),
        mean=_over_scenes(measured, np.mean),
        median=_over_scenes(measured, np.median),
        mean_intervals=_intervals_over_scenes(drawn, np.nanmean),
        median_intervals=_intervals_over_scenes(drawn, np.nanmedian),
        defined={name: sum(found.values[name] is not None for found in measured) for name in METRICS},
        pair_accuracy=sum(correct for correct, _ in counts) / pairs if pairs else None,
        photos=scored.height,
        unscored=rows.height - scored.height,
        bootstrap=bootstrap,
        seed=seed,
    )


def _checked(table: pl.DataFrame) -> pl.DataFrame:
    """Columns scene, label and predicted; scenes of several data sets get the data set's name in front."""
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise UsageError(f"no column {', '.join(missing)} to evaluate; there are {', '.join(table.columns)}")
    for name in COLUMNS[1:]:
        if not (table[name].dtype.is_numeric() or table[name].dtype == pl.Null):
            raise UsageError(f"column {name} holds {table[name].dtype}, wanted numbers")
    scene = pl.col("scene").cast(pl.String).fill_null("")
    if "dataset" in table.columns and table["dataset"].n_unique() > 1:
        scene = pl.format("{}/{}", pl.col("dataset").cast(pl.String).fill_null(""), scene)
    finite = pl.col("predicted").cast(pl.Float64)
    rows = table.select(
        scene.alias("scene"),
        pl.col("label").cast(pl.Float64),
        pl.when(finite.is_finite()).then(finite).alias("predicted"),
    )
    wrong = rows.with_row_index().filter(~pl.col("label").is_finite().fill_null(False))
    if wrong.height:
        count = counted(wrong.height, "label")
        raise UsageError(f"{count} missing or not finite, the first in row {wrong['index'][0] + 1}")
    return rows


def _arrays(frame: pl.DataFrame) -> tuple[Array, Array]:
    return frame["label"].to_numpy(), frame["predicted"].to_numpy()


def _resample(
    groups: list[tuple[str, tuple[Array, Array]]], measured: list[Measured], bootstrap: int, seed: int
) -> list[Array]:
    """Replicates of each scene, with a generator of its own so that a further scene changes no other's interval."""
    if not bootstrap:
        return []
    return [
        replicates(*arrays, found, bootstrap, np.random.default_rng([seed, *name.encode()]))
        for (name, arrays), found in zip(groups, measured, strict=True)
    ]


def _scene_intervals(found: Measured, draws: Array) -> Intervals:
    return {
        name: None if found.values[name] is None else photo_interval(draws[:, column])
        for column, name in enumerate(METRICS)
    }


def _over_scenes(measured: list[Measured], middle: Callable[[Array], np.floating]) -> Values:
    known = {name: [v for found in measured if (v := found.values[name]) is not None] for name in METRICS}
    return {name: float(middle(np.array(values))) if values else None for name, values in known.items()}


def _intervals_over_scenes(drawn: Array | None, middle: Callable[..., Array]) -> Intervals:
    """Of the mean or the median over scenes; a resample's undefined scenes are left out of it."""
    if drawn is None:
        return {}
    found: Intervals = {}
    for column, name in enumerate(METRICS):
        values = drawn[:, :, column]
        known = values[np.isfinite(values).any(axis=1)]
        enough = len(known) >= len(values) / 2
        found[name] = photo_interval(middle(known, axis=1)) if enough else None
    return found
