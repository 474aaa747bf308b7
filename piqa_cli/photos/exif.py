"""How a photo was taken, from its EXIF. Location tags are left alone; see `position`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from piqa_cli.photos.exif_tags import Tag, read_tags
from piqa_cli.records import Capture

_DATE_TIME = re.compile(
    # Some cameras write spaces for leading zeros.
    r"(\d{4})[:/.-]([ \d]?\d)[:/.-]([ \d]?\d)(?:T| +)([ \d]?\d):([ \d]\d)(?::([ \d]\d))?"
    # EXIF knows no more than that; some phones and programs go on in the same text.
    r"(?:[.,](?P<fraction>\d+))?(?: ?(?P<half>[ap])\.?m\b)?(?: ?(?P<offset>z\b|[+-]\d{2}:?\d{2}))?",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
# Control characters, separators of lines, and what hides or reorders text.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
_FORMULA = "=+-@ "  # at the beginning of a cell, a spreadsheet runs what follows; no camera's name begins so
_MOST_TEXT = 200  # characters
_MOST_BIAS_EV = 20.0
_ISO_OVERFLOW = 65535  # the 16-bit tag's way to say "see the longer tags"
_LONG_ISO = (Tag.RECOMMENDED_EXPOSURE_INDEX, Tag.STANDARD_OUTPUT_SENSITIVITY, Tag.ISO_SPEED)
_MOST_ISO = 100_000_000  # cameras reach 4,560,000; a damaged file may hold more than a table's column takes
_TIMES = (  # date and time, fraction of a second, offset from UTC; the first that can be read wins
    (Tag.DATE_TIME_ORIGINAL, Tag.SUB_SEC_TIME_ORIGINAL, Tag.OFFSET_TIME_ORIGINAL),
    (Tag.DATE_TIME_DIGITIZED, Tag.SUB_SEC_TIME_DIGITIZED, Tag.OFFSET_TIME_DIGITIZED),
    (Tag.DATE_TIME, Tag.SUB_SEC_TIME, Tag.OFFSET_TIME),
)

Tags = Mapping[int, object]


def read_capture(path: Path) -> Capture:
    """Read capture time, camera, lens and exposure of a photo. Never raises: what cannot be read is None.

    `captured_at` is DateTimeOriginal with its fraction of a second, or else DateTimeDigitized or DateTime. It knows its
    time zone where the photo says so (OffsetTime...), and is naive otherwise: sort the two kinds with care.
    """
    try:
        tags = read_tags(path)
        return Capture(
            captured_at=_captured_at(tags),
            camera=_camera(tags),
            lens=_name(tags, Tag.LENS_MODEL),
            iso=_iso(tags),
            shutter_s=_positive(tags, Tag.EXPOSURE_TIME),
            aperture=_positive(tags, Tag.F_NUMBER),
            focal_length_mm=_positive(tags, Tag.FOCAL_LENGTH),
            exposure_bias=_bias(tags),
        )
    except Exception:  # EXIF is written by thousands of programs; none of their mistakes may cost a photo its score
        return Capture()


def _captured_at(tags: Tags) -> datetime | None:
    moments = (_moment(*(_text(tags, tag) or "" for tag in group)) for group in _TIMES)
    return next((moment for moment in moments if moment is not None), None)


def _moment(date_time: str, fraction: str, offset: str) -> datetime | None:
    """`2024:05:01 10:20:30`, `12` (.12 s), `+02:00` -> datetime; None where the first is blank or impossible.

    A fraction and an offset in the first text itself go before the other two.
    """
    match = _DATE_TIME.match(date_time)
    if match is None:
        return None
    digits = re.match(r"\d*", match["fraction"] or fraction)
    microsecond = int(digits.group()[:6].ljust(6, "0")) if digits else 0
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        zone = _zone((match["offset"] or offset).upper())
        return datetime(year, month, day, _of_day(hour, match["half"]), minute, min(second, 59), microsecond, zone)
    except ValueError:
        return None


def _of_day(hour: int, half: str | None) -> int:
    """The hour, 0 to 23, where the clock may have had twelve: `a` is before noon. `13 PM` is 13, as it is written."""
    if half is None or not 1 <= hour <= 12:
        return hour
    return hour % 12 + (12 if half in "pP" else 0)


def _zone(offset: str) -> timezone | None:
    match = _OFFSET.fullmatch(offset)
    if match is None:
        return UTC if offset == "Z" else None
    distance = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-distance if match[1] == "-" else distance) if distance < timedelta(hours=24) else None


def _camera(tags: Tags) -> str | None:
    """Maker and model, without the maker twice: "Canon" + "Canon EOS R5", "NIKON CORPORATION" + "NIKON D850"."""
    make, model = _name(tags, Tag.MAKE), _name(tags, Tag.MODEL)
    if make is None or model is None:
        return model or make
    repeated = model.casefold().startswith(make.split()[0].casefold())
    return model if repeated else f"{make} {model}"


def _iso(tags: Tags) -> int | None:
    iso = _positive(tags, Tag.ISO_SPEED_RATINGS)
    if iso is None or iso == _ISO_OVERFLOW:
        iso = next(filter(None, (_positive(tags, tag) for tag in _LONG_ISO)), iso)
    return round(iso) if iso is not None and 0.5 < iso <= _MOST_ISO else None


def _name(tags: Tags, tag: Tag) -> str | None:
    """Text that goes into tables as it is."""
    text = (_text(tags, tag) or "").lstrip(_FORMULA)
    return text or None


def _text(tags: Tags, tag: Tag) -> str | None:
    value = tags.get(tag)
    if isinstance(value, bytes):
        value = _decoded(value.partition(b"\0")[0])
    if not isinstance(value, str):
        return None
    return _UNPRINTABLE.sub(" ", value.partition("\0")[0][:_MOST_TEXT]).strip() or None


def _decoded(text: bytes) -> str:
    """EXIF asks for ASCII; beyond that programs write UTF-8, or what Windows takes for it."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("cp1252", errors="replace")


def _positive(tags: Tags, tag: Tag) -> float | None:
    """A number above zero; zero, infinity and x/0 are how cameras say "unknown"."""
    value = _number(tags, tag)
    return value if value is not None and value > 0 else None


def _bias(tags: Tags) -> float | None:
    """Exposure compensation in EV; no camera goes beyond the limit, damaged files do."""
    value = _number(tags, Tag.EXPOSURE_BIAS)
    return value if value is not None and abs(value) <= _MOST_BIAS_EV else None


def _number(tags: Tags, tag: Tag) -> float | None:
    try:
        value = float(tags[tag])  # type: ignore[arg-type]  # whatever the file holds: TypeError says no
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return value if math.isfinite(value) else None
