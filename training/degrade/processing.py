"""What software does to a photo with good intentions: too much sharpening, too few tones."""

from __future__ import annotations

import numpy as np

from piqa_training.degrade import filters
from piqa_training.degrade.light import Image, clip, fast_generator, luminance, pick, pixel_scale, ramp

_MOST_SHARPENING = 9.0  # times the detail, added on top
_MOST_TONES, _FEWEST_TONES = 96.0, 3.0


def oversharpening(image: Image, severity: float, rng: np.random.Generator) -> Image:
    """Unsharp masking: halos of a fine, middle or wide radius, on brightness or on every channel, with or without a
    threshold that spares flat parts.
    """
    radius = {"fine": 0.7, "middle": 1.5, "wide": 5.0}[pick(rng, {"fine": 2, "middle": 3, "wide": 1})]
    radius *= float(rng.uniform(0.8, 1.4)) * pixel_scale(image.shape, float(rng.random()))
    threshold = float(rng.uniform(0.005, 0.03)) if rng.random() < 0.3 else 0.0
    amount = ramp(severity, _MOST_SHARPENING * (0.4 if radius > 4 else 1.0), 1.8)
    plane = luminance(image) if rng.random() < 0.6 else image
    detail = plane - filters.gaussian(plane, radius)
    if threshold:
        detail = np.sign(detail) * np.maximum(np.abs(detail) - np.float32(threshold), 0)
    return clip(image + np.float32(amount) * detail)


def posterisation(image: Image, severity: float, rng: np.random.Generator) -> Image:
    """Too few tones: bands in every channel or in brightness alone, at times dithered."""
    brightness_only, dithered = rng.random() < 0.3, rng.random() < 0.25
    grains = fast_generator(rng)
    steps = np.float32(_MOST_TONES * (_FEWEST_TONES / _MOST_TONES) ** severity - 1)
    plane = luminance(image) if brightness_only else image
    dither = grains.random(plane.shape, dtype=np.float32) - np.float32(0.5) if dithered else np.float32(0)
    banded = np.round(plane * steps + dither) / steps
    return clip(np.asarray(image + min(1.0, severity / 0.02) * (banded - plane), dtype=np.float32))
