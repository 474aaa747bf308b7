"""The file and what software did to it: JPEG, HEIF, sharpening halos, posterisation."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pillow_heif
from PIL import Image

from benchmarks.recipes_base import Picture, clip, from_bytes, pixels, to_bytes

JPEG_QUALITIES = (45, 28, 17, 10, 5)
HEIF_QUALITIES = (38, 28, 19, 10, 0)
HALO_RADIUS = 1.6  # pixels
HALO_AMOUNTS = (1.5, 2.6, 4.0, 6.0, 9.0)
TONES = (20, 13, 9, 6, 4)  # of each channel


def jpeg(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    stream = io.BytesIO()
    Image.fromarray(to_bytes(picture)).save(stream, "JPEG", quality=JPEG_QUALITIES[level - 1])
    return _decoded(stream)


def heif(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    """The codec of phones (HEVC in HEIF), which the training does not use."""
    pillow_heif.register_heif_opener()
    stream = io.BytesIO()
    Image.fromarray(to_bytes(picture)).save(stream, "HEIF", quality=HEIF_QUALITIES[level - 1])
    return _decoded(stream)


def _decoded(stream: io.BytesIO) -> Picture:
    with Image.open(stream) as image:
        return from_bytes(np.asarray(image.convert("RGB")))


def oversharpening(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    """Unsharp masking far beyond need: bright and dark lines beside every edge."""
    soft = cv2.GaussianBlur(picture, (0, 0), pixels(picture, HALO_RADIUS))
    return clip(picture + np.float32(HALO_AMOUNTS[level - 1]) * (picture - soft))


def posterisation(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    """Too few tones: bands where there were gradients."""
    steps = np.float32(TONES[level - 1] - 1)
    return clip(np.round(picture * steps) / steps)
