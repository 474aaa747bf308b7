"""Gates that each photo passes or fails on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl

from piqa_cli.gates.findings import Finding
from piqa_cli.gates.groups import Group
from piqa_cli.gates.policy import Limits, Resolution

Row = dict[str, Any]
Broken = tuple[str, float | str | None, float | str | None, str | None]  # message, measured, limit, fault

NEEDS: Mapping[str, tuple[str, ...]] = {
    "fail_under": ("score",),
    "min_face_px": ("face_x1", "face_y1", "face_x2", "face_y2"),
    "require_single_face": ("n_faces",),
    "require_open_eyes": ("eyes",),
    "min_resolution": ("width", "height"),
}
"""Limit -> the columns of the score table that it reads."""

EXTRA: Mapping[str, tuple[str, ...]] = {"require_open_eyes": ("eyes_open",)}
"""Limit -> columns that it tells where they are there."""


def photo_findings(group: Group) -> Iterator[Finding]:
    """What the photos of a group break, rule by rule, the smallest measure first, then the lowest score."""
    frame = group.frame.sort("score", "path")
    for name, rule in _RULES.items():
        if name not in group.limits.asked or not set(NEEDS[name]) <= set(frame.columns):
            continue  # `needs.check_needs` has seen to it that only a baseline can lack columns
        rows = frame.filter(pl.col("status") != "error").select("path", *NEEDS[name], *_extra(frame, name))
        broken = [(found, row["path"]) for row in rows.iter_rows(named=True) if (found := rule(row, group.limits))]
        for (message, measured, limit, fault), path in sorted(broken, key=lambda item: _number(item[0][1])):
            rule_id = name.replace("_", "-")
            yield Finding(rule_id, group.severity, message, path, group.name, measured, limit, fault=fault)


def _number(measured: float | str | None) -> float:
    return 0.0 if measured is None or isinstance(measured, str) else measured


def _extra(frame: pl.DataFrame, name: str) -> list[str]:
    return [column for column in EXTRA.get(name, ()) if column in frame.columns]


def _fail_under(row: Row, limits: Limits) -> Broken | None:
    score, limit = row["score"], limits.fail_under
    if score is None or limit is None or score >= limit:
        return None
    return f"scores {score:.2f}, at least {limit:g} is wanted", score, limit, None


def _min_face_px(row: Row, limits: Limits) -> Broken | None:
    corners = [row[name] for name in NEEDS["min_face_px"]]
    if None in corners or limits.min_face_px is None:
        return None  # photos without a face are what max-no-face-pct is for
    x1, y1, x2, y2 = corners
    width, height = round(x2 - x1, 1), round(y2 - y1, 1)  # corners have one decimal, their difference more
    side = min(width, height)
    if side >= limits.min_face_px:
        return None
    digits = 0 if round(side) < limits.min_face_px else 1  # a side just below the limit does not look like it
    message = f"face of {width:.{digits}f} x {height:.{digits}f} px, at least {limits.min_face_px} wanted"
    return message, side, limits.min_face_px, None


def _single_face(row: Row, _: Limits) -> Broken | None:
    count = row["n_faces"]
    if count in (None, 1):
        return None
    if count == 0:
        return "no face, exactly one is wanted", count, 1, "no-face"
    return f"{count} faces, exactly one is wanted", count, 1, "several-faces"


def _open_eyes(row: Row, _: Limits) -> Broken | None:
    if row["eyes"] != "closed":
        return None
    openness = row.get("eyes_open")
    told = "" if openness is None else f" (openness {openness:.2f} of 1)"
    return f"eyes closed{told}", openness, None, None


def _min_resolution(row: Row, limits: Limits) -> Broken | None:
    width, height, least = row["width"], row["height"], limits.min_resolution
    if width is None or height is None or least is None or _large_enough(width, height, least):
        return None
    return f"{width} x {height} px, at least {least} is wanted", f"{width}x{height}", str(least), None


def _large_enough(width: int, height: int, least: Resolution) -> bool:
    if least.megapixels:
        return width * height >= least.megapixels * 1_000_000
    return max(width, height) >= least.longer and min(width, height) >= least.shorter


_RULES: Mapping[str, Callable[[Row, Limits], Broken | None]] = {
    "fail_under": _fail_under,
    "min_face_px": _min_face_px,
    "require_single_face": _single_face,
    "require_open_eyes": _open_eyes,
    "min_resolution": _min_resolution,
}
