"""The sensor and its first processing: photon and read noise, a camera's denoising, hot pixels, too few pixels."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.recipes_base import Picture, clip, to_linear, to_srgb

FULL_WELLS = (800.0, 300.0, 120.0, 45.0, 15.0)  # electrons at white
READ_NOISE = (2.0, 2.5, 3.0, 3.5, 4.0)  # electrons
SMEARED_WELLS = (400.0, 150.0, 65.0, 32.0, 16.0)
DENOISING = ((0.12, 1.5), (0.2, 2.0), (0.3, 3.0), (0.45, 4.0), (0.7, 6.0))  # tolerance of brightness, chroma radius
HOT_SHARE = (0.0005, 0.0015, 0.004, 0.012, 0.035)  # of the pixels
FACTORS = (1.5, 2.2, 3.2, 4.8, 7.5)  # coarser sampling


def noise(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """Poisson photon noise and Gaussian read noise on linear light."""
    return to_srgb(_exposed(to_linear(picture), FULL_WELLS[level - 1], READ_NOISE[level - 1], rng))


def _exposed(linear: Picture, full: float, read: float, rng: np.random.Generator) -> Picture:
    electrons = rng.poisson(linear * full) + rng.normal(0, read, linear.shape)
    return np.asarray(electrons / full, dtype=np.float32)


def smeared_noise(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """A noisy Bayer mosaic, interpolated and denoised by the camera until texture smears and colours run."""
    mosaic = _mosaic(_exposed(to_linear(picture), SMEARED_WELLS[level - 1], READ_NOISE[level - 1], rng))
    raw = np.asarray(np.clip(mosaic, 0, 1) * 65535, dtype=np.uint16)
    coloured = to_srgb(cv2.cvtColor(raw, cv2.COLOR_BayerRG2BGR)[..., ::-1].astype(np.float32) / np.float32(65535))
    ycc = cv2.cvtColor(coloured, cv2.COLOR_RGB2YCrCb)
    tolerance, radius = DENOISING[level - 1]
    brightness = np.ascontiguousarray(ycc[..., 0])
    for share in (1.0, 0.5):  # the second pass takes what stood out of the first
        brightness = cv2.bilateralFilter(brightness, 9, tolerance * share, 2.5)
    ycc[..., 0] = brightness
    ycc[..., 1:] = cv2.GaussianBlur(np.ascontiguousarray(ycc[..., 1:]), (0, 0), radius)
    return clip(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB))


def _mosaic(linear: Picture) -> Picture:
    """One colour a pixel, by the pattern that OpenCV calls RG: (H, W)."""
    mosaic = linear[..., 1].copy()
    mosaic[1::2, 1::2] = linear[1::2, 1::2, 0]
    mosaic[0::2, 0::2] = linear[0::2, 0::2, 2]
    return mosaic


def hot_pixels(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """Single sensor sites that shine by themselves; a higher level has all of a lower level's and more."""
    height, width = picture.shape[:2]
    order, strength = rng.random((2, height, width), dtype=np.float32)
    channel = rng.integers(3, size=(height, width))
    hot = np.zeros_like(picture)
    for number in range(3):
        own = (order < HOT_SHARE[level - 1]) & (channel == number)
        hot[..., number] = own * (0.3 + 0.7 * strength)
    interpolated = cv2.filter2D(hot, cv2.CV_32F, np.array([[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]]))
    return to_srgb(to_linear(picture) + interpolated)


def low_resolution(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    """Too few pixels, enlarged by a bicubic filter."""
    height, width = picture.shape[:2]
    factor = FACTORS[level - 1]
    small = cv2.resize(
        picture, (max(round(width / factor), 8), max(round(height / factor), 8)), None, 0, 0, cv2.INTER_AREA
    )
    return clip(cv2.resize(small, (width, height), None, 0, 0, cv2.INTER_CUBIC))
