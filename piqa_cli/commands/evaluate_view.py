"""An evaluation as the lines of a table."""

from __future__ import annotations

from collections.abc import Sequence

from piqa_cli.commands.console import Line, safe_text, width_of
from piqa_cli.commands.score_view import padded
from piqa_cli.records import counted
from piqa_training.bootstrap import Interval
from piqa_training.evaluation import Evaluation, SceneResult
from piqa_training.evaluation_forms import Published

_COLUMNS = {"plcc": "PLCC", "krcc": "KRCC", "rmse": "RMSE", "mae": "MAE", "pair_accuracy": "pairs"}
_NAME_MOST = 40  # columns of the terminal
_INTERVAL = 18


def lines(evaluation: Evaluation, heading: str, published: Sequence[Published] = ()) -> list[Line]:
    """One line a scene, then median and mean over them, published results, and what the numbers are."""
    names = [_short(result.scene) for result in evaluation.scenes]
    width = max(width_of(name) for name in [*names, "median", *(entry.name for entry in published)])
    wide = bool(evaluation.bootstrap)
    found: list[Line] = [((f" {safe_text(heading)}", "bold"),), (), _head(width, wide)]
    found += [_scene(result, name, width, wide) for result, name in zip(evaluation.scenes, names, strict=True)]
    found.append(())
    for name, values, intervals in (
        ("median", evaluation.median, evaluation.median_intervals),
        ("mean", evaluation.mean, evaluation.mean_intervals),
    ):
        row = _numbers(values, intervals.get("srcc"), wide)
        found.append(((_padded(name, width), "bold"), (f"{evaluation.photos:7,}", "dim"), (row, "bold")))
    found += [
        (
            (_padded(entry.name, width), "cyan"),
            (f"{'':7}{entry.median_srcc:8.3f}", "cyan"),
            ("  published median", "dim"),
        )
        for entry in published
    ]
    return [*found, (), *_notes(evaluation)]


def _head(width: int, wide: bool) -> Line:
    titles = "".join(f"{title:>8}" for title in _COLUMNS.values())
    interval = " " * _INTERVAL if wide else ""
    return ((f"{_padded('scene', width)}{'photos':>7}{'SRCC':>8}{interval}{titles}", "dim"),)


def _scene(result: SceneResult, name: str, width: int, wide: bool) -> Line:
    measured = result.measured
    start = ((_padded(name, width), ""), (f"{measured.n:7,}", "dim"))
    numbers = _numbers(measured.values, result.intervals.get("srcc"), wide)
    if measured.values["srcc"] is None:
        return (*start, (f"{numbers}  {measured.reasons['srcc']}", "yellow"))
    return (*start, (numbers, ""))


def _numbers(values: dict[str, float | None], interval: Interval | None, wide: bool) -> str:
    between = f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
    return (
        _number(values["srcc"])
        + (f"{between:<{_INTERVAL}}" if wide else "")
        + "".join(_number(values[name]) for name in _COLUMNS)
    )


def _number(value: float | None) -> str:
    if value is None:
        return f"{'-':>8}"
    return f"{value:8.3f}" if abs(value) < 1000 else f"{value:8.3g}"


def _notes(evaluation: Evaluation) -> list[Line]:
    notes = [
        "PLCC, RMSE and MAE after a logistic fit for each scene; pairs: share of a scene's pairs in the right order"
    ]
    notes += [f"intervals: {evaluation.method}"] if evaluation.bootstrap else []
    counts, scenes = evaluation.defined, len(evaluation.scenes)
    if counts["srcc"] < scenes:
        paired = "" if counts["pair_accuracy"] == counts["srcc"] else f"; of pairs over {counts['pair_accuracy']}"
        of = f"{counts['srcc']} of {counted(scenes, 'scene')}"
        notes.append(f"median and mean are over the {of} that have the number{paired}")
    if evaluation.unscored:
        notes.append(f"left out: {counted(evaluation.unscored, 'photo')} with a label but without a score")
    return [((f" {note}", "dim"),) for note in notes]


def _short(scene: str) -> str:
    name = safe_text(scene) or "(no name)"
    if width_of(name) <= _NAME_MOST:
        return name
    while width_of(name) >= _NAME_MOST:
        name = name[:-1]
    return name + "…"


def _padded(text: str, width: int) -> str:
    return " " + padded(text, width)
