"""Light on the sensor: too little, too much, veiled, or of the wrong colour."""

from __future__ import annotations

import numpy as np

from piqa_training.degrade import filters
from piqa_training.degrade.light import (
    MIDDLE_GREY,
    Image,
    clip,
    fast_generator,
    luminance,
    pick,
    ramp,
    to_linear,
    to_srgb,
)

_DARKEST_EV, _BRIGHTEST_EV = 5.0, 3.5
_HIGHEST_VEIL, _LOWEST_CONTRAST = 0.82, 0.15
_LEAST_COLOUR = 0.02  # a greyer photo cannot be oversaturated


def underexposure(image: Image, severity: float, rng: np.random.Generator) -> Image:
    """Up to 5 EV too dark: linear, gamma-like, crushed blacks or uneven light; some with noisy, banded shadows."""
    kind = pick(rng, {"linear": 3.2, "gamma": 2.8, "crushed": 1.5, "uneven": 1.5})
    read_noise = float(rng.uniform(0.1, 1.0)) if rng.random() < 0.4 else 0.0
    coarse = float(rng.uniform(0.3, 0.85)) if rng.random() < 0.25 else 0.0
    field, grains = filters.smooth_field(image.shape, rng), fast_generator(rng)
    ev = -ramp(severity, _DARKEST_EV, 1.4)
    dark = _exposed(image, ev, kind, field)
    if kind == "crushed":
        black = np.float32(0.12 * severity)
        dark = clip(np.asarray((dark - black) / (1 - black), dtype=np.float32))
    if read_noise:
        dark = clip(
            dark + np.float32(read_noise * 0.03 * severity) * grains.standard_normal(image.shape, dtype=np.float32)
        )
    if coarse:
        levels = 255 * (1 - coarse * severity)
        dark = clip(np.asarray(np.round(dark * levels) / levels, dtype=np.float32))
    return clip(dark)


def _exposed(image: Image, ev: float, kind: str, field: Image) -> Image:
    """The picture `ev` stops brighter or darker; every kind moves middle grey alike ("uneven": on average)."""
    if kind == "gamma":
        return image ** np.float32(_gamma(ev))
    stops = {"uneven": ev * (1 + 0.45 * field), "crushed": 0.75 * ev}.get(kind, ev)
    return to_srgb(to_linear(image) * np.exp2(np.asarray(stops, dtype=np.float32)))


def _gamma(ev: float) -> float:
    """Exponent on encoded values that darkens middle grey by `ev` stops, or brightens without clipping."""
    if ev > 0:
        return float(2.0 ** (-0.6 * ev))
    before, after = np.log(to_srgb(np.array([MIDDLE_GREY, MIDDLE_GREY * 2.0**ev], dtype=np.float32)))
    return float(after / before)


def overexposure(image: Image, severity: float, rng: np.random.Generator) -> Image:
    """Up to 3.5 EV too bright: hard clipping, soft shoulder, gamma-like, uneven, or glowing highlights (bloom)."""
    kind = pick(rng, {"linear": 4, "shoulder": 1.5, "gamma": 1.7, "uneven": 1.2, "bloom": 1.2})
    field, knee = filters.smooth_field(image.shape, rng), float(rng.uniform(0.3, 0.8))
    glow, spread = float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.01, 0.04))
    ev = ramp(severity, _BRIGHTEST_EV, 0.8)
    if kind not in ("shoulder", "bloom"):
        return _exposed(image, ev, kind, field)
    bright = to_linear(image) * np.float32(2.0**ev)
    if kind == "shoulder":
        start = np.float32(1 - (1 - knee) * min(1.0, 3 * severity))
        above = np.maximum(bright - start, 0) / max(1 - start, np.float32(1e-3))
        return to_srgb(np.where(above > 0, start + (1 - start) * -np.expm1(-above), bright))
    return to_srgb(
        bright + np.float32(glow * min(1.0, 3 * severity)) * _glow(np.maximum(np.minimum(bright, 4.0) - 0.8, 0), spread)
    )


def _glow(light: Image, spread: float) -> Image:
    """Wide Gaussian of `spread` times the long side, computed at an eighth of the size."""
    height, width = light.shape[:2]
    small = filters.resize(light, max(2, height // 8), max(2, width // 8), filters.AREA)
    return filters.resize(filters.gaussian(small, spread * max(height, width) / 8), height, width)


def low_contrast(image: Image, severity: float, rng: np.random.Generator) -> Image:
    """Haze, flare (veiling glare), lifted blacks, or a flat curve; some lose colour too."""
    kind = pick(rng, {"haze": 3, "flare": 1.5, "lifted": 2, "flat": 3})
    colour = (1 + rng.uniform(-0.12, 0.12, size=3)).astype(np.float32)
    level, fade = float(rng.uniform(0.35, 0.65)), float(rng.uniform(0, 0.5)) if rng.random() < 0.4 else 0.0
    field = filters.smooth_field(image.shape, rng)
    centre = rng.uniform(-0.2, 1.2, size=2)
    if kind in ("haze", "flare"):
        depth = field if kind == "haze" else _spot(image.shape, centre)
        veil = np.clip(np.float32(_HIGHEST_VEIL * severity**2) * (1 + 0.25 * depth), 0, 0.92)
        flat = to_srgb(to_linear(image) * (1 - veil) + veil * np.float32(1.3 * level) * colour)
    else:
        contrast = np.float32(1 - (1 - _LOWEST_CONTRAST) * severity)
        anchor = np.float32(level if kind == "flat" else 0.85) * np.clip(colour, 0.95, 1.05)
        flat = clip(np.asarray(anchor + (image - anchor) * contrast, dtype=np.float32))
    return clip(np.asarray(flat + np.float32(fade * severity) * (luminance(flat) - flat), dtype=np.float32))


def _spot(shape: tuple[int, ...], centre: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Image:
    """Light falling off around `centre` (in picture heights and widths), (H, W, 1) in [-1, 1]."""
    y, x = np.ogrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    light = np.exp(-2.5 * ((y - centre[0]) ** 2 + (x - centre[1]) ** 2))
    return np.asarray(2 * light - 1, dtype=np.float32)[..., None]


def color_cast(image: Image, severity: float, rng: np.random.Generator) -> Image:
    """Wrong white balance (temperature, any tint, mixed light), a coloured filter, a channel offset, oversaturation."""
    kind = pick(rng, {"temperature": 4, "tint": 2.5, "mixed": 1, "filter": 1, "offset": 1, "saturated": 1.2})
    angle = rng.uniform(-0.25, 0.25) + np.pi * rng.integers(2) if kind == "temperature" else rng.uniform(0, 2 * np.pi)
    field, excess = filters.smooth_field(image.shape, rng), float(rng.uniform(1.5, 2.5))
    if kind == "saturated" and float((image - luminance(image)).std()) < _LEAST_COLOUR:
        kind = "tint"
    direction = _direction(float(angle), kind)
    if kind == "saturated":
        return clip(image + np.float32(ramp(severity, excess, 1.0)) * (image - luminance(image)))
    if kind == "offset":
        return clip(image + np.float32(ramp(severity, 0.3, 0.8)) * direction)
    stops = np.float32(ramp(severity, 1.5, 0.8)) * direction
    linear = to_linear(image)
    gains = np.exp2(stops * (0.6 + 0.6 * field) if kind == "mixed" else stops)
    balanced = linear * gains
    if kind == "filter":
        balanced += np.float32(0.8 * severity) * (luminance(linear) * gains - balanced)
    return to_srgb(balanced * (luminance(linear).mean() / max(float(luminance(balanced).mean()), 1e-6)))


def _direction(angle: float, kind: str) -> Image:
    """Unit step (R, G, B) of zero sum: red against blue at angle 0 for "temperature", any hue otherwise."""
    warm = np.array([1.0, 0.0, -1.0]) / np.sqrt(2)
    green = np.array([-1.0, 2.0, -1.0]) / np.sqrt(6)
    step = np.cos(angle) * warm + np.sin(angle) * green
    return np.asarray(step * (1.0 if kind == "offset" else 1.3), dtype=np.float32)
