"""An explanation as plain values, unrounded."""

from __future__ import annotations

from piqa_cli.faces.choose import area
from piqa_cli.faces.geometry import eye_line
from piqa_cli.records import Severities
from piqa_cli.scoring.explanation import Branches, ExplainedFace, Explanation, Mark
from piqa_cli.scoring.heatmap import LocalMap
from piqa_cli.scoring.liqe_words import Likely, LiqeVerdict
from piqa_cli.scoring.table import path_text


def as_json(explanation: Explanation) -> dict[str, object]:
    """Everything that the text says and more; `map` is null unless a heat map was asked for."""
    photo = explanation.photo
    return {
        "path": path_text(photo.path),
        "model": photo.model,
        "status": photo.status,
        "reason": photo.reason,
        "score": photo.score,
        "raw_score": photo.raw_score,
        "width": photo.width,
        "height": photo.height,
        "reasons": list(photo.reasons),
        "crops": [{"place": place, **_mark(mark)} for place, mark in explanation.crops.items()],
        "n_faces": len(photo.faces),
        "face_given": explanation.face_given,
        "eyes": photo.eyes,
        "eyes_open": photo.eyes_open,
        "faces": [_face(face, explanation) for face in explanation.faces],
        "photo_defects": _named(photo.photo_defects),
        "branches": explanation.branches and _branches(explanation.branches),
        "liqe": explanation.liqe and _verdict(explanation.liqe),
        "map": explanation.local and _map(explanation.local),
    }


def _face(face: ExplainedFace, explanation: Explanation) -> dict[str, object]:
    pixels = (explanation.photo.width or 0) * (explanation.photo.height or 0)
    eyes = eye_line(face.face.landmarks)
    return {
        "box": list(face.box),
        "confidence": None if explanation.face_given else face.confidence,
        **_mark(face.mark),
        "share": area(face.box) / pixels if pixels else None,
        "roll": face.face.roll,
        "pose": face.face.pose,
        "cut": face.face.cut,
        "eyes_open": face.face.eyes_open,
        "eye_line": eyes and [value for point in eyes for value in point],
        "defects": _named(face.defects),
    }


def _branches(branches: Branches) -> dict[str, object]:
    return {
        "together": _mark(branches.together),
        "face_branch_reads_whole_photo": _mark(branches.without_face),
        "full_branch_reads_face": _mark(branches.without_photo),
    }


def _verdict(liqe: LiqeVerdict) -> dict[str, object]:
    return {
        "quality": _word(liqe.quality),
        "scene": _word(liqe.scene),
        "distortion": _word(liqe.distortion),
        "mean_quality": liqe.mean_quality,
    }


def _map(found: LocalMap) -> dict[str, object]:
    """Patches row by row from the upper left corner; boxes in pixels of the upright photo."""
    return {
        "columns": found.columns,
        "rows": found.rows,
        "patches": [
            {
                "box": list(patch.box),
                "score": patch.score,
                "structure": patch.structure,
                "defects": _named(patch.defects),
            }
            for patch in found.patches
        ],
    }


def _mark(mark: Mark) -> dict[str, object]:
    return {"raw_score": mark.raw_score, "score": mark.score}


def _named(values: Severities | None) -> dict[str, float] | None:
    return values.as_dict() if values else None


def _word(likely: Likely) -> dict[str, object]:
    return {"word": likely.word, "probability": likely.probability}
