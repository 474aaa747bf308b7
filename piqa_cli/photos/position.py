"""Where a photo was taken, from its GPS tags. Read only when a person asks for it: nothing else in piqa opens them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from piqa_cli.photos.exif_tags import GpsTag, read_gps_tags

Position = tuple[float, float]  # latitude, longitude in degrees (WGS 84), north and east positive

_NULL_ISLAND = (0.0, 0.0)  # how receivers without a fix say "unknown"
_SIGNS = {"N": 1.0, "S": -1.0, "E": 1.0, "W": -1.0}


def read_position(path: Path) -> Position | None:
    """Latitude in [-90, 90] and longitude in [-180, 180]; None where the photo does not say. Never raises."""
    try:
        tags = read_gps_tags(path)
        latitude = _degrees(tags, GpsTag.LATITUDE, GpsTag.LATITUDE_REF, "NS", 90.0)
        longitude = _degrees(tags, GpsTag.LONGITUDE, GpsTag.LONGITUDE_REF, "EW", 180.0)
    except Exception:  # as for the rest of EXIF: no program's mistake may cost a photo its score
        return None
    if latitude is None or longitude is None or (latitude, longitude) == _NULL_ISLAND:
        return None
    return latitude, longitude


def _degrees(tags: Mapping[int, object], value: GpsTag, ref: GpsTag, letters: str, most: float) -> float | None:
    """Degrees, minutes and seconds, as rationals or floats, with the letter of the direction -> signed degrees."""
    parts, letter = tags.get(value), _letter(tags.get(ref))
    if letter not in letters or not isinstance(parts, Sequence) or not 1 <= len(parts) <= 3:
        return None
    degrees = sum(float(part) / 60**place for place, part in enumerate(parts))
    return _SIGNS[letter] * degrees if math.isfinite(degrees) and 0 <= degrees <= most else None


def _letter(ref: object) -> str:
    """`N`, from text or bytes with padding; "?" for anything else."""
    text = ref.decode("ascii", "replace") if isinstance(ref, bytes) else ref if isinstance(ref, str) else ""
    return text.strip("\0 ")[:1].upper() or "?"
