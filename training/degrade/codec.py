"""Lossy compression: JPEG in several habits, WebP, AVIF and JPEG 2000 as real encoders make them."""

from __future__ import annotations

import io

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from piqa_training.degrade import filters
from piqa_training.degrade.light import Image, clip, pick

Bytes = npt.NDArray[np.uint8]

_SAMPLINGS = (0x221111, 0x221111, 0x111111, 0x211111)  # 4:2:0 twice as likely, 4:4:4, 4:2:2
_HABITS = {"jpeg": 5.0, "twice": 1.5, "small": 1.5, "webp": 0.8, "avif": 0.8, "jpeg2000": 0.4}
_BEST_QUALITY, _WORST_QUALITY = 92.0, 4.0


def compression(image: Image, severity: float, rng: np.random.Generator) -> Image:
    """Compressed once, twice on shifted blocks, at reduced size (large blocks), or by a newer codec."""
    habit = pick(rng, _HABITS)
    sampling = int(rng.choice(_SAMPLINGS))
    shift, shrink = rng.integers(1, 8, size=2), float(rng.uniform(1.3, 2.2))
    quality = quality_for(severity)
    if habit == "twice":
        first = jpeg(np.roll(image, shift, axis=(0, 1)), quality, sampling)
        return jpeg(np.roll(first, -shift, axis=(0, 1)), min(quality * 1.3, 95.0), sampling)
    if habit == "small":
        return _compress_small(image, severity, shrink, sampling)
    if habit == "jpeg":
        return jpeg(image, quality, sampling)
    return _newer_codec(image, severity, habit)


def quality_for(severity: float) -> float:
    """JPEG quality: 92 towards 0, 67 at 0.1, 36 at 0.3, 14 at 0.6, 4 at 1."""
    return float(_BEST_QUALITY * (_WORST_QUALITY / _BEST_QUALITY) ** severity)


def jpeg(image: Image, quality: float, sampling: int = _SAMPLINGS[0]) -> Image:
    """There and back through baseline JPEG (libjpeg quality 1-100, OpenCV's chroma sampling code)."""
    options = [cv2.IMWRITE_JPEG_QUALITY, max(1, round(quality)), cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    _, encoded = cv2.imencode(".jpg", np.ascontiguousarray(_to_bytes(image)[..., ::-1]), options)
    return _to_float(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), dtype=np.uint8)[..., ::-1])


def _compress_small(image: Image, severity: float, shrink: float, sampling: int) -> Image:
    """Shrunk, compressed, enlarged: what messengers and web thumbnails do. The shrinking grows with severity."""
    height, width = image.shape[:2]
    factor = 1 + (shrink - 1) * min(1.0, 2.5 * severity)
    small = filters.resize(image, max(16, round(height / factor)), max(16, round(width / factor)), filters.AREA)
    return clip(filters.resize(jpeg(clip(small), quality_for(0.8 * severity), sampling), height, width, filters.CUBIC))


def _newer_codec(image: Image, severity: float, habit: str) -> Image:
    """WebP, AVIF or JPEG 2000; where their scales of quality end, the picture is shrunk too."""
    height, width = image.shape[:2]
    factor = 1 + 3 * max(0.0, severity - 0.4) ** 2
    small = clip(filters.resize(image, round(height / factor), round(width / factor), filters.AREA))
    return clip(filters.resize(_through_pillow(small, severity, habit), height, width, filters.CUBIC))


def _through_pillow(image: Image, severity: float, habit: str) -> Image:
    stream = io.BytesIO()
    picture = PillowImage.fromarray(_to_bytes(image))
    if habit == "webp":
        picture.save(stream, "WEBP", quality=round(70 * (1 - severity) ** 1.6), method=0)
    elif habit == "avif":
        picture.save(stream, "AVIF", quality=round(62 * (1 - severity) ** 1.3), speed=10)
    else:
        rate = 14.0 * 30.0**severity  # compression ratio
        picture.save(stream, "JPEG2000", quality_mode="rates", quality_layers=[rate], irreversible=True, mct=1)
    with PillowImage.open(stream) as decoded:
        return _to_float(np.asarray(decoded.convert("RGB")))


def _to_bytes(image: Image) -> Bytes:
    return np.asarray(image * 255 + 0.5).astype(np.uint8)


def _to_float(image: Bytes) -> Image:
    return np.ascontiguousarray(image).astype(np.float32) / np.float32(255)
