"""Checks that the score table alone answers: failures, sizes and shapes, EXIF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

import polars as pl

from piqa_cli.gates.findings import Finding
from piqa_cli.gates.policy import Severity

MAJORITY = 0.8
"""Share of the photos that must have one size or aspect ratio before another one is odd."""
MAX_ASPECT = 3.0
"""Longer side by shorter side; beyond it a photo is always odd."""
MIN_AREA = 0.25
"""Of the median number of pixels; a smaller photo is always odd."""
_FIRST_YEAR = 1990  # no digital camera before
_LEAST_PHOTOS = 5  # fewer have no majority

Value = TypeVar("Value")


def unreadable(frame: pl.DataFrame, severity: Severity) -> Iterator[Finding]:
    """Photos without a score, for the reason that the table gives."""
    reasons = frame["reason"] if "reason" in frame.columns else pl.Series([None] * frame.height, dtype=pl.String)
    for path, status, reason in zip(frame["path"], frame["status"], reasons, strict=True):
        if status == "error":
            yield Finding("unreadable", severity, reason or "could not be scored", path)


def odd_sizes(frame: pl.DataFrame, severity: Severity) -> Iterator[Finding]:
    """Photos of another size than nearly all others (turned ones are the same), or far smaller than the median."""
    rows = _sized(frame)
    if len(rows) < _LEAST_PHOTOS:
        return
    usual = _majority([(longer, shorter) for _, longer, shorter in rows])
    median = sorted(longer * shorter for _, longer, shorter in rows)[len(rows) // 2]
    for path, longer, shorter in rows:
        size = _times((longer, shorter))  # also the fault: a photo that came in another size is another finding
        if usual is not None and (longer, shorter) != usual:
            message = f"{longer} x {shorter} px, nearly all others have {usual[0]} x {usual[1]}"
            yield Finding("odd-size", severity, message, path, measured=size, limit=_times(usual), fault=size)
        elif longer * shorter < MIN_AREA * median:
            message = f"{longer} x {shorter} px, less than a quarter of the pixels that are usual here"
            area = longer * shorter
            yield Finding("odd-size", severity, message, path, measured=area, limit=MIN_AREA * median, fault=size)


def odd_aspect_ratios(frame: pl.DataFrame, severity: Severity) -> Iterator[Finding]:
    """Photos of another aspect ratio than nearly all others, or longer than `MAX_ASPECT`."""
    rows = [(path, longer / shorter) for path, longer, shorter in _sized(frame)]
    usual = _majority([round(ratio, 1) for _, ratio in rows]) if len(rows) >= _LEAST_PHOTOS else None
    for path, ratio in rows:
        if ratio > MAX_ASPECT:
            message = f"aspect ratio {ratio:.2f}:1, more than {MAX_ASPECT:g}:1"
            yield _odd_ratio(severity, message, path, ratio, MAX_ASPECT)
        elif usual is not None and abs(ratio - usual) > 0.1:
            message = f"aspect ratio {ratio:.2f}:1, nearly all others have about {usual:g}:1"
            yield _odd_ratio(severity, message, path, ratio, usual)


def _odd_ratio(severity: Severity, message: str, path: str, ratio: float, limit: float) -> Finding:
    return Finding(
        "odd-aspect-ratio", severity, message, path, measured=round(ratio, 4), limit=limit, fault=f"{ratio:.2f}"
    )


def missing_exif(frame: pl.DataFrame, severity: Severity) -> Iterator[Finding]:
    """Photos without camera and capture time, where others have them; one finding where none has."""
    if not {"camera", "captured_at"} <= set(frame.columns):
        return
    readable = frame.filter(pl.col("status") != "error")
    bare = readable.filter(pl.col("camera").is_null() & pl.col("captured_at").is_null())["path"].to_list()
    if bare and len(bare) == readable.height > 1:
        message = f"none of the {len(bare):,} photos has EXIF: camera and capture time are unknown"
        yield Finding("missing-exif", severity, message, measured=len(bare), related=tuple(bare))
        return
    for path in bare:
        yield Finding("missing-exif", severity, "neither camera nor capture time in EXIF", path)


def inconsistent_exif(frame: pl.DataFrame, severity: Severity, now: datetime) -> Iterator[Finding]:
    """Photos with half of the EXIF, or with values that no camera writes. `now`: with time zone."""
    names = ("path", "camera", "captured_at", "iso", "shutter_s", "aperture", "focal_length_mm")
    readable = frame.filter(pl.col("status") != "error")
    for row in readable.select(name for name in names if name in frame.columns).iter_rows(named=True):
        for fault, message, measured in _impossible(row, now):
            yield Finding("inconsistent-exif", severity, message, row["path"], measured=measured, fault=fault)


def _impossible(row: dict[str, Any], now: datetime) -> Iterator[tuple[str, str, float | str | None]]:
    """(short name of the fault, message, measured). The names must stay: files for CI tell findings apart by them."""
    camera, taken = row.get("camera"), row.get("captured_at")
    if camera and not taken and "captured_at" in row:
        yield "no-time", "a camera but no capture time in EXIF", camera
    if taken and not camera and "camera" in row:
        yield "no-camera", "a capture time but no camera in EXIF", taken
    if taken and (problem := _bad_time(taken, now)):
        yield (*problem, taken)
    for name, words in (("iso", "ISO speed"), ("shutter_s", "exposure time"), ("aperture", "f-number")):
        if (value := row.get(name)) is not None and value <= 0:
            yield name, f"{words} of {value:g}", value
    if (value := row.get("focal_length_mm")) is not None and value < 0:
        yield "focal_length_mm", f"focal length of {value:g} mm", value


def _bad_time(text: str, now: datetime) -> tuple[str, str] | None:
    try:
        taken = datetime.fromisoformat(text)
    except ValueError:
        return "time-no-date", f"capture time {text!r} is no date"
    # Without an offset the clock's zone is unknown: half a day in the future may be now elsewhere.
    limit = now.replace(tzinfo=None) + timedelta(hours=14) if taken.tzinfo is None else now + timedelta(minutes=5)
    if taken > limit:
        return "time-future", f"capture time {text} is in the future"
    if taken.year < _FIRST_YEAR:
        return "time-too-old", f"capture time {text} is older than digital cameras"
    return None


def _sized(frame: pl.DataFrame) -> list[tuple[str, int, int]]:
    """(path, longer side, shorter side) of the photos whose size is known."""
    if not {"width", "height"} <= set(frame.columns):
        return []
    rows = frame.select("path", "width", "height").drop_nulls().filter((pl.col("width") > 0) & (pl.col("height") > 0))
    return [(path, max(width, height), min(width, height)) for path, width, height in rows.rows()]


def _majority(values: list[Value]) -> Value | None:
    value, count = Counter(values).most_common(1)[0]
    return value if count >= MAJORITY * len(values) else None


def _times(sides: tuple[int, int]) -> str:
    return f"{sides[0]}x{sides[1]}"
