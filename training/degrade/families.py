"""The degradation families at continuous severity: 0.1 just visible, 0.3 clearly visible, 0.6 bad, 1 terrible.

Nine of them are the defects that scoring names; the `UNNAMED` ones cost quality without a name of their own.

Every family draws all of its parameters from the generator first and in an order that does not depend on severity;
severity only scales them. So one seed gives one recipe at any strength, and a higher severity is strictly worse.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from piqa_cli.records import DEFECTS
from piqa_training.degrade import codec, optics, processing, sensor, tone
from piqa_training.degrade.light import Image, clip, to_linear, to_srgb

Operator = Callable[[Image, float, np.random.Generator], Image]

UNNAMED: tuple[str, ...] = ("oversharpening", "color_fringing", "posterisation")
FAMILIES: tuple[str, ...] = DEFECTS + UNNAMED
"""Every family; the first nine in the order of every severity vector."""

BLURS: dict[str, Operator] = {"defocus_blur": optics.defocus, "motion_blur": optics.motion}
"""Linear operators on linear light (H, W, up to 4 channels)."""

_ENCODED: dict[str, Operator] = {
    "noise": sensor.noise,
    "compression": codec.compression,
    "low_resolution": sensor.low_resolution,
    "underexposure": tone.underexposure,
    "overexposure": tone.overexposure,
    "low_contrast": tone.low_contrast,
    "color_cast": tone.color_cast,
    "oversharpening": processing.oversharpening,
    "color_fringing": optics.color_fringing,
    "posterisation": processing.posterisation,
}
_HIGHLIGHT_BOOST = 3.0  # how far above white a clipped highlight may really have been


def apply(image: Image, family: str, severity: float, rng: np.random.Generator) -> Image:
    """Render one of `FAMILIES` on an sRGB image.

    `image` float32 (H, W, 3) in [0, 1]; `severity` in [0, 1], 0 gives back an unchanged copy. The result has the same
    shape and range. Raises ValueError for an unknown family or a severity out of range.
    """
    check(family, severity)
    if severity == 0:
        return image.copy()
    if family in BLURS:
        light = scene_light(image, severity, rng)
        return to_srgb(BLURS[family](light, severity, rng))
    return clip(_ENCODED[family](image, severity, rng))


def check(family: str, severity: float) -> None:
    """Raise ValueError unless the family is known and the severity in [0, 1]."""
    if family not in FAMILIES:
        raise ValueError(f"unknown degradation family {family!r}; known are {', '.join(FAMILIES)}")
    if not 0 <= severity <= 1:
        raise ValueError(f"severity of {family} must lie in [0, 1], not {severity}")


def scene_light(image: Image, severity: float, rng: np.random.Generator) -> Image:
    """Linear light before the lens; at times with clipped highlights restored, so that they bloom into bright discs."""
    boost = float(rng.uniform(0.5, _HIGHLIGHT_BOOST)) if rng.random() < 0.4 else 0.0
    linear = to_linear(image)
    if not boost:
        return linear
    lost = np.float32(boost * min(1.0, 3 * severity)) * np.maximum((linear - np.float32(0.9)) * 10, 0) ** 2
    return np.asarray(linear * (1 + lost), dtype=np.float32)
