"""Typed, thin fronts for OpenCV's spatial filters. Borders are mirrored, so nothing dark leaks in."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from piqa_training.degrade.light import Image, Mask

NEAREST, LINEAR, CUBIC = cv2.INTER_NEAREST_EXACT, cv2.INTER_LINEAR, cv2.INTER_CUBIC
AREA, LANCZOS = cv2.INTER_AREA, cv2.INTER_LANCZOS4


def gaussian(image: Image, sigma: float) -> Image:
    """Gaussian blur of 1 to 4 channels, sigma in pixels."""
    blurred = cv2.GaussianBlur(image, (0, 0), sigma, sigmaY=sigma, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, dtype=np.float32).reshape(image.shape)


def box(image: Image, size: int) -> Image:
    """Mean over size x size pixels."""
    blurred = cv2.blur(image, (size, size), borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, dtype=np.float32).reshape(image.shape)


def bilateral(image: Image, tolerance: float) -> Image:
    """Smooth one channel within 3 pixels, but not across steps much larger than `tolerance` in value (bilateral filter,
    Tomasi and Manduchi 1998).
    """
    smoothed = cv2.bilateralFilter(image, 7, max(tolerance, 1e-3), 2.0, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(smoothed, dtype=np.float32).reshape(image.shape)


def convolve(image: Image, kernel: Mask) -> Image:
    """Filter 1 to 4 channels with one kernel."""
    filtered = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(filtered, dtype=np.float32).reshape(image.shape)


def resize(image: Image, height: int, width: int, method: int = LINEAR) -> Image:
    """Resample to height x width pixels; the number of channels stays."""
    resized = cv2.resize(image, (width, height), interpolation=method)
    return np.asarray(resized, dtype=np.float32).reshape(height, width, *image.shape[2:])


def warp(image: Image, matrix: npt.NDArray[np.float64]) -> Image:
    """Move by a 2 x 3 affine matrix in pixels, at the same size."""
    height, width = image.shape[:2]
    moved = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, dtype=np.float32).reshape(image.shape)


def smooth_field(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """A slowly varying field over the picture, (H, W, 1) in [-1, 1]: uneven light, or the depth of a haze."""
    rows, columns = (int(n) for n in rng.integers(2, 5, size=2))
    cells = rng.uniform(-1, 1, size=(rows, columns)).astype(np.float32)
    cells -= cells.mean()
    cells /= max(float(np.abs(cells).max()), 1e-3)
    return np.clip(resize(cells, shape[0], shape[1], CUBIC), -1, 1)[..., None]
