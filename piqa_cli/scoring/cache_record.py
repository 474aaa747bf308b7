"""One `PhotoScore` as JSON text and back, exactly. Paths and the model's name are not kept: the run knows them.

The embedding, being bytes, is kept beside the text.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from piqa_cli.records import Capture, Face, PhotoFile, PhotoScore, Severities

_NOT_KEPT = ("path", "raw_mate", "model", "embedding")


def to_json(score: PhotoScore) -> str:
    """The record as compact JSON."""
    fields = asdict(score)
    for name in _NOT_KEPT:
        del fields[name]
    return json.dumps(fields, default=_plain, separators=(",", ":"))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value.item()  # a numpy scalar


def resized(text: str, file_size: int) -> str:
    """The record's text for a file that has other bytes now, and the same pixels. Raises ValueError: no record."""
    return json.dumps({**json.loads(text), "file_size": file_size}, separators=(",", ":"))


def from_json(text: str, embedding: bytes | None, file: PhotoFile, model_id: str) -> PhotoScore | None:
    """The record of `file`, or None where the text is no such record."""
    try:
        return _record(json.loads(text, parse_int=_whole), embedding, file, model_id)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _whole(digits: str) -> int:
    """A number that the table can hold; a build without a limit for EXIF's ISO speed has kept others."""
    number = int(digits)
    if abs(number) >= 2**63:
        raise ValueError(f"{digits} has more than 64 bits")
    return number


def _record(fields: dict[str, Any], embedding: bytes | None, file: PhotoFile, model_id: str) -> PhotoScore:
    capture = fields.pop("capture")
    taken = capture.pop("captured_at")
    return PhotoScore(
        path=file.path,
        raw_mate=file.raw_mate,
        model=model_id,
        embedding=embedding,
        faces=tuple(_face(face) for face in fields.pop("faces")),
        photo_defects=_severities(fields.pop("photo_defects")),
        face_defects=_severities(fields.pop("face_defects")),
        reasons=tuple(fields.pop("reasons")),
        capture=Capture(captured_at=datetime.fromisoformat(taken) if taken else None, **capture),
        **fields,
    )


def _face(fields: dict[str, Any]) -> Face:
    x1, y1, x2, y2 = fields.pop("box")
    landmarks = tuple((x, y) for x, y in fields.pop("landmarks"))
    return Face(box=(x1, y1, x2, y2), landmarks=landmarks, defects=_severities(fields.pop("defects")), **fields)


def _severities(fields: dict[str, Any] | None) -> Severities | None:
    return Severities(tuple(fields["values"])) if fields else None
