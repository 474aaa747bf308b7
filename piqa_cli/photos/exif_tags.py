"""EXIF tags of a file, by number, wherever the format keeps them."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import Any, BinaryIO

import exifread
from PIL import Image

from piqa_cli.photos.content import RAW, sniff
from piqa_cli.photos.metered import metered
from piqa_cli.photos.opening import open_regular
from piqa_cli.photos.pillow import open_image, relaxed_pillow

_EXIF_IFD = 0x8769
_GPS_IFD = 0x8825
_BYTES = (1, 7)  # types; the second is called undefined
_STOP_TAG = "ExifOffset"  # behind it in the first IFD stands GPSInfo; the Exif IFD itself is still read
_CR3_HEAD_BYTES = 65536
_RAF_MAGIC = b"FUJIFILMCCD-RAW"
_RAF_PREVIEW_AT = 84  # big-endian offset and length of the JPEG preview, which holds the EXIF


class Tag(IntEnum):
    """The tags that piqa reads (EXIF 2.32, tables 4 to 8)."""

    MAKE = 0x010F
    MODEL = 0x0110
    DATE_TIME = 0x0132
    EXPOSURE_TIME = 0x829A
    F_NUMBER = 0x829D
    ISO_SPEED_RATINGS = 0x8827
    STANDARD_OUTPUT_SENSITIVITY = 0x8831
    RECOMMENDED_EXPOSURE_INDEX = 0x8832
    ISO_SPEED = 0x8833
    DATE_TIME_ORIGINAL = 0x9003
    DATE_TIME_DIGITIZED = 0x9004
    OFFSET_TIME = 0x9010
    OFFSET_TIME_ORIGINAL = 0x9011
    OFFSET_TIME_DIGITIZED = 0x9012
    EXPOSURE_BIAS = 0x9204
    FOCAL_LENGTH = 0x920A
    SUB_SEC_TIME = 0x9290
    SUB_SEC_TIME_ORIGINAL = 0x9291
    SUB_SEC_TIME_DIGITIZED = 0x9292
    LENS_MODEL = 0xA434


class GpsTag(IntEnum):
    """The location tags that piqa reads when it is asked to (EXIF 2.32, table 15)."""

    LATITUDE_REF = 0x0001
    LATITUDE = 0x0002
    LONGITUDE_REF = 0x0003
    LONGITUDE = 0x0004


_WANTED = frozenset(Tag)
_NUMBERS = frozenset(
    {
        Tag.EXPOSURE_TIME,
        Tag.F_NUMBER,
        Tag.ISO_SPEED_RATINGS,
        Tag.STANDARD_OUTPUT_SENSITIVITY,
        Tag.RECOMMENDED_EXPOSURE_INDEX,
        Tag.ISO_SPEED,
        Tag.EXPOSURE_BIAS,
        Tag.FOCAL_LENGTH,
    }
)
_WANTED_GPS = frozenset(GpsTag)

# With no handler set up, Python would print the library's complaints about odd EXIF on stderr.
logging.getLogger("exifread").addHandler(logging.NullHandler())


def read_tags(path: Path) -> dict[int, object]:
    """Tag number -> str, bytes or a number, for the tags of `Tag` that the file holds.

    exifread knows JPEG, TIFF and the RAW formats built on it, PNG, WebP, HEIC and AVIF; for what it does not find there
    (other HEIC brands, BigTIFF, EXIF behind the first 4000 bytes of a JPEG, a camera behind `_STOP_TAG` where tags are
    in no order) Pillow is asked. Raises OSError where the file cannot be read.
    """
    with open_regular(path) as file:
        kind = sniff(file, path)
        if kind is None:
            return {}
        tags: dict[int, object] = {}
        for block in _blocks(file):
            tags |= _with_exifread(block)
        if not {Tag.MAKE, Tag.MODEL} <= tags.keys() and kind != RAW:
            file.seek(0)
            with suppress(Exception):  # what there is already stays
                tags = {**_with_pillow(file, kind), **tags}
    return tags


def read_gps_tags(path: Path) -> dict[int, object]:
    """Tag number -> text, bytes or a list of numbers, for the tags of `GpsTag` that the file holds.

    Raises whatever the libraries do.
    """
    with open_regular(path) as file:
        kind = sniff(file, path)
        if kind is None:
            return {}
        tags: dict[int, object] = {}
        for block, first_is_gps in _gps_blocks(file):
            tags |= _gps_with_exifread(block, "Image " if first_is_gps else "GPS ")
        if not tags and kind != RAW:
            file.seek(0)
            tags = _gps_with_pillow(file, kind)
    return tags


def _blocks(file: BinaryIO) -> Iterator[BinaryIO]:
    """The file itself, or the parts of it that exifread understands, for two RAW containers that it does not know."""
    head = file.read(_RAF_PREVIEW_AT + 8)
    if head.startswith(_RAF_MAGIC):
        file.seek(int.from_bytes(head[-8:-4], "big"))
        yield io.BytesIO(file.read(int.from_bytes(head[-4:], "big")))
    elif head[4:12] == b"ftypcrx ":
        head += file.read(_CR3_HEAD_BYTES)
        yield from (_cr3_box(head, name) for name in (b"CMT1", b"CMT2"))  # the first IFD and the Exif IFD
    else:
        yield file


def _gps_blocks(file: BinaryIO) -> Iterator[tuple[BinaryIO, bool]]:
    """What `_blocks` gives; CR3 has its GPS directory alone, as the first one of a box of its own."""
    head = file.read(_CR3_HEAD_BYTES)
    file.seek(0)
    if head[4:12] == b"ftypcrx ":
        yield _cr3_box(head, b"CMT4"), True
    else:
        yield from ((block, False) for block in _blocks(file))


def _cr3_box(head: bytes, name: bytes) -> BinaryIO:
    """A box's content: a TIFF file in small. Boxes begin with their length, in 4 bytes, and their name."""
    at = head.index(name)
    return io.BytesIO(head[at + 4 : at - 4 + int.from_bytes(head[at - 4 : at], "big")])


def _with_exifread(file: BinaryIO) -> dict[int, object]:
    try:
        found = exifread.process_file(metered(file), details=False, extract_thumbnail=False, stop_tag=_STOP_TAG)
    except Exception:  # it trips over damaged blocks in many ways; Pillow may still find its way
        return {}
    return {
        entry.tag: _as_read(entry)
        for name, entry in found.items()
        if name.startswith(("Image ", "EXIF ")) and entry.tag in _WANTED
    }


def _as_read(entry: Any) -> object:
    """The first of several numbers; text also where it is stored as bytes, of which exifread makes a list."""
    return bytes(entry.values) if entry.tag not in _NUMBERS and entry.field_type in _BYTES else _first(entry.values)


def _with_pillow(file: BinaryIO, kind: str) -> dict[int, object]:
    with relaxed_pillow(), open_image(file, kind) as image:
        exif = _pillow_exif(image)
        merged = {**exif, **exif.get_ifd(_EXIF_IFD)}
        return {tag: _as_stored(_first(value)) for tag, value in merged.items() if tag in _WANTED}


def _as_stored(value: object) -> object:
    """Text as the bytes of the file: Pillow takes all of it for Latin-1, and much is UTF-8."""
    return value.encode("latin-1", errors="replace") if isinstance(value, str) else value


def _pillow_exif(image: Image.Image) -> Image.Exif:
    """Empty where the header promises none: asked for it, a PNG would be decoded to its end in search of it."""
    promised = image.format == "TIFF" or {"exif", "Raw profile type exif"} & image.info.keys()
    return image.getexif() if promised else Image.Exif()


def _gps_with_exifread(file: BinaryIO, prefix: str) -> dict[int, object]:
    try:
        found = exifread.process_file(metered(file), details=False, extract_thumbnail=False)
    except Exception:
        return {}
    return {
        entry.tag: _gps_as_read(entry)
        for name, entry in found.items()
        if name.startswith(prefix) and entry.tag in _WANTED_GPS
    }


def _gps_as_read(entry: Any) -> object:
    """Text also where it is stored as bytes, and all numbers, of which exifread wraps floats one by one."""
    if entry.field_type in _BYTES:
        return bytes(entry.values)
    return entry.values if isinstance(entry.values, str) else [_first(value) for value in entry.values]


def _gps_with_pillow(file: BinaryIO, kind: str) -> dict[int, object]:
    with relaxed_pillow(), open_image(file, kind) as image:
        found: dict[int, object] = dict(_pillow_exif(image).get_ifd(_GPS_IFD))
        return {
            tag: [value] if isinstance(value, float) else value for tag, value in found.items() if tag in _WANTED_GPS
        }


def _first(value: object) -> object:
    """The first of several numbers, of which exifread wraps floats one by one; text and single numbers as they are."""
    return _first(next(iter(value), None)) if isinstance(value, (list, tuple)) else value
