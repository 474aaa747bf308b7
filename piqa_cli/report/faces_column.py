"""The `faces` column of a score table, read from untrusted text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from piqa_cli.records import DEFECTS

Face = dict[str, Any]

_MOST_FACES = 100
_NUMBERS = ("confidence", "score", "eyes_open", "roll")
_POSES = ("frontal", "profile")


def read_faces(text: str | None) -> list[Face] | None:
    """Every scored face with what is known of it; None where there is none, or the text is not what piqa writes."""
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list):
        return None
    faces = [face for item in found[:_MOST_FACES] if (face := _face(item)) is not None]
    return faces or None


def _face(item: object) -> Face | None:
    if not isinstance(item, Mapping):
        return None
    box = item.get("box")
    if not isinstance(box, list) or len(box) != 4 or any(_number(side) is None for side in box):
        return None
    severities = item.get("defects")
    defects = severities if isinstance(severities, Mapping) else {}
    return {
        "box": box,
        **{name: _number(item.get(name)) for name in _NUMBERS},
        "pose": pose if (pose := item.get("pose")) in _POSES else None,
        "cut": item.get("cut") is True,
        "defects": {name: _number(defects.get(name)) for name in DEFECTS} if defects else None,
    }


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e12 and math.isfinite(value) else None
