"""What the sensor and its first processing do: too few samples, and noise."""

from __future__ import annotations

import numpy as np

from piqa_training.degrade import filters
from piqa_training.degrade.light import (
    LUMA,
    MIDDLE_GREY,
    Image,
    clip,
    fast_generator,
    luminance,
    pick,
    pixel_scale,
    ramp,
    to_linear,
    to_srgb,
)

_SLOPE_AT_GREY = 1.19  # d sRGB / d linear at middle grey: turns an sRGB noise level into a linear one
_LARGEST_SIGMA = 0.22  # of the sRGB range
_MOST_SITES = 0.06  # share of the pixels that are stuck
_PAINTED = 0.7  # strength of denoising above which brightness is smoothed between edges
_RAW_SHARE = 0.8  # raw noise is stronger in shadows than at middle grey: on average as visible as encoded noise
_LARGEST_FACTOR = 9.0
_FULLY_RESAMPLED = 0.08  # severity below which the original is mixed in: resampling by 1.01 already blurs
_DOWN = {"area": filters.AREA, "cubic": filters.CUBIC, "linear": filters.LINEAR, "nearest": filters.NEAREST}
_UP = {"cubic": filters.CUBIC, "linear": filters.LINEAR, "lanczos": filters.LANCZOS, "nearest": filters.NEAREST}


def low_resolution(image: Image, severity: float, rng: np.random.Generator) -> Image:
    """Sampled 1 to 9 times coarser and brought back to size, at times sharpened until it rings."""
    down = pick(rng, {"area": 4, "cubic": 2.5, "linear": 2, "nearest": 0.5})
    up = pick(rng, {"cubic": 4, "linear": 2.5, "lanczos": 1.6, "nearest": 0.8})
    sharpening = float(rng.uniform(0.4, 1.6)) if rng.random() < 0.35 else 0.0
    reach, share = float(rng.uniform(0.4, 0.8)), float(rng.random())
    height, width = image.shape[:2]
    factor = 1 + ramp(severity, _LARGEST_FACTOR - 1, 1.6) * pixel_scale(image.shape, share)
    small = filters.resize(image, max(4, round(height / factor)), max(4, round(width / factor)), _DOWN[down])
    large = filters.resize(small, height, width, _UP[up])
    if sharpening and down != "nearest":  # aliasing sharpened would pass for noise
        large = large + sharpening * min(1.0, 3 * severity) * (large - filters.gaussian(large, reach * factor))
    return clip(image + np.float32(min(1.0, severity / _FULLY_RESAMPLED)) * (large - image))


def noise(image: Image, severity: float, rng: np.random.Generator) -> Image:
    """Noise before the tone curve or after it, of varied grain, colour and row pattern, or in single pixels; some of it
    denoised.
    """
    domain = pick(rng, {"raw": 2.3, "sparse": 0.7, "encoded": 1.5})
    shot, gains = float(rng.uniform(0.2, 0.95)), rng.uniform([0.9, 0.9, 0.9], [1.8, 1.1, 2.0]).astype(np.float32)
    gains /= np.sqrt((gains**2).mean())
    smear = float(rng.uniform(0.4, 0.95)) if rng.random() < 0.3 else 0.0
    window, chroma_sigma = int(rng.choice([3, 5, 7])), float(rng.uniform(0.8, 3.0))
    field = _noise_field(image.shape, rng)
    if domain == "sparse":
        return _stuck(image, ramp(severity, _MOST_SITES, 4.0), rng)
    sigma = ramp(severity, _LARGEST_SIGMA, 1.8) * (1 + 0.6 * smear)
    noisy = (
        _expose(image, field * gains, _RAW_SHARE * sigma, shot)
        if domain == "raw"
        else clip(image + np.float32(sigma) * field)
    )
    return _denoise(noisy, sigma, smear, window, chroma_sigma) if smear else noisy


def _noise_field(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """Unit-variance noise (H, W, 3): shared brightness grain, colour grain of its own size, a light row pattern."""
    colour = float(rng.choice([0.0, 1.0, rng.random()], p=[0.15, 0.35, 0.5]))
    grain = float(rng.uniform(1.2, 2.5)) if rng.random() < 0.35 else 1.0
    blotch = grain * (float(rng.uniform(1.5, 4.0)) if rng.random() < 0.3 else 1.0)
    rows = float(rng.uniform(0.1, 0.45)) if rng.random() < 0.25 else 0.0
    across = bool(rng.random() < 0.3)
    fast = fast_generator(rng)
    field: Image = np.zeros(shape, dtype=np.float32)
    if colour < 1:
        field += np.float32(np.sqrt(1 - colour)) * _grain(shape, 1, grain, fast)
    if colour > 0:
        field += np.float32(np.sqrt(colour)) * _grain(shape, 3, blotch, fast)
    if rows:
        lines = fast.standard_normal((1, shape[1], 1) if across else (shape[0], 1, 1), dtype=np.float32)
        field += np.float32(rows) * lines
        field /= np.float32(np.hypot(1, rows))
    return field


def _grain(shape: tuple[int, ...], channels: int, size: float, rng: np.random.Generator) -> Image:
    """White noise whose grains are about `size` pixels wide, rescaled to unit variance."""
    height, width = shape[:2]
    if size == 1.0:
        return rng.standard_normal((height, width, channels), dtype=np.float32)
    small = rng.standard_normal((round(height / size) + 1, round(width / size) + 1, channels), dtype=np.float32)
    large = filters.resize(small, height, width, filters.CUBIC)
    return large / max(float(large.std()), 1e-6)


def _expose(image: Image, field: Image, sigma: float, shot: float) -> Image:
    """Poisson-Gaussian noise (Foi et al. 2008): linear variance a * x + b, of sRGB level `sigma` at middle grey."""
    linear = to_linear(image)
    grey_variance = (sigma / _SLOPE_AT_GREY) ** 2
    deviation = np.sqrt(grey_variance * (shot / MIDDLE_GREY * linear + (1 - shot)))
    return to_srgb(linear + deviation * field)


def _stuck(image: Image, share: float, rng: np.random.Generator) -> Image:
    """Single pixels that are white or black (impulse noise), or sites that shine in one colour, at times interpolated.

    Those of a smaller share are among those of a larger one.
    """
    kind = pick(rng, {"impulse": 1, "hot": 1.5})
    spread = kind == "hot" and bool(rng.random() < 0.6)
    fast = fast_generator(rng)
    order, strength = fast.random((2, *image.shape[:2], 1), dtype=np.float32)
    stuck = order < share
    if kind == "impulse":
        return np.where(stuck, (strength < 0.5).astype(np.float32), image)
    channel = fast.integers(3, size=(*image.shape[:2], 1)) == np.arange(3)
    light = np.where(stuck & channel, np.float32(0.3) + np.float32(0.7) * strength, np.float32(0))
    if spread:  # as the interpolation of a mosaic does
        light = filters.convolve(light, np.outer([0.5, 1, 0.5], [0.5, 1, 0.5]).astype(np.float32))
    return to_srgb(to_linear(image) + light)


def _denoise(noisy: Image, sigma: float, strength: float, window: int, chroma_sigma: float) -> Image:
    """A camera's denoising: colour smoothed, brightness by Lee's local filter (1980), which smears weak texture; the
    strong kind smooths all that is not an edge (bilateral filter), as if the photo were painted.
    """
    luma = luminance(noisy)
    painted = strength > _PAINTED
    chroma = filters.gaussian(noisy - luma, 2 * chroma_sigma if painted else chroma_sigma)
    if painted:
        return clip(filters.bilateral(luma, 3.0 * sigma) + chroma)
    mean = filters.box(luma, window)
    variance = np.maximum(filters.box(luma**2, window) - mean**2, 1e-8)
    own_variance = np.float32(sigma**2 * float((LUMA**2).sum() + 1) / 2)
    smeared = mean + np.maximum(variance - own_variance, 0) / variance * (luma - mean)
    return clip((1 - strength) * noisy + strength * (smeared + chroma))
