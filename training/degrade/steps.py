"""A degradation recipe as data: which families, how strong, where, and the seed of all other parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from piqa_training.degrade.families import check

Region = Literal["photo", "face", "background"]
REGIONS: tuple[Region, ...] = ("photo", "face", "background")

CAMERA_ORDER: tuple[str, ...] = (
    "color_cast",
    "overexposure",
    "underexposure",
    "low_contrast",
    "color_fringing",
    "defocus_blur",
    "motion_blur",
    "low_resolution",
    "noise",
    "oversharpening",
    "posterisation",
    "compression",
)
"""Scene light, lens, sampling, sensor, processing, file: the order in which a camera spoils a photo."""


@dataclass(frozen=True, slots=True)
class Step:
    """One family at a severity in [0, 1] on the whole photo, on the face alone, or on everything but the face.

    Raises ValueError for an unknown family or region, or a severity out of range.
    """

    family: str
    severity: float
    region: Region = "photo"

    def __post_init__(self) -> None:
        check(self.family, self.severity)
        if self.region not in REGIONS:
            raise ValueError(f"unknown region {self.region!r}; known are {', '.join(REGIONS)}")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Steps, rendered in `CAMERA_ORDER` whatever their order here, and the seed that fixes kernels, codecs, grains.

    Two recipes with the same seed draw the same parameters for the same family and region: only strengths differ.
    """

    steps: tuple[Step, ...] = ()
    seed: int = 0

    @property
    def needs_face(self) -> bool:
        """Whether rendering needs a face mask."""
        return any(step.region != "photo" for step in self.steps)
