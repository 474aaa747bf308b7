"""An evaluation as JSON, as CSV and as a Markdown table for a paper."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from piqa_cli.records import counted
from piqa_cli.spreadsheets import safe_cell
from piqa_training.bootstrap import Interval
from piqa_training.evaluation import Evaluation, Intervals, SceneResult
from piqa_training.metrics import METRICS

TITLES = {
    "srcc": "SRCC",
    "krcc": "KRCC",
    "plcc": "PLCC",
    "rmse": "RMSE",
    "mae": "MAE",
    "pair_accuracy": "pair accuracy",
    "plcc_raw": "PLCC, no fit",
}
_PAPER = ("srcc", "plcc", "krcc", "rmse", "mae", "pair_accuracy")


@dataclass(frozen=True, slots=True)
class Published:
    """A result to stand beside: the median of SRCC over scenes, from the data set's own page."""

    name: str
    median_srcc: float


PIQ23_OVERALL: dict[str, tuple[Published, ...]] = {
    "device": (
        Published("DBCNN", 0.830),
        Published("MUSIQ", 0.848),
        Published("HyperIQA", 0.818),
        Published("SEM-HyperIQA", 0.845),
    ),
    "scene": (
        Published("DBCNN", 0.59),
        Published("MUSIQ", 0.736),
        Published("HyperIQA", 0.74),
        Published("SEM-HyperIQA", 0.749),
        Published("FULL-HyperIQA", 0.78),
    ),
}
"""PIQ23, attribute Overall, by split (Chahine et al., CVPR 2023, and the data set's page)."""


def to_json(evaluation: Evaluation, **about: object) -> str:
    """One JSON object: `about`, `median`, `mean`, `intervals`, `scenes` (a list), ready to be read by a program."""
    return json.dumps(to_dict(evaluation, **about), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def to_dict(evaluation: Evaluation, **about: object) -> dict[str, Any]:
    """What `to_json` writes."""
    return {
        **about,
        "photos": evaluation.photos,
        "unscored": evaluation.unscored,
        "median": evaluation.median,
        "mean": evaluation.mean,
        "pair_accuracy": evaluation.pair_accuracy,
        "defined_scenes": evaluation.defined,
        "intervals": {
            "method": evaluation.method,
            "median": evaluation.median_intervals,
            "mean": evaluation.mean_intervals,
        },
        "scenes": [_scene(result) for result in evaluation.scenes],
    }


def to_csv(evaluation: Evaluation) -> str:
    """One row for each scene, then the rows `median` and `mean`; an undefined number is an empty cell with a reason."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    bounds = [f"{name}_{end}" for name in METRICS for end in ("low", "high")] if evaluation.bootstrap else []
    writer.writerow(["row", "scene", "n", *METRICS, *bounds, "fit", "reasons"])
    for result in evaluation.scenes:
        measured = result.measured
        reasons = "; ".join(f"{name}: {reason}" for name, reason in measured.reasons.items())
        fit = measured.fit.curve if measured.fit else ""
        values = [measured.values[name] for name in METRICS]
        writer.writerow(
            ["scene", safe_cell(result.scene), measured.n, *values, *_bounds(result.intervals, bounds), fit, reasons]
        )
    for row, values_of, intervals in (
        ("median", evaluation.median, evaluation.median_intervals),
        ("mean", evaluation.mean, evaluation.mean_intervals),
    ):
        values = [values_of[name] for name in METRICS]
        writer.writerow([row, "", evaluation.photos, *values, *_bounds(intervals, bounds), "", ""])
    return text.getvalue()


def to_markdown(evaluation: Evaluation, model: str, published: Sequence[Published] = ()) -> str:
    """A table with median and mean over scenes, intervals, and published results beside it where there are any."""
    heads = [TITLES[name] for name in _PAPER]
    lines = [
        f"| Method | over scenes | {' | '.join(heads)} |",
        f"|---|---|{'---:|' * len(heads)}",
        *(f"| {entry.name} | median | {entry.median_srcc:.3f} |{' |' * (len(heads) - 1)}" for entry in published),
    ]
    for row, values, intervals in (
        ("median", evaluation.median, evaluation.median_intervals),
        ("mean", evaluation.mean, evaluation.mean_intervals),
    ):
        cells = [_cell(values[name], intervals.get(name)) for name in _PAPER]
        lines.append(f"| {_escaped(model)} | {row} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_footnotes(evaluation, published)]) + "\n"


def _scene(result: SceneResult) -> dict[str, Any]:
    measured = result.measured
    return {
        "scene": result.scene,
        "n": measured.n,
        **measured.values,
        "intervals": result.intervals,
        "fit": measured.fit.curve if measured.fit else None,
        "fit_note": measured.fit.note if measured.fit else None,
        "reasons": measured.reasons,
    }


def _bounds(intervals: Intervals, wanted: list[str]) -> list[float | None]:
    if not wanted:
        return []
    return [bound for name in METRICS for bound in (intervals.get(name) or (None, None))]


def _cell(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return "n/a"
    return f"{value:.3f}" if interval is None else f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def _footnotes(evaluation: Evaluation, published: Sequence[Published]) -> list[str]:
    left_out = [result for result in evaluation.scenes if result.measured.values["srcc"] is None]
    notes = [
        f"{counted(len(evaluation.scenes), 'scene')}, {counted(evaluation.photos, 'photo')}. PLCC, RMSE and MAE after a"
        f" 4-parameter logistic fit for each scene. Brackets: {evaluation.method}."
    ]
    if left_out:
        reasons = "; ".join(f"{_escaped(r.scene)} ({r.measured.reasons['srcc']})" for r in left_out)
        notes.append(f"Scenes without a correlation, left out of it: {reasons}.")
    if evaluation.unscored:
        notes.append(f"Left out: {counted(evaluation.unscored, 'photo')} without a score.")
    if published:
        notes.append("Published results: PIQ23, attribute Overall, median over scenes, from the data set's own page.")
    return [line for note in notes for line in (note, "")][:-1]


def _escaped(text: str) -> str:
    """Harmless within a Markdown table."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return plain.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
