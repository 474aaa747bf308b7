"""From a prepared batch to finished records: the network runs, and what it says becomes scores and words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch

from piqa_cli.faces.eyes import eyes_word
from piqa_cli.model.config import VISIBLE, ModelConfig, ScoreMapConfig
from piqa_cli.model.network import DualBranchNet, FaceOutput, NetworkOutput
from piqa_cli.records import Face, PhotoScore, Severities
from piqa_cli.scoring.embedding import to_bytes
from piqa_cli.scoring.eyes import lowest_openness, with_eyes
from piqa_cli.scoring.losses import NOT_FINITE
from piqa_cli.scoring.prepare import Batch
from piqa_cli.scoring.reasons import WANTS_A_REASON, reasons
from piqa_cli.scoring.scorer import Scorer

WORST_FACE = 0.3


def score_batch(scorer: Scorer, batch: Batch) -> list[PhotoScore]:
    """Run the network on a prepared batch and complete its records."""
    records = [replace(record, model=scorer.model_id) for record in batch.records]
    records = with_eyes(records, batch.eyes, scorer.device)
    if not batch.scored:
        return records
    output, main = scorer.photos(batch.inputs)
    own_faces = _faces_by_record(batch, main, scorer.faces(batch.faces), scorer.config)
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
        record: what was known before, the eyes of its faces included.
        network: for its configuration.
        output: of a batch.
        row: the photo's place in the batch.
        faces: raw score and severities of each scored face, the main face first.
    """
    raw, score_map = float(output.raw[row]), network.config.score_map
    if network.face_head is not None:
        raw -= behind([face_raw for face_raw, _ in faces])
    if not math.isfinite(raw):
        return replace(record, status="error", reason=NOT_FINITE)
    photo = severities(output.photo_defects, row, network.config)
    face = faces[0][1] if faces else None
    score, scores = to_score(raw, score_map), [to_score(face_raw, score_map) for face_raw, _ in faces]
    worst_score = min(scores, default=None)
    pulls = network.face_head is not None and worst_score is not None and worst_score < WANTS_A_REASON
    worst = min(faces, key=lambda judged: judged[0])[1] if pulls else None
    openness = lowest_openness(record.faces)
    eyes = eyes_word(openness) if record.faces else None
    return replace(
        record,
        raw_score=raw,
        score=score,
        faces=_judged(record.faces, scores, [defects for _, defects in faces]),
        face_score=scores[0] if scores else None,
        worst_face_score=worst_score,
        photo_defects=photo,
        face_defects=face,
        eyes_open=openness,
        eyes=eyes,
        reasons=reasons(photo, face, network.config.reason_threshold, eyes, score=score, worst=worst),
        embedding=to_bytes(output.embedding[row].tolist()),
    )


def behind(faces: Sequence[float]) -> float:
    """What a group loses for its worst main face: `WORST_FACE` of how far that one is behind the main face.

    The network reads the main face alone, and a group photo is no better than the one whom it shows badly.

    Args:
        faces: raw score of each main face, the main one first.
    """
    return WORST_FACE * (faces[0] - min(faces)) if faces else 0.0


def _judged(faces: tuple[Face, ...], scores: list[float], defects: list[Severities | None]) -> tuple[Face, ...]:
    """The faces, the first of them with scores and defects of their own."""
    judged = [
        replace(face, score=score, defects=found)
        for face, score, found in zip(faces, scores, defects, strict=False)  # only the main ones are judged
    ]
    return (*judged, *faces[len(judged) :])


def severities(values: torch.Tensor | None, row: int, config: ModelConfig) -> Severities | None:
    """One row of (B, 9) as a record, calibrated.

    The network is surer of some defects than of others. A straight line in two pieces takes each estimate to the common
    scale: 0 to 0, the configured `visible_at` to `VISIBLE`, 1 to 1.
    """
    if values is None:
        return None
    pairs = zip(values[row].tolist(), config.visible_at, strict=True)
    return Severities(tuple(_calibrated(value, visible) for value, visible in pairs))


def _calibrated(value: float, visible: float) -> float:
    if value < visible:
        return value / visible * VISIBLE
    return VISIBLE + (value - visible) / (1 - visible) * (1 - VISIBLE)


def _faces_by_record(
    batch: Batch, main: FaceOutput | None, others: FaceOutput | None, config: ModelConfig
) -> dict[int, list[tuple[float, Severities | None]]]:
    """Record index -> (raw score, severities) of each scored face, the main face first."""
    found: dict[int, list[tuple[float, Severities | None]]] = {}
    for output, owners in ((main, batch.scored), (others, batch.face_owners)):
        if output is None:
            continue
        for row, index in enumerate(owners):
            if batch.records[index].faces:
                found.setdefault(index, []).append((float(output.raw[row]), severities(output.defects, row, config)))
    return found
