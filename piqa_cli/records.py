"""The frozen records that travel from stage to stage. No stage knows the next one; they know only these."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels, x to the right, y down
Status = Literal["ok", "no_face", "error"]
Pose = Literal["frontal", "profile"]
Eyes = Literal["open", "closed", "unknown"]

DEFECTS: tuple[str, ...] = (
    "defocus_blur",
    "motion_blur",
    "noise",
    "compression",
    "low_resolution",
    "underexposure",
    "overexposure",
    "low_contrast",
    "color_cast",
)
"""The nine named degradations, in the order of every severity vector. Severities are in [0, 1], 0 = not there."""


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """One photo on disk: the file to read, and the RAW file of the same shot where both exist."""

    path: Path
    raw_mate: Path | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """How the photo was taken, from EXIF. Everything may be missing. Holds no location."""

    captured_at: datetime | None = None
    camera: str | None = None
    lens: str | None = None
    iso: int | None = None
    shutter_s: float | None = None  # seconds
    aperture: float | None = None  # f-number
    focal_length_mm: float | None = None  # real, not 35 mm equivalent
    exposure_bias: float | None = None  # exposure compensation in EV, 0 where the camera wrote 0


@dataclass(frozen=True, slots=True)
class Severities:
    """Estimated severity in [0, 1] of each of `DEFECTS`, in that order."""

    values: tuple[float, ...]

    def as_dict(self) -> dict[str, float]:
        """Name -> severity."""
        return dict(zip(DEFECTS, self.values, strict=True))


@dataclass(frozen=True, slots=True)
class Face:
    """One detected face, in pixels of the upright photo at full resolution.

    The detector gives the first three fields, geometry the next three; the networks fill the rest for main faces.
    """

    box: Box
    confidence: float  # in [0, 1]
    landmarks: tuple[tuple[float, float], ...] = ()  # left eye, right eye, nose, left and right mouth corner
    roll: float | None = None  # degrees, positive: the head is tilted clockwise in the picture
    pose: Pose | None = None
    cut: bool = False  # the photo's border cuts the box
    score: float | None = None  # 0-100, this face alone
    defects: Severities | None = None
    eyes_open: float | None = None  # in [0, 1], of the wider open eye; None: cannot be told


@dataclass(frozen=True, slots=True)
class PhotoScore:
    """Everything known about one photo after scoring; one row of the score table."""

    path: Path
    status: Status
    reason: str | None = None  # why there is no score, or no face
    score: float | None = None  # 0-100, higher is better
    raw_score: float | None = None  # unbounded; the network's output, less what a group loses for its worst face
    faces: tuple[Face, ...] = ()  # the main face first
    face_score: float | None = None  # the main face alone, 0-100
    worst_face_score: float | None = None  # the lowest among the faces, 0-100
    photo_defects: Severities | None = None
    face_defects: Severities | None = None
    eyes_open: float | None = None  # in [0, 1], the lowest among the main faces; None: cannot be told
    eyes: Eyes | None = None  # None: there is no face
    reasons: tuple[str, ...] = ()  # in words, worst first: "face: motion blur"
    width: int | None = None  # pixels, upright
    height: int | None = None
    file_size: int | None = None  # bytes
    capture: Capture = field(default_factory=Capture)
    raw_mate: Path | None = None
    model: str = ""  # name@fingerprint
    embedding: bytes | None = None  # float16 (F,), native order: the network's features of the photo, of length 1


def counted(number: int, one: str) -> str:
    """How many, in words: 1 photo, 1,204 photos."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def score_text(score: float) -> str:
    """A score with one decimal, the same wherever it is shown: from its two decimals in the tables, a 5 goes up."""
    return f"{(round(round(score, 2) * 100) + 5) // 10 / 10:.1f}"
