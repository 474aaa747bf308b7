"""The values of gates, checked the same way whether they come from an option or from a policy file."""

from __future__ import annotations

import math
import re

from piqa_cli.gates.policy import Resolution, Severity

_LARGEST = 10**18  # a number of thousands of digits could not even be shown
_SIDES = re.compile(r"(\d+)\s*[x×]\s*(\d+)", re.IGNORECASE)
_MEGAPIXELS = re.compile(r"(\d+(?:\.\d+)?)\s*mp", re.IGNORECASE)


def score(value: object) -> float:
    """A score from 0 to 100. Raises ValueError in words for a person, as all functions here."""
    return _number(value, 100, "a score, 0 to 100")


def percent(value: object) -> float:
    """A share in percent."""
    return _number(value, 100, "a percentage, 0 to 100")


def count(value: object) -> int:
    """A whole number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is not a whole number from 0 on")
    if value > _LARGEST:
        raise ValueError("the number is too large")
    return value


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def number(value: object) -> float:
    """A finite number from 0 on."""
    return _number(value, math.inf, "a number from 0 on")


def share(value: object) -> float:
    """A number in [0, 1]."""
    return _number(value, 1, "a number from 0 to 1")


def resolution(value: object) -> Resolution:
    """`1920x1080` (either way round) or `2MP`."""
    text = value.strip() if isinstance(value, str) else ""
    if sides := _SIDES.fullmatch(text):
        first, second = int(sides[1]), int(sides[2])
        return Resolution(longer=max(first, second), shorter=min(first, second))
    if megapixels := _MEGAPIXELS.fullmatch(text):
        return Resolution(megapixels=float(megapixels[1]))
    raise ValueError(f"{value!r} is no resolution like '1920x1080' or '2MP'")


def severity(value: object) -> Severity:
    """`error`, `warning` or `note`."""
    if value not in list(Severity):
        raise ValueError(f"{value!r} is none of error, warning, note")
    return Severity(str(value))


def severity_or_off(value: object) -> Severity | None:
    """The same, or `off`."""
    if value == "off":
        return None
    if value not in list(Severity):
        raise ValueError(f"{value!r} is none of error, warning, note, off")
    return Severity(str(value))


def _number(value: object, most: float, what: str) -> float:
    """A finite number in [0, most]. Raises OverflowError for a whole one beyond all floats."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most or value == math.inf:
        raise ValueError(f"{value!r} is not {what}")
    return float(value)
