"""Sound files of odd kinds: all of them can be scored."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from tests.photos.photo_makers import FORMATS, corners, encoded, matrix_profile, portrait_as

# 24 x 16, made by `cjpeg -arithmetic -quality 60`: Pillow reads this coding, but cannot write it.
_ARITHMETIC = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO"
    "UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
    "T09PT09PT0//yQARCAAQABgDASIAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIRAxEAPwD/ABpD03/MvlV2kz+tAzB2rv28uNpt"
    "Ualukv6rtMQP9pIRTO9BFQ8gaqT41miNa8FzkhoWyBQsw7K8pJGdpe2Azi5YujvlMnUg/9k="
)
_SUFFIX = {"JPEG": "jpg", "MPO": "jpg", "WEBP": "webp", "TIFF": "tif", "HEIF": "heic"}
_ODD_PROFILE = ((0.3, 0.6, 0.1), (0.4, 0.3, 0.2), (0.2, 0.1, 0.5))


def odd_but_sound() -> dict[str, bytes]:
    """File name -> bytes."""
    made = {f"portrait.{suffix_of(kind)}": portrait_as(kind) for kind in FORMATS}
    for kind in FORMATS:
        for width, height in ((1, 1), (1, 300), (300, 1), (2, 3)):
            made[f"{kind}-{width}x{height}.{suffix_of(kind)}"] = encoded(corners(64, 64).resize((width, height)), kind)
    for kind in ("PNG", "JPEG", "TIFF"):
        made[f"{kind}-1x20000.{suffix_of(kind)}"] = encoded(Image.new("RGB", (1, 20_000), "red"), kind)
        made[f"{kind}-20000x1.{suffix_of(kind)}"] = encoded(Image.new("RGB", (20_000, 1), "red"), kind)
    return made | _several_frames() | _colours() | _depths() | _wrong_names()


def suffix_of(kind: str) -> str:
    return _SUFFIX.get(kind, kind.lower())


def _several_frames() -> dict[str, bytes]:
    frames = [corners(64, 48).rotate(angle) for angle in (90, 180)]
    made = {
        f"several-{kind}.{suffix_of(kind)}": _first(kind, frames) for kind in ("PNG", "WEBP", "TIFF", "AVIF", "MPO")
    }
    made["several-HEIF.heic"] = _first("HEIF", frames)
    return made


def _first(kind: str, others: list[Image.Image], **options: Any) -> bytes:
    return encoded(corners(64, 48), kind, save_all=True, append_images=others, **options)


def _colours() -> dict[str, bytes]:
    cmyk = encoded(corners(64, 48).convert("CMYK"), "JPEG")
    adobe = cmyk.index(b"\xff\xee")
    length = 2 + int.from_bytes(cmyk[adobe + 2 : adobe + 4], "big")
    ycck = bytearray(cmyk)
    ycck[adobe + length - 1] = 2  # the last byte of Adobe's segment: 0 CMYK, 2 YCCK
    palette = corners(64, 48).quantize(4)
    profile = matrix_profile(*_ODD_PROFILE, 1.8)
    return {
        "cmyk-adobe.jpg": cmyk,
        "cmyk-plain.jpg": cmyk[:adobe] + cmyk[adobe + length :],
        "ycck.jpg": bytes(ycck),
        "progressive.jpg": encoded(corners(64, 48), "JPEG", progressive=True),
        "arithmetic.jpg": _ARITHMETIC,
        "palette.png": encoded(palette, "PNG"),
        "palette-transparent.png": encoded(palette, "PNG", transparency=1),
        "palette-half.png": encoded(palette, "PNG", transparency=bytes((0, 80, 160, 255))),
        "alpha.webp": encoded(corners(64, 48).convert("RGBA"), "WEBP", lossless=True),
        "one-bit.png": encoded(corners(64, 48).convert("1"), "PNG"),
        "odd-profile.jpg": encoded(corners(64, 48), "JPEG", icc_profile=profile),
        "lab.tif": encoded(corners(64, 48).convert("LAB"), "TIFF"),
    }


def _depths() -> dict[str, bytes]:
    ramp = np.linspace(0, 65535, 64 * 48).reshape(48, 64)
    floats = (ramp / 65535).astype(np.float32)
    floats[0, :4] = (np.nan, np.inf, -np.inf, -1e30)
    return {
        "16-bit.png": encoded(Image.fromarray(ramp.astype(np.uint16)), "PNG"),
        "16-bit.tif": _tiff(ramp.astype(np.uint16)),
        "32-bit.tif": _tiff(ramp.astype(np.int32)),
        "float.tif": _tiff(floats),
        "tiled.tif": _tiff(ramp.astype(np.uint16), tile=(16, 16)),
        "big-endian.tif": _tiff(ramp.astype(np.uint16), order=">"),
        "big.tif": _tiff(ramp.astype(np.uint16), big=True),
    }


def _tiff(pixels: np.ndarray[Any, Any], order: Any = "<", *, big: bool = False, **options: Any) -> bytes:
    out = io.BytesIO()
    with tifffile.TiffWriter(out, byteorder=order, bigtiff=big) as writer:
        writer.write(pixels, metadata=None, **options)
    return out.getvalue()


def _wrong_names() -> dict[str, bytes]:
    kinds = list(FORMATS)
    return {
        f"really-{k}.{suffix_of(other)}": portrait_as(k) for k, other in zip(kinds, kinds[1:] + kinds[:1], strict=True)
    }
