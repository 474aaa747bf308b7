"""From a prepared batch to finished records: the network runs, and what it says becomes scores and words."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from piqa_cli.model.config import ScoreMapConfig
from piqa_cli.model.network import DualBranchNet, FaceOutput, NetworkOutput
from piqa_cli.records import PhotoScore, Severities
from piqa_cli.scoring.embedding import to_bytes
from piqa_cli.scoring.prepare import Batch
from piqa_cli.scoring.reasons import reasons
from piqa_cli.scoring.scorer import Scorer


def score_batch(scorer: Scorer, batch: Batch) -> list[PhotoScore]:
    """Run the network on a prepared batch and complete its records."""
    records = [replace(record, model=scorer.model_id) for record in batch.records]
    if not batch.scored:
        return records
    output, main = scorer.photos(batch.inputs)
    own_faces = _faces_by_record(batch, main, scorer.faces(batch.faces))
    for row, index in enumerate(batch.scored):
        records[index] = complete(records[index], scorer.network, output, row, own_faces.get(index, []))
    return records


def to_score(raw: float, score_map: ScoreMapConfig) -> float:
    """The 0-100 score of a raw output."""
    return 100 / (1 + math.exp(-max(min((raw - score_map.center) / score_map.scale, 700.0), -700.0)))


def complete(
    record: PhotoScore,
    network: DualBranchNet,
    output: NetworkOutput,
    row: int,
    faces: list[tuple[float, Severities | None]],
) -> PhotoScore:
    """The record of one photo with everything that the network said.

    Args:
        record: what was known before.
        network: for its configuration.
        output: of a batch.
        row: the photo's place in the batch.
        faces: raw score and severities of each scored face, the main face first.
    """
    raw, score_map = float(output.raw[row]), network.config.score_map
    if not math.isfinite(raw):
        return replace(record, status="error", reason="the network gave no finite score")
    photo = severities(output.photo_defects, row)
    face = faces[0][1] if faces else None
    scores = [to_score(face_raw, score_map) for face_raw, _ in faces]
    return replace(
        record,
        raw_score=raw,
        score=to_score(raw, score_map),
        face_score=scores[0] if scores else None,
        worst_face_score=min(scores) if scores else None,
        photo_defects=photo,
        face_defects=face,
        reasons=reasons(photo, face, network.config.reason_threshold),
        embedding=to_bytes(output.embedding[row].tolist()),
    )


def severities(values: torch.Tensor | None, row: int) -> Severities | None:
    """One row of (B, 9) as a record."""
    return None if values is None else Severities(tuple(values[row].tolist()))


def _faces_by_record(
    batch: Batch, main: FaceOutput | None, others: FaceOutput | None
) -> dict[int, list[tuple[float, Severities | None]]]:
    """Record index -> (raw score, severities) of each scored face, the main face first."""
    found: dict[int, list[tuple[float, Severities | None]]] = {}
    for output, owners in ((main, batch.scored), (others, batch.face_owners)):
        if output is None:
            continue
        for row, index in enumerate(owners):
            if batch.records[index].faces:
                found.setdefault(index, []).append((float(output.raw[row]), severities(output.defects, row)))
    return found
