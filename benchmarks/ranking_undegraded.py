"""How many held-out photos that count as undegraded get a reason all the same, files as they are.

Those with a face once more by how light the middle of the main face is: dark skin is no underexposure, and should cost
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.ranking_ladders import WITHOUT_REASON
from benchmarks.ranking_scoring import first_defect
from benchmarks.ranking_table import mean, middle, number, percent, table
from piqa_cli.model.store import ModelFolder
from piqa_cli.photos.decode import decode
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.options import EngineOptions
from piqa_training.sources import Source

SHADES = {"  a dark one": (0.0, 0.35), "  a medium one": (0.35, 0.6), "  a light one": (0.6, 1.01)}
"""Luma of the middle of the main face, from 0 to 1."""
LONG_SIDE = 1000  # pixels are enough to tell it


def judge_undegraded(
    sources: Sequence[Source], model: ModelFolder, options: EngineOptions | None = None
) -> dict[str, Any]:
    """Share without a reason, and the median score, of photos with and without a face."""
    files = (PhotoFile(source.path) for source in sources)
    scored = [r for batch in score_files(files, model, options) for r in batch if r.score is not None]
    shown = [r for r in scored if r.faces]
    lumas = [face_luma(r) for r in shown]
    shades = {
        name: [r for r, luma in zip(shown, lumas, strict=True) if low <= luma < high]
        for name, (low, high) in SHADES.items()
    }
    groups = {"with a face": shown, **shades, "without": [r for r in scored if not r.faces]}
    return {name: _judge(group) for name, group in groups.items()}


def face_luma(record: PhotoScore) -> float:
    """Mean luma, from 0 to 1, of the middle of the main face: half of its box's width, and of its height."""
    decoded = decode(record.path, max_side=LONG_SIDE)
    x1, y1, x2, y2 = (side * decoded.scale for side in record.faces[0].box)
    left, top, right, bottom = x1 + (x2 - x1) / 4, y1 + (y2 - y1) / 4, x2 - (x2 - x1) / 4, y2 - (y2 - y1) / 4
    middle_part = decoded.image.convert("L").crop((int(left), int(top), int(right) + 1, int(bottom) + 1))
    return float(np.asarray(middle_part).mean()) / 255


def _judge(group: Sequence[PhotoScore]) -> dict[str, Any]:
    return {
        "photos": len(group),
        "without_reason": mean([first_defect(r.reasons) is None for r in group]),
        "median": middle([r.score for r in group if r.score is not None]),
        "face": middle([r.face_score for r in group if r.face_score is not None]),
    }


def show_undegraded(found: dict[str, Any]) -> str:
    rows: list[tuple[str, ...]] = [
        ("undegraded photos", "photos", "without a reason ", "median score ", "of the face ")
    ]
    for name, own in found.items():
        figures = (percent(own["without_reason"], WITHOUT_REASON), number(own["median"], 1), number(own["face"], 1))
        rows.append((name, str(own["photos"]), *figures))
    return table(rows)
