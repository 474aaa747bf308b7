"""Makers of photo files for the tests: a portrait, EXIF, ICC profiles, a DNG file."""

from __future__ import annotations

import io
import struct
from functools import cache
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image
from skimage import data

_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _SIGNED_RATIONAL = 1, 2, 3, 4, 5, 10
_PACK = {_BYTE: "B", _SHORT: "H", _LONG: "I", _RATIONAL: "I", _SIGNED_RATIONAL: "i"}
_DIRECTORY_BYTES = 1024


FORMATS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "WEBP": {"quality": 95},
    "TIFF": {"compression": "tiff_deflate"},
    "BMP": {},
    "AVIF": {"quality": 95, "speed": 10, "subsampling": "4:4:4"},
    "HEIF": {"quality": 95, "chroma": 444},
}

pillow_heif.register_heif_opener()  # the writers, too


@cache
def portrait() -> Image.Image:
    """The astronaut, 512 x 512, RGB."""
    return Image.fromarray(data.astronaut())


@cache
def portrait_as(kind: str) -> bytes:
    """The astronaut in a format of `FORMATS`."""
    return encoded(portrait(), kind, **FORMATS[kind])


def corners(width: int = 96, height: int = 64) -> Image.Image:
    """Upright: red top left, green top right, blue bottom left, white bottom right."""
    image = Image.new("RGB", (width, height), "white")
    half = width // 2, height // 2
    for color, at in (("red", (0, 0)), ("lime", (half[0], 0)), ("blue", (0, half[1]))):
        image.paste(color, (*at, at[0] + half[0], at[1] + half[1]))
    return image


def stored_as(upright: Image.Image, orientation: int) -> Image.Image:
    """The pixels that a file with this EXIF orientation holds."""
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return upright.transpose(inverse[orientation]) if orientation in inverse else upright


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(first: dict[int, Any] | None = None, sub: dict[int, Any] | None = None) -> Image.Exif:
    """EXIF with tags in the first IFD and in the Exif IFD."""
    block = Image.Exif()
    block.update(first or {})
    if sub:
        block.get_ifd(0x8769).update(sub)
    return block


def matrix_profile(red: tuple[float, ...], green: tuple[float, ...], blue: tuple[float, ...], gamma: float) -> bytes:
    """An ICC version 2 display profile: the XYZ (D50) of the three primaries and one gamma."""

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"text\0\0\0\0made\0\0\0\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + bytes(78) + b"\0"
    blocks = {b"desc": description, b"cprt": text, b"wtpt": xyz((0.9642, 1.0, 0.8249))}
    blocks |= {b"rXYZ": xyz(red), b"gXYZ": xyz(green), b"bXYZ": xyz(blue)}
    blocks |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, start = struct.pack(">I", len(blocks)), b"", 128 + 4 + 12 * len(blocks)
    for name, block in blocks.items():
        table += name + struct.pack(">2I", start + len(body), len(block))
        body += block + bytes(-len(block) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + body


SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
ADOBE_PRIMARIES = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))


def make_dng(preview: bytes | None, preview_size: tuple[int, int], orientation: int = 1) -> bytes:
    """A DNG file that LibRaw accepts: 16 x 12 thumbnail, 640 x 480 of flat sensor data, a JPEG preview or none."""
    sensor = np.full((480, 640), 2000, np.uint16).tobytes()
    thumbnail = bytes(16 * 12 * 3)
    sensor_at = 8 + 3 * _DIRECTORY_BYTES
    thumbnail_at = sensor_at + len(sensor)
    preview_at = thumbnail_at + len(thumbnail)
    subs = [8 + _DIRECTORY_BYTES] + ([8 + 2 * _DIRECTORY_BYTES] if preview else [])
    main = _image_tags((16, 12), 1, 2, thumbnail_at, len(thumbnail)) | {254: (_LONG, [1]), 330: (_LONG, subs)}
    main |= {271: (_ASCII, "Canon"), 272: (_ASCII, "Canon EOS 5D"), 274: (_SHORT, [orientation])}
    main |= {50706: (_BYTE, [1, 4, 0, 0]), 50707: (_BYTE, [1, 1, 0, 0]), 50708: (_ASCII, "Canon EOS 5D")}
    main |= {50721: (_SIGNED_RATIONAL, [v for i in range(9) for v in (int(i % 4 == 0), 1)]), 50778: (_SHORT, [21])}
    raw = _image_tags((640, 480), 1, 32803, sensor_at, len(sensor)) | {254: (_LONG, [0]), 258: (_SHORT, [16])}
    raw |= {277: (_SHORT, [1]), 33421: (_SHORT, [2, 2]), 33422: (_BYTE, [0, 1, 1, 2]), 50717: (_SHORT, [65535])}
    shown = _image_tags(preview_size, 7, 6, preview_at, len(preview or b"")) | {254: (_LONG, [1])}
    out = b"II*\0" + struct.pack("<I", 8)
    for tags in (main, raw, shown):
        out += _directory(tags, len(out)).ljust(_DIRECTORY_BYTES, b"\0")
    return out + sensor + thumbnail + (preview or b"")


def _image_tags(size: tuple[int, int], compression: int, photometric: int, at: int, length: int) -> dict[int, Any]:
    tags = {256: (_LONG, [size[0]]), 257: (_LONG, [size[1]]), 258: (_SHORT, [8, 8, 8]), 259: (_SHORT, [compression])}
    tags |= {262: (_SHORT, [photometric]), 273: (_LONG, [at]), 277: (_SHORT, [3]), 278: (_LONG, [size[1]])}
    return tags | {279: (_LONG, [length])}


def _directory(tags: dict[int, Any], at: int) -> bytes:
    """A little-endian TIFF directory that stands at byte `at`."""
    out, extra = struct.pack("<H", len(tags)), b""
    extra_at = at + 2 + 12 * len(tags) + 4
    for tag, (kind, values) in sorted(tags.items()):
        content = values.encode() + b"\0" if kind == _ASCII else struct.pack(f"<{len(values)}{_PACK[kind]}", *values)
        count = len(content) if kind == _ASCII else len(values) // (2 if kind in (_RATIONAL, _SIGNED_RATIONAL) else 1)
        field = content.ljust(4, b"\0")
        if len(content) > 4:
            field = struct.pack("<I", extra_at + len(extra))
            extra += content + bytes(len(content) % 2)
        out += struct.pack("<HHI", tag, kind, count) + field
    return out + bytes(4) + extra
