"""How many held-out photos that count as undegraded get a reason all the same, files as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.ranking_ladders import WITHOUT_REASON
from benchmarks.ranking_scoring import first_defect
from benchmarks.ranking_table import mean, middle, number, percent, table
from piqa_cli.model.store import ModelFolder
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.options import EngineOptions
from piqa_training.sources import Source


def judge_undegraded(
    sources: Sequence[Source], model: ModelFolder, options: EngineOptions | None = None
) -> dict[str, Any]:
    """Share without a reason, and the median score, of photos with and without a face."""
    files = (PhotoFile(source.path) for source in sources)
    scored = [r for batch in score_files(files, model, options) for r in batch if r.score is not None]
    groups = {"with a face": [r for r in scored if r.faces], "without": [r for r in scored if not r.faces]}
    return {name: _judge(group) for name, group in groups.items()}


def _judge(group: Sequence[PhotoScore]) -> dict[str, Any]:
    return {
        "photos": len(group),
        "without_reason": mean([first_defect(r.reasons) is None for r in group]),
        "median": middle([r.score for r in group if r.score is not None]),
    }


def show_undegraded(found: dict[str, Any]) -> str:
    rows: list[tuple[str, ...]] = [("undegraded photos", "photos", "without a reason ", "median score ")]
    for name, own in found.items():
        figures = (percent(own["without_reason"], WITHOUT_REASON), number(own["median"], 1))
        rows.append((name, str(own["photos"]), *figures))
    return table(rows)
