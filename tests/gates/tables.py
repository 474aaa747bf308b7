"""Score tables made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from piqa_cli.gates.check import Material, Verdict, check
from piqa_cli.gates.policy import CHECKS, Limits, Policy
from piqa_cli.scoring.table import SCHEMA

NOW = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
OFF = dict.fromkeys(CHECKS)


def row(path: str, score: float | None = 50.0, **changes: Any) -> dict[str, Any]:
    """A photo with one face of 100 x 120 px; a score of None: it could not be read."""
    face = {"face_x1": 10.0, "face_y1": 10.0, "face_x2": 110.0, "face_y2": 130.0}
    read = {"status": "ok", "n_faces": 1, "width": 4000, "height": 3000, **face}
    failed = {"status": "error", "reason": "truncated"}
    common = {"path": path, "score": score, "file_size": 1000, "model": "test@0123"}
    exif = {"camera": "Canon", "captured_at": "2024-05-06T07:08:09"} if score is not None else {}
    return {**common, **(failed if score is None else read), **exif, **changes}


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    columns = {name: [item.get(name) for item in rows] for name in SCHEMA}
    return pl.DataFrame(columns, schema=SCHEMA)


def no_face(path: str, score: float = 50.0, **changes: Any) -> dict[str, Any]:
    gone = dict.fromkeys(("face_x1", "face_y1", "face_x2", "face_y2"))
    return row(path, score, status="no_face", n_faces=0, **gone, **changes)


def judged(frame: pl.DataFrame, policy: Policy | None = None, *, dataset: bool = True, **material: Any) -> Verdict:
    return check(frame, policy or Policy(), Material(NOW, **{"embeddings": {}, **material}), dataset=dataset)


def gates(**limits: Any) -> Policy:
    """A policy of these limits and without any check."""
    return Policy(limits=Limits(**limits), checks=OFF)


def told(verdict: Verdict) -> list[tuple[str, str | None, str]]:
    return [(finding.rule, finding.path, finding.message) for finding in verdict.findings]
