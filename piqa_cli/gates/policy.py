"""What a set of photos must fulfil. Free of polars, so that the command line can build and check it before scoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path

BAD_BELOW = 40.0
"""The score that `max-bad-pct` counts from, unless `bad-below` says otherwise: a clearly visible defect."""


class Severity(StrEnum):
    """How much a finding weighs; only an error fails a run."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The least size of a photo, upright or not: both sides in pixels, or the megapixels."""

    longer: int = 0
    shorter: int = 0
    megapixels: float = 0.0

    def __str__(self) -> str:
        return f"{self.megapixels:g}MP" if self.megapixels else f"{self.longer}x{self.shorter}"


@dataclass(frozen=True, slots=True)
class Limits:
    """The gates, each named as its option is; None: not asked for."""

    fail_under: float | None = None  # 0-100: no photo may score lower
    max_bad_pct: float | None = None  # 0-100: share of the scored photos that may score below `bad_below`
    bad_below: float | None = None  # 0-100
    max_errors: int | None = None  # photos that may be impossible to score
    min_face_px: int | None = None  # shorter side of the main face's box
    max_no_face_pct: float | None = None  # 0-100: share of the readable photos that may have no face
    require_single_face: bool | None = None
    require_open_eyes: bool | None = None
    min_resolution: Resolution | None = None
    max_duplicates: int | None = None  # files whose content another one has already
    max_near_duplicates: int | None = None  # photos that look like another one

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of the gates that are asked for."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "bad_below"}
        return tuple(name for name, value in values.items() if value is not None and value is not False)  # 0 is asked

    def over(self, base: Limits) -> Limits:
        """These, and where they say nothing, those of `base`."""
        own = {item.name: value for item in fields(self) if (value := getattr(self, item.name)) is not None}
        return replace(base, **own)


@dataclass(frozen=True, slots=True)
class Section:
    """Limits of their own for the photos in some folders."""

    glob: str
    limits: Limits = field(default_factory=Limits)
    severity: Severity | None = None  # what a broken gate weighs here; None: as in the whole set


@dataclass(frozen=True, slots=True)
class BaselineTerms:
    """When a difference from an earlier run counts."""

    max_drop: float = 5.0  # points of score that a photo may lose before it is a regression
    alpha: float = 0.01  # significance level of the drift test
    min_distance: float = 0.1  # least Kolmogorov-Smirnov distance that counts as drift, however many photos there are


@dataclass(frozen=True, slots=True)
class BiasTerms:
    """When folders differ in quality."""

    min_difference: float = 5.0  # points between a folder's mean and the median of all folders' means
    min_photos: int = 5  # a folder with fewer scored photos is not judged


CHECKS: Mapping[str, Severity] = {
    "unreadable": Severity.WARNING,
    "duplicate": Severity.WARNING,
    "near-duplicate": Severity.NOTE,
    "wrong-extension": Severity.WARNING,
    "odd-size": Severity.NOTE,
    "odd-aspect-ratio": Severity.NOTE,
    "missing-exif": Severity.NOTE,
    "inconsistent-exif": Severity.NOTE,
    "folder-bias": Severity.WARNING,
    "regression": Severity.WARNING,
    "drift": Severity.WARNING,
    "model-changed": Severity.WARNING,
    "unused-section": Severity.WARNING,
}
"""The dataset checks and what their findings weigh unless a policy says otherwise. None is an error, so a run without
a policy passes or fails by its gates alone, whichever files it writes."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that is asked of a set of photos."""

    limits: Limits = field(default_factory=Limits)
    sections: tuple[Section, ...] = ()
    severity: Severity = Severity.ERROR  # of a broken gate
    checks: Mapping[str, Severity | None] = field(default_factory=lambda: dict(CHECKS))  # None: switched off
    baseline: BaselineTerms = field(default_factory=BaselineTerms)
    bias: BiasTerms = field(default_factory=BiasTerms)
    path: Path | None = None  # the file that it was read from

    @property
    def all_limits(self) -> tuple[Limits, ...]:
        """Those of the whole set and, filled up from there, those of each section."""
        return (self.limits, *(section.limits.over(self.limits) for section in self.sections))

    @property
    def may_fail(self) -> bool:
        """Whether there is anything that a set can break: a gate, or a check that weighs as much."""
        return any(limits.asked for limits in self.all_limits) or Severity.ERROR in self.checks.values()

    def asks(self, limit: str) -> bool:
        """Whether this gate is asked for anywhere."""
        return any(limit in limits.asked for limits in self.all_limits)
