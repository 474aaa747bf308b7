"""What a page shows of one photo: the photo in small, and its main face at native resolution."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from piqa_cli.errors import PhotoError
from piqa_cli.photos.decode import decode
from piqa_cli.records import Box
from piqa_cli.report.previews import read_preview

FORMAT, SUFFIX, MIME = "WEBP", "webp", "image/webp"
_FACE_MARGIN = 0.2  # of the box's size, on each side
_EYE_LEVEL = 0.4  # of the box's height: what a crop that is smaller than the face is centred on
_MOST_NATIVE_PIXELS = 80_000_000  # beyond it a full decode in every process takes too much memory
_WEBP_EFFORT = 3  # of 6
_THUMB_STEPS = ((1.0, 82), (1.0, 70), (1.0, 56), (1.0, 42), (0.8, 42), (0.6, 42), (0.45, 40))
_FACE_STEPS = ((512, 84), (512, 76), (448, 76), (384, 72), (320, 70), (256, 66), (192, 60), (128, 50))
_FACE_SHARE = 0.55  # of the budget, at most; the thumbnail has what it leaves


@dataclass(frozen=True, slots=True)
class PictureJob:
    """What to make of one photo."""

    path: Path
    size: tuple[int, int] | None  # upright photo in pixels, as it was scored; the face's box is in these
    face: Box | None
    side: int  # long side of the thumbnail in pixels
    budget: int  # bytes for both pictures
    max_pixels: int


@dataclass(frozen=True, slots=True)
class Pictures:
    """WebP files in sRGB, upright, without any metadata."""

    thumb: bytes | None = None
    thumb_size: tuple[int, int] | None = None
    face: bytes | None = None
    face_crop: tuple[int, int, int, int] | None = None  # x1, y1, x2, y2 in pixels of the upright photo
    error: str | None = None  # why there is no thumbnail


def make_pictures(job: PictureJob) -> Pictures:
    """Read a photo and make its pictures. Never raises: a photo that cannot be read has a reason instead."""
    try:
        return _make(job)
    except PhotoError as error:
        return no_pictures(error.message)
    except Exception as error:  # one photo never stops a report, whatever a decoder does
        return no_pictures(f"unexpected {type(error).__name__}: {error}")


def _make(job: PictureJob) -> Pictures:
    preview = None if job.face else read_preview(job.path, job.side)
    if preview is not None:
        thumb, size = _thumb(preview.image, job.side, job.budget)
        return Pictures(thumb, size)
    native = job.face is not None and (job.size is None or job.size[0] * job.size[1] <= _MOST_NATIVE_PIXELS)
    photo = decode(job.path, max_side=None if native else job.side, max_pixels=job.max_pixels)
    known = native and job.size in (None, (photo.width, photo.height))  # else the box is of another picture
    face, crop = _face(photo.image, job.face, round(job.budget * _FACE_SHARE)) if known and job.face else (None, None)
    thumb, size = _thumb(photo.image, job.side, job.budget - len(face or b""))
    return Pictures(thumb, size, face, crop)


def face_region(size: tuple[int, int], face: Box, side: int) -> tuple[int, int, int, int] | None:
    """The part of the photo, at most `side` pixels each way, that shows the face: all of it, or around the eyes.

    Args:
        size: width and height of the photo.
        face: its box, in pixels of the photo.
        side: the most pixels.

    Returns:
        x1, y1, x2, y2 within the photo; None where the box lies outside it.
    """
    (x1, y1, x2, y2), (width, height) = face, size
    wide, high = (x2 - x1) * (1 + 2 * _FACE_MARGIN), (y2 - y1) * (1 + 2 * _FACE_MARGIN)
    level = 0.5 if high <= side else _EYE_LEVEL
    left, right = _span((x1 + x2) / 2, min(wide, side), width)
    top, bottom = _span(y1 + level * (y2 - y1), min(high, side), height)
    return (left, top, right, bottom) if right - left > 1 and bottom - top > 1 else None


def _span(center: float, length: float, limit: int) -> tuple[int, int]:
    start = max(round(center - length / 2), 0)
    return start, min(round(center + length / 2), limit, start + round(length))


def _thumb(image: Image.Image, side: int, budget: int) -> tuple[bytes, tuple[int, int]]:
    """The photo in small, as good as the budget allows; the last step is taken in any case."""
    data, size = b"", (0, 0)
    for shrink, quality in _THUMB_STEPS:
        small = _shrunk(image, max(1, round(side * shrink)))
        data, size = _encoded(small, quality), small.size
        if len(data) <= budget:
            break
    return data, size


def _face(image: Image.Image, face: Box, budget: int) -> tuple[bytes | None, tuple[int, int, int, int] | None]:
    """The face at full resolution: what must be smaller shows less of it, never coarser pixels."""
    for side, quality in _FACE_STEPS:
        crop = face_region(image.size, face, side)
        data = _encoded(image.crop(crop), quality) if crop else b""
        if crop and len(data) <= budget:
            return data, crop
    return None, None


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    if scale >= 1:
        return image
    wide, high = (max(1, round(length * scale)) for length in image.size)
    return image.resize((wide, high), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _encoded(image: Image.Image, quality: int) -> bytes:
    bare = Image.frombytes("RGB", image.size, image.convert("RGB").tobytes())  # no metadata comes along
    buffer = io.BytesIO()
    bare.save(buffer, FORMAT, quality=quality, method=_WEBP_EFFORT)
    return buffer.getvalue()


def no_pictures(reason: str) -> Pictures:
    """Of a photo that cannot be read."""
    return Pictures(error=reason)
