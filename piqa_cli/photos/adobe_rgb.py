"""Adobe RGB photos without a colour profile: cameras say it in EXIF alone, as the file system standard DCF 2.0 asks."""

from __future__ import annotations

import functools
import struct

from PIL import ExifTags, Image

from piqa_cli.photos.pillow import bare_exif

_UNCALIBRATED, _ADOBE_RGB = 0xFFFF, 2  # the second is what some cameras write beside the standard
_INTEROP_INDEX, _DCF_OPTION = 1, "R03"
_D50 = (0.9642, 1.0, 0.8249)
_PRIMARIES = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))  # XYZ for D50
_GAMMA = 563 / 256  # Adobe RGB (1998) Color Image Encoding, 4.3.1.2


def says_adobe_rgb(image: Image.Image) -> bool:
    """Whether the EXIF block of a JPEG says that its numbers are Adobe RGB. An embedded profile goes before it."""
    if image.format not in ("JPEG", "MPO"):
        return False
    try:
        exif = bare_exif(image)
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
        index = exif.get_ifd(ExifTags.IFD.Interop).get(_INTEROP_INDEX)
    except Exception:  # broken EXIF of any kind is no reason to refuse the photo
        return False
    return space == _ADOBE_RGB or (space == _UNCALIBRATED and str(index).rstrip("\0 ") == _DCF_OPTION)


@functools.cache
def adobe_rgb_profile() -> bytes:
    """An ICC profile (version 2) of Adobe RGB (1998): white, three primaries and one curve."""
    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(_GAMMA * 256))
    blocks = {name: _xyz(values) for name, values in zip((b"rXYZ", b"gXYZ", b"bXYZ"), _PRIMARIES, strict=True)}
    blocks |= {b"wtpt": _xyz(_D50)} | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    place = 128 + 4 + 12 * len(blocks)
    table, body = struct.pack(">I", len(blocks)), b""
    for name, block in blocks.items():
        table += name + struct.pack(">II", place + len(body), len(block))
        body += block
    head = struct.pack(">I4xI4s4s4s12x4s28x", place + len(body), 0x02100000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    return (head + _xyz(_D50)[8:]).ljust(128, b"\0") + table + body


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))
