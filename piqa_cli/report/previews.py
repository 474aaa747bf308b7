"""Small pictures that cameras put into JPEG files: reading one is many times faster than decoding the photo."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageOps

from piqa_cli.photos.color import flatten, to_srgb
from piqa_cli.photos.content import sniff
from piqa_cli.photos.opening import open_regular
from piqa_cli.photos.pillow import SIDEWAYS, exif_orientation, open_image, relaxed_pillow

_ORIENTATION = ExifTags.Base.Orientation
_MP_ENTRIES = 0xB002  # multi-picture format (CIPA DC-007): the list of pictures
_THUMBNAIL_AT, _THUMBNAIL_BYTES = 0x0201, 0x0202
_SAME_SHAPE = 0.02  # relative: a letterboxed thumbnail is no picture of the photo


@dataclass(frozen=True)
class Preview:
    """A small picture of a photo, upright, sRGB."""

    image: Image.Image
    width: int  # pixels of the upright photo itself
    height: int


def read_preview(path: Path, side: int) -> Preview | None:
    """An embedded preview that can stand for the photo in small, or None. Never raises.

    Good enough is one whose long side has at least `side` pixels, in the photo's shape, in a file that was not changed
    since it was taken: photo editors leave old previews behind, which show what was cut off or painted over.
    """
    with suppress(Exception), open_regular(path) as file, relaxed_pillow():
        if sniff(file, path) == "JPEG":
            photo = open_image(file, "JPEG")
            exif, profile, (width, height) = photo.getexif(), photo.info.get("icc_profile"), photo.size
            orientation = exif_orientation(photo) or 1
            for image in _candidates(photo, exif) if _is_as_taken(exif) else ():
                if max(image.size) >= side and _has_shape(image, width, height):
                    image.load()
                    return _upright(to_srgb(flatten(image), profile), width, height, orientation)
    return None


def _is_as_taken(exif: Image.Exif) -> bool:
    taken = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
    return taken is not None and taken == exif.get(ExifTags.Base.DateTime)


def _candidates(photo: Any, exif: Image.Exif) -> Iterator[Image.Image]:
    """The EXIF thumbnail, then the "large thumbnails" of a multi-picture file (not its depth maps and gain maps)."""
    first = exif.get_ifd(ExifTags.IFD.IFD1)
    start, length = first.get(_THUMBNAIL_AT), first.get(_THUMBNAIL_BYTES)
    if isinstance(start, int) and isinstance(length, int):
        tiff = photo.info["exif"].removeprefix(b"Exif\0\0")
        with suppress(OSError):  # a broken one; there may be others
            yield open_image(io.BytesIO(tiff[start : start + length]), "JPEG")
    entries = (getattr(photo, "mpinfo", None) or {}).get(_MP_ENTRIES, ())
    wanted = [number for number, entry in enumerate(entries) if "Large Thumbnail" in entry["Attribute"]["MPType"]]
    for number in sorted(wanted, key=lambda number: entries[number]["Size"]):
        photo.seek(number)
        yield photo


def _has_shape(image: Image.Image, width: int, height: int) -> bool:
    wide, high = image.size
    return abs(wide * height - high * width) <= _SAME_SHAPE * wide * height


def _upright(image: Image.Image, width: int, height: int, orientation: int) -> Preview:
    """Previews lie as the sensor does, and are turned as the photo is, whatever their own EXIF says."""
    image.getexif()[_ORIENTATION] = orientation
    turned = ImageOps.exif_transpose(image)
    return Preview(turned, height, width) if orientation in SIDEWAYS else Preview(turned, width, height)
