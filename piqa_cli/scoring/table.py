"""THE score table: its columns, in order, with their types and meaning. Every writer and reader goes by this."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from piqa_cli.faces.choose import area, main_faces
from piqa_cli.faces.geometry import eye_line
from piqa_cli.records import DEFECTS, Face, PhotoScore, Severities
from piqa_cli.spreadsheets import safe_cell

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the score table."""

    name: str
    dtype: type[pl.DataType]
    description: str
    decimals: int | None = None  # floats are rounded to this, the same in every format


def _number(name: str, decimals: int, description: str) -> Column:
    return Column(name, pl.Float64, description, decimals)


def _whole(name: str, description: str) -> Column:
    return Column(name, pl.Int64, description)


def _flag(name: str, description: str) -> Column:
    return Column(name, pl.Boolean, description)


def _text(name: str, description: str) -> Column:
    return Column(name, pl.String, description)


def _severities(part: str, where: str) -> tuple[Column, ...]:
    return tuple(
        _number(f"{part}_{d}", 3, f"severity of {d.replace('_', ' ')} {where}, 0 (none) to 1") for d in DEFECTS
    )


COLUMNS: tuple[Column, ...] = (
    _text("path", r"the photo as it was named on the command line; bytes that are no UTF-8 read `\xNN`"),
    _number("score", 2, "portrait quality, 0 to 100, higher is better; empty when there is none"),
    _text("status", "`ok`, `no_face` (the whole photo was judged) or `error` (no score)"),
    _number(
        "raw_score",
        6,
        "unbounded output that `score` is a fixed monotone map of; groups: less a share of the worst face's lag",
    ),
    _text("reason", "why there is no score, or no face"),
    _text("reasons", 'what lowers the score, in words, worst first, then closed eyes, joined by "; "'),
    _whole("n_faces", "number of faces found; empty when the photo could not be read"),
    _number("face_x1", 1, "main face: left edge, pixels of the upright photo"),
    _number("face_y1", 1, "main face: top edge"),
    _number("face_x2", 1, "main face: right edge"),
    _number("face_y2", 1, "main face: bottom edge"),
    _number("face_confidence", 3, "main face: the detector's confidence, 0 to 1"),
    _number("face_score", 2, "quality of the main face alone, 0 to 100"),
    _number("worst_face_score", 2, "the lowest quality among the faces, 0 to 100 (group photos)"),
    _number("face_share", 4, "main face: area of its box as a share of the photo's, 0 to 1"),
    _number("face_roll", 1, "main face: degrees that it is tilted, positive clockwise in the picture"),
    _text("face_pose", "main face: `frontal` or `profile`"),
    _flag("face_cut", "main face: the photo's border cuts it"),
    _number("eyes_open", 3, "how far the eyes are open, 0 to 1, the lowest among the main faces; empty: unknown"),
    _text("eyes", "`open`, `closed` (or downcast, of any main face) or `unknown`; empty without a face"),
    _text(
        "faces",
        "every main face, the most important first, as a JSON list of objects with box, confidence, score, eyes_open, "
        "eye_line (x and y of the eye on the left and of the one on the right), roll, pose, cut and defects (name: "
        "severity); empty without a face",
    ),
    *_severities("photo", "in the whole photo"),
    *_severities("face", "in the main face"),
    _whole("width", "pixels, upright"),
    _whole("height", "pixels, upright"),
    _text(
        "captured_at", "capture time, ISO 8601, with fraction of a second and UTC offset where the camera wrote them"
    ),
    _text("camera", "maker and model"),
    _text("lens", "lens model"),
    _whole("iso", "ISO speed"),
    _number("shutter_s", 6, "exposure time in seconds"),
    _number("aperture", 2, "f-number"),
    _number("focal_length_mm", 2, "real focal length in millimetres"),
    _number("exposure_bias", 2, "exposure compensation in EV"),
    _whole("file_size", "bytes"),
    _text("raw_mate", "the RAW file of the same shot, where there is one"),
    _text("model", "the model that scored it: name@fingerprint"),
)

SCHEMA: dict[str, type[pl.DataType]] = {column.name: column.dtype for column in COLUMNS}
_DECIMALS = {column.name: column.decimals for column in COLUMNS if column.decimals is not None}
_ORDER = {"score": True, "raw_score": True, "path": False}  # column -> whether larger values come first


def describe(columns: Iterable[Column]) -> list[tuple[str, str, str]]:
    """(name, type, meaning) of every column, in order: a table of the README."""
    words = {pl.String: "text", pl.Int64: "integer", pl.Float64: "number", pl.Boolean: "true or false"}
    return [(column.name, words[column.dtype], column.description) for column in columns]


def path_text(path: Path) -> str:
    r"""The path as UTF-8 text; bytes of the name that are no UTF-8 become `\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def path_cell(path: Path) -> str:
    """`path_text` with `./` before a name that a spreadsheet would run as a formula; it is the same file."""
    return safe_cell(path_text(path))


def to_row(score: PhotoScore) -> dict[str, Value]:
    """One record as column name -> value, in the table's order and rounding."""
    capture = score.capture
    face = score.faces[0] if score.faces else None
    box = face.box if face else (None,) * 4
    values: dict[str, Value] = {
        "path": path_cell(score.path),
        "score": score.score,
        "status": score.status,
        "raw_score": score.raw_score,
        "reason": _clean(score.reason),
        "reasons": _clean("; ".join(score.reasons)) or None,
        "n_faces": None if score.status == "error" else len(score.faces),
        **dict(zip(("face_x1", "face_y1", "face_x2", "face_y2"), box, strict=True)),
        "face_confidence": face.confidence if face else None,
        "face_score": score.face_score,
        "worst_face_score": score.worst_face_score,
        "face_share": _share(face, score),
        "face_roll": face.roll if face else None,
        "face_pose": face.pose if face else None,
        "face_cut": face.cut if face else None,
        "eyes_open": score.eyes_open,
        "eyes": score.eyes,
        "faces": faces_json(score.faces),
        **_severity_values("photo", score.photo_defects),
        **_severity_values("face", score.face_defects),
        "width": score.width,
        "height": score.height,
        "captured_at": capture.captured_at.isoformat() if capture.captured_at else None,
        "camera": _clean(capture.camera),
        "lens": _clean(capture.lens),
        "iso": capture.iso,
        "shutter_s": capture.shutter_s,
        "aperture": capture.aperture,
        "focal_length_mm": capture.focal_length_mm,
        "exposure_bias": capture.exposure_bias,
        "file_size": score.file_size,
        "raw_mate": path_cell(score.raw_mate) if score.raw_mate else None,
        "model": _clean(score.model) or None,
    }
    return {name: _rounded(name, value) for name, value in values.items()}


def to_frame(scores: Iterable[PhotoScore]) -> pl.DataFrame:
    """The table with the columns of `SCHEMA`: best photo first, photos without a score last, then by path."""
    rows = [to_row(score) for score in scores]
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in SCHEMA}
    return best_first(pl.DataFrame(columns, schema=SCHEMA))


def best_first(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows in the table's order: the best photo first, photos without a score last, then by path.

    `score` is rounded, so `raw_score` settles who is ahead within a hundredth of a point. Each of the three may be
    missing, as in a table of another making.
    """
    order = {name: down for name, down in _ORDER.items() if name in frame.columns}
    return frame.sort(list(order), descending=list(order.values()), nulls_last=True, maintain_order=True)


def faces_json(faces: Sequence[Face]) -> str | None:
    """The main faces as compact JSON, numbers rounded as in the table's columns; None for none."""
    listed = [_face_values(face) for face in main_faces(faces)]
    return json.dumps(listed, separators=(",", ":")) if listed else None


def _face_values(face: Face) -> dict[str, object]:
    eyes = eye_line(face.landmarks)
    defects = face.defects and {name: round(float(value), 3) for name, value in face.defects.as_dict().items()}
    return {
        "box": [round(float(edge), 1) for edge in face.box],
        "confidence": _rounded("face_confidence", face.confidence),
        "score": _rounded("face_score", face.score),
        "eyes_open": _rounded("eyes_open", face.eyes_open),
        "eye_line": eyes and [round(float(value), 1) for point in eyes for value in point],
        "roll": _rounded("face_roll", face.roll),
        "pose": face.pose,
        "cut": face.cut,
        "defects": defects,
    }


def _share(face: Face | None, score: PhotoScore) -> float | None:
    pixels = (score.width or 0) * (score.height or 0)
    return area(face.box) / pixels if face and pixels else None


def _severity_values(part: str, severities: Severities | None) -> dict[str, Value]:
    values = severities.values if severities else (None,) * len(DEFECTS)
    return {f"{part}_{defect}": value for defect, value in zip(DEFECTS, values, strict=True)}


def _clean(text: str | None) -> str | None:
    return text if text is None else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _rounded(name: str, value: Value) -> Value:
    decimals = _DECIMALS.get(name)
    return value if decimals is None or value is None else round(float(value), decimals)
