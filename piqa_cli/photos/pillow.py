"""Opening images with Pillow: by content, quietly, and with piqa's own pixel limit in place of Pillow's."""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Iterator
from typing import BinaryIO

from PIL import ExifTags, Image, ImageFile, TiffImagePlugin, UnidentifiedImageError

from piqa_cli.photos.jpeg_scans import check_scans
from piqa_cli.photos.silence import silent_stderr

SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations in which width and height change places
_EXIF = ("exif", "Raw profile type exif")  # Pillow's names for it; the second is of old PNG files
_TIFF_BITS_PER_SAMPLE, _TIFF_PLANAR = 258, 284
_PLANES_APART = 2
_AS_STORED = {"I;16BS": "I;16NS", "I;32BS": "I;32NS", "F;32BF": "F;32NF"}  # Pillow's raw modes, and what libtiff gives
_GREYS_SPREAD: dict[object, int] = {"L;2": 85, "L;4": 17}  # raw modes of a PNG, and 255 over their highest number
_lock = threading.Lock()
_users = 0
_restore = contextlib.ExitStack()


@contextlib.contextmanager
def relaxed_pillow() -> Iterator[None]:
    """Silence Pillow's warnings and lift its `MAX_IMAGE_PIXELS` for as long as anyone is inside.

    Pillow's limit refuses sound photos above 179 megapixels, in the middle of decoding for TIFF and WebP, and there is
    no way to pass another one: it is a module global, as are the warning filters. Both are put back when the last user
    leaves; counting the users keeps that right when several threads decode at once.
    """
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            _restore.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            _restore.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
            Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _restore.close()


def open_image(file: BinaryIO, kind: str) -> ImageFile.ImageFile:
    """Read the header; the first frame is selected, for HEIC the primary one. Call it within `relaxed_pillow`.

    `kind` is a format that `content.sniff` named, other than RAW. Raises whatever Pillow does, and see `check_scans`.
    """
    if kind == "HEIF":
        _register_heif()
    image = Image.open(file, formats=[kind])
    if kind == "JPEG":
        check_scans(file, image)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _mend_tiles(image)
    if kind == "PNG":
        _mend_transparency(image)
    return image


def _mend_tiles(image: TiffImagePlugin.TiffImageFile) -> None:
    """Tell Pillow what it gets wrong of some TIFFs without a word.

    It reads the planes of an uncompressed one with 16 bits as if they had 8 (noise, and half of the rows); turns the
    bytes of big-endian numbers that libtiff has turned already; and loses grey beside alpha in planes apart.
    """
    tags = image.tag_v2
    apart = tags.get(_TIFF_PLANAR) == _PLANES_APART
    if apart and image.mode in ("LA", "La"):
        raise UnidentifiedImageError
    order = ";16B" if tags.prefix == b"MM" else ";16L"
    wide = apart and tags.get(_TIFF_BITS_PER_SAMPLE, (8,))[0] == 16

    def raw_mode(codec: str, mode: str) -> str:
        if codec == "raw":
            return mode + order if wide else mode
        return _AS_STORED.get(mode, mode)

    image.tile = [
        tile._replace(args=(raw_mode(tile.codec_name, tile.args[0]), *tile.args[1:]))
        if isinstance(tile.args, tuple) and tile.codec_name in ("raw", "libtiff")
        else tile
        for tile in image.tile
    ]


def _mend_transparency(image: ImageFile.ImageFile) -> None:
    """Pillow spreads the greys of a PNG with 2 or 4 bits over 8, all but the one that is transparent."""
    spread = _GREYS_SPREAD.get(image.tile[0].args if image.tile else None)
    if spread is not None and isinstance(image.info.get("transparency"), int):
        image.info["transparency"] *= spread


def load_pixels(image: Image.Image) -> None:
    """Decode. Raises whatever Pillow does."""
    with silent_stderr() if image.format == "TIFF" else contextlib.nullcontext():
        image.load()


def exif_orientation(image: Image.Image) -> int | None:
    """The orientation that EXIF names, 1-8, for AVIF that of the container; None where it names none that there is.

    Where EXIF has none, Pillow would believe the XMP. Who turned the pixels has often left that as it was; browsers do
    not ask it either.
    """
    try:
        value = bare_exif(image).get(ExifTags.Base.Orientation)
    except Exception:  # broken EXIF of any kind is no reason to refuse the photo
        return None
    return value if isinstance(value, int) and 1 <= value <= 8 else None


def bare_exif(image: Image.Image) -> Image.Exif:
    """The file's EXIF block by itself: for what it lacks Pillow would ask others. Raises whatever Pillow does."""
    bare = Image.Image()
    bare.info = {name: image.info[name] for name in _EXIF if name in image.info}
    return bare.getexif()


@functools.cache
def _register_heif() -> None:
    import pillow_heif  # loads libheif: only where there is a HEIC file

    pillow_heif.register_heif_opener()
