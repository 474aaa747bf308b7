"""The training report: one self-contained HTML page with curves, scatter plots, results by scene, and settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from piqa_cli.errors import OutputError, UsageError
from piqa_cli.records import counted
from piqa_training.bootstrap import RESAMPLES
from piqa_training.evaluation import Evaluation, evaluate
from piqa_training.evaluation_forms import TITLES
from piqa_training.evaluation_table import clips_as_one
from piqa_training.fit.report import METRICS_FILE, PREDICTIONS_FILE, RESULT_FILE
from piqa_training.settings import SETTINGS_FILE

PAGE_FILE = "report.html"
TEMPLATE = "page.html.jinja"
_WORDS = {"train": "Training part", "val": "Validation part", "test": "Test part"}
_SHOWN = ("srcc", "plcc", "krcc", "pair_accuracy", "rmse")
_COUNTS = ("n",)  # numbers of an epoch that are no curves
_ANEW = f"delete {RESULT_FILE} as well: piqa train --resume then writes these files again"

Epoch = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One split's predictions, ready for the template."""

    title: str
    evaluation: Evaluation
    charts: list[tuple[str, str]]  # caption, SVG
    before: dict[str, float | None]  # what the starting model had: mean.srcc, median.srcc, pair_accuracy


def write_page(run: Path, best: int | None = None) -> Path:
    """Write `RUN/report.html` from what a training run left behind, and return its path.

    Reads `metrics.jsonl` (one object an epoch: epoch, train {part: value}, val {metric: value}, lr), and where they
    are there `predictions.parquet` (split, scene, label, predicted, maybe dataset), `result.json` (best_epoch, and
    before: what the starting model made of each split) and `settings.toml`. The epoch that is shown as kept is `best`
    (0: the start), or else `best_epoch`, or else the one with the highest mean SRCC of the validation part. The page
    loads nothing from anywhere. An existing page is replaced once the new one is whole.

    Raises:
        UsageError: no metrics in the folder, or a package of the extra `train` is missing.
        OutputError: the page cannot be written.
    """
    epochs = _epochs(run / METRICS_FILE)
    result = _result(run / RESULT_FILE)
    known = (best, result.get("best_epoch"), _best(epochs))
    best = next((epoch for epoch in known if epoch is not None), None)
    parts = _parts(run / PREDICTIONS_FILE, result.get("before") or {})
    settings = run / SETTINGS_FILE
    html = _render(
        name=run.resolve().name,
        epochs=len(epochs),
        best=best,
        curves=_curves(epochs, best),
        parts=parts,
        shown=_SHOWN,
        titles=TITLES,
        settings=settings.read_text(encoding="utf-8", errors="replace") if settings.is_file() else None,
    )
    return _replace(run / PAGE_FILE, html)


def _epochs(path: Path) -> list[Epoch]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        hint = "give the folder of a training run, as named with --output"
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}", hint=hint) from error
    try:
        epochs = [json.loads(line) for line in lines if line.strip()]
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON lines: {error}", hint=_ANEW) from error
    if not all(isinstance(epoch, dict) and isinstance(epoch.get("epoch"), int) for epoch in epochs):
        raise UsageError(f"{path}: not one epoch on each line", hint=_ANEW)
    return epochs


def _result(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # the page can do without
        return {}
    return result if isinstance(result, dict) else {}


def _best(epochs: Sequence[Epoch]) -> int | None:
    known = [(value, e["epoch"]) for e in epochs if (value := _number(e.get("val", {}), "srcc")) is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def _number(values: dict[str, Any], metric: str) -> float | None:
    """The mean over scenes, whichever way a run spells it."""
    found = (values.get(key) for key in (f"mean.{metric}", f"{metric}_mean", metric))
    return next((float(value) for value in found if value is not None), None)


def _curves(epochs: Sequence[Epoch], best: int | None) -> list[tuple[str, str]]:
    """(caption, SVG) of the loss, the validation metrics and the learning rate."""
    charts = _charts()
    numbers = [int(epoch["epoch"]) for epoch in epochs]
    wanted = {
        "Training loss": ("loss", _columns(epochs, "train"), None),
        "Validation part": ("over scenes", _columns(epochs, "val"), best),
        "Learning rate": ("learning rate", {"learning rate": [epoch.get("lr") for epoch in epochs]}, None),
    }
    return [
        (caption, charts.curves(numbers, lines, label, mark))
        for caption, (label, lines, mark) in wanted.items()
        if any(value is not None for values in lines.values() for value in values)
    ]


def _columns(epochs: Sequence[Epoch], group: str) -> dict[str, list[float | None]]:
    """Name -> its value in every epoch, None where an epoch has none."""
    names = list(dict.fromkeys(name for epoch in epochs for name in epoch.get(group, {}) if name not in _COUNTS))
    return {name: [epoch.get(group, {}).get(name) for epoch in epochs] for name in names}


def _parts(path: Path, before: dict[str, dict[str, float | None]]) -> list[Part]:
    if not path.is_file():
        return []
    try:
        frame = clips_as_one(pl.read_parquet(path, glob=False)).filter(pl.col("predicted").is_finite())
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{path}: not readable as predictions: {reason}", hint=_ANEW) from error
    return [
        Part(words, evaluate(rows, bootstrap=RESAMPLES), _scatters(rows, words), before.get(split) or {})
        for split, words in _WORDS.items()
        if not (rows := frame.filter(pl.col("split") == split)).is_empty()
    ]


def _scatters(rows: pl.DataFrame, words: str) -> list[tuple[str, str]]:
    """One chart for each data set: their labels have scales of their own."""
    by_dataset = rows.partition_by("dataset", maintain_order=True) if "dataset" in rows.columns else [rows]
    return [_scatter(part, words, len(by_dataset) > 1) for part in by_dataset]


def _scatter(rows: pl.DataFrame, words: str, named: bool) -> tuple[str, str]:
    dataset = f", {rows['dataset'][0]}" if named else ""
    numbers = rows["scene"].rank("dense").to_numpy().astype(np.int64)
    caption = f"{words}{dataset}: {counted(rows.height, 'photo')}, one colour a scene"
    return caption, _charts().scatter(rows["label"].to_numpy(), rows["predicted"].to_numpy(), numbers, caption)


def _charts() -> Any:
    try:
        from piqa_training import charts
    except ImportError as error:
        raise _missing(error) from error
    return charts


def _render(**content: object) -> str:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise _missing(error) from error
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(TEMPLATE).render(**content)


def _missing(error: ImportError) -> UsageError:
    return UsageError(f"the training report needs {error.name}", hint="pip install 'piqa-cli[train]' brings it")


def _replace(path: Path, html: str) -> Path:
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(html, encoding="utf-8", errors="backslashreplace")
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}", path=path) from error
    return path
