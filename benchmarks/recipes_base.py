"""What the benchmark's degradations share: light, sizes, bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float32]
"""float32 (H, W, 3), RGB in [0, 1], sRGB-encoded unless a name says linear."""
Bytes = npt.NDArray[np.uint8]
Recipe = Callable[[Picture, int, np.random.Generator], Picture]
"""An sRGB picture, a level from 1 to 5 and a generator that fixes everything else -> the degraded picture."""

REC709 = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
REFERENCE_SIDE = 1100  # pixels: the long side for which sizes are given
SMALLEST_SCALE = 0.6  # a small photo is not spared: a blur below half a pixel would be none


def to_linear(picture: Picture) -> Picture:
    """sRGB -> linear light, by IEC 61966-2-1."""
    curve = cv2.pow((picture + np.float32(0.055)) / np.float32(1.055), 2.4)
    return np.where(picture <= 0.04045, picture / np.float32(12.92), curve).astype(np.float32)


def to_srgb(linear: Picture) -> Picture:
    """Linear light, saturating at 0 and 1 -> sRGB, by IEC 61966-2-1."""
    light = np.clip(linear, 0, 1).astype(np.float32)
    curve = np.float32(1.055) * cv2.pow(light, 1 / 2.4) - np.float32(0.055)
    return np.where(light <= 0.0031308, light * np.float32(12.92), curve).astype(np.float32)


def luminance(linear: Picture) -> Picture:
    """Rec. 709 luminance, (H, W)."""
    return np.asarray(linear @ REC709, dtype=np.float32)


def clip(picture: npt.NDArray[Any]) -> Picture:
    return np.asarray(np.clip(picture, 0, 1), dtype=np.float32)


def pixels(picture: Picture, at_reference: float) -> float:
    """A size in pixels that is given for a long side of `REFERENCE_SIDE`."""
    return at_reference * max(float(max(picture.shape[:2])) / REFERENCE_SIDE, SMALLEST_SCALE)


def convolve(linear: Picture, kernel: npt.NDArray[np.float64]) -> Picture:
    """Convolution with a point spread, the picture mirrored at its borders; large kernels go through the DFT."""
    point_spread = (kernel[::-1, ::-1] / kernel.sum()).astype(np.float32)
    return np.asarray(cv2.filter2D(linear, cv2.CV_32F, point_spread, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def to_bytes(picture: Picture) -> Bytes:
    return np.asarray(np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def from_bytes(values: npt.NDArray[np.uint8]) -> Picture:
    return values.astype(np.float32) / np.float32(255)
