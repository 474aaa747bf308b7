"""One photo file -> upright sRGB pixels."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from piqa_cli.errors import BrokenPhoto, NotAPhoto, PhotoError, PhotoTooLarge, UnreadablePhoto
from piqa_cli.photos.adobe_rgb import adobe_rgb_profile, says_adobe_rgb
from piqa_cli.photos.color import flatten, png_gamma, to_srgb
from piqa_cli.photos.content import RAW, pointer, sniff
from piqa_cli.photos.hdr import avif_nclx, hdr_to_srgb, png_cicp
from piqa_cli.photos.opening import CANNOT_BE_READ, NO_SUCH_FILE, open_regular
from piqa_cli.photos.pillow import SIDEWAYS, exif_orientation, load_pixels, open_image, relaxed_pillow
from piqa_cli.photos.raw import open_preview
from piqa_cli.photos.sidecars import SIDECAR_SUFFIXES
from piqa_cli.photos.suffixes import split_name
from piqa_cli.table_parts import TABLE_SUFFIXES

DEFAULT_MAX_PIXELS = 200_000_000
CLOSE_ENOUGH = 1.05  # times `max_side`: nearer than this is not resized again
_HINT = "open it in an image viewer, or restore it from a backup"
_TRUNCATED = "image file is truncated"  # Pillow, which goes on with bytes of its own buffer "not processed"
_NCLX = "nclx_profile"  # pillow-heif's name for it
_CODE_POINTS = {"AVIF": avif_nclx, "PNG": png_cicp}  # pillow-heif tells those of HEIC
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class DecodedPhoto:
    """Pixels, and the size of the photo that they came from. For RAW files the photo is the embedded preview."""

    image: Image.Image  # RGB, 8 bits, sRGB, upright
    width: int  # pixels of the upright photo at full resolution
    height: int
    scale: float  # image pixels per full-resolution pixel, in (0, 1]


def decode(path: Path, *, max_side: int | None = None, max_pixels: int = DEFAULT_MAX_PIXELS) -> DecodedPhoto:
    """Decode a photo, recognised by its content: JPEG, PNG, WebP, TIFF, BMP, AVIF, HEIC, or RAW by its preview.

    With `max_side` the long side of the image is `max_side` pixels, up to 5 % more where that saves a resizing (4032 px
    at half scale), or the photo's own where that is shorter; without it, full resolution. All eight EXIF orientations
    are undone, ICC profiles, Adobe RGB named by EXIF alone and HDR (PQ, HLG) converted to sRGB, transparency laid on
    white, more than 8 bits scaled down; of several frames the first one is taken. The file is only read.

    Raises UnreadablePhoto (missing, empty, no permission, no memory), NotAPhoto (no supported image), BrokenPhoto
    (truncated or damaged), PhotoTooLarge (more than `max_pixels`, known from the header), PhotoError (RAW without the
    extra `raw`).
    """
    with _as_photo_errors(path), open_regular(path) as file, relaxed_pillow():
        image, orientation = _read_header(file, path)
        _check_pixels(image, path, max_pixels)
        full_size, small = _load(image, max_side)
        rgb = _in_srgb(small, image)
        # Asked after loading: a PNG may carry it behind the pixels, and Pillow has turned a TIFF by then.
        return _upright(rgb, full_size, exif_orientation(image) or orientation)


@contextlib.contextmanager
def _as_photo_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except PhotoError:
        raise
    except FileNotFoundError:
        hint = "it was moved or deleted, or its name is another"
        raise UnreadablePhoto(NO_SUCH_FILE, path=path, hint=hint) from None
    except UnidentifiedImageError:  # its first bytes were right
        raise BrokenPhoto(
            "damaged, truncated, or an unsupported variant of its format", path=path, hint=_HINT
        ) from None
    except MemoryError as error:
        reason = f"{CANNOT_BE_READ}there is too little memory for it"
        raise UnreadablePhoto(reason, path=path, hint="end other programs, or take a smaller copy of it") from error
    except Exception as error:  # decoders raise anything: SyntaxError, struct.error, zlib.error, RuntimeError, ...
        if isinstance(error, OSError) and error.errno is not None:  # the system's; Pillow's own OSErrors have no number
            reason = f"{CANNOT_BE_READ}{error.strerror}"
            raise UnreadablePhoto(reason, path=path, hint="check its permissions and the disk") from error
        said = str(error) or type(error).__name__
        what = "the file ends too early" if said.startswith(_TRUNCATED) else said
        reason = _one_line(f"damaged or truncated: {what}")
        raise BrokenPhoto(reason, path=path, hint=_HINT) from error


def _one_line(text: str) -> str:
    """Decoders quote the file in their messages: spaces for line breaks, escapes for what a terminal would obey."""
    words = " ".join(text.split())
    return words if words.isprintable() else words.encode("unicode_escape").decode("ascii")


def _read_header(file: BinaryIO, path: Path) -> tuple[Image.Image, int]:
    """The image, not yet decoded, and the orientation to use where it names none of its own."""
    kind = sniff(file, path)
    if kind is None:
        raise _no_photo(file, path)
    if kind == RAW:
        return open_preview(file, path)
    nclx = _CODE_POINTS[kind](file) if kind in _CODE_POINTS else None
    image = open_image(file, kind)
    image.info.pop("xmp", None)  # else Pillow turns a TIFF as it says, see `exif_orientation`
    if kind in _CODE_POINTS:
        image.info[_NCLX] = nclx
    return image, 1


def _no_photo(file: BinaryIO, path: Path) -> NotAPhoto:
    if (elsewhere := pointer(file)) is not None:
        system, command = elsewhere
        return NotAPhoto(
            f"the photo is not here, only {system}'s pointer to it", path=path, hint=f"{command} fetches it"
        )
    suffix = split_name(path.name)[1]
    if suffix in TABLE_SUFFIXES:
        return NotAPhoto("no image; if it is a score table, piqa rank and piqa report take it", path=path)
    if suffix in SIDECAR_SUFFIXES:
        return NotAPhoto("no image, but by its name what belongs to one: name the photo", path=path)
    reason = "not a supported image (JPEG, PNG, WebP, TIFF, BMP, AVIF, HEIC or RAW)"
    return NotAPhoto(reason, path=path, hint="if it is a photo, export it as JPEG or PNG")


def _check_pixels(image: Image.Image, path: Path, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        found, limit = width * height / 1e6, max_pixels / 1e6
        reason = f"{width} x {height} is {found:.1f} megapixels, over the limit of {limit:g} (--max-megapixels)"
        raise PhotoTooLarge(reason, path=path, hint=f"raise it with --max-megapixels {int(found) + 1}")


def _load(image: Image.Image, max_side: int | None) -> tuple[tuple[int, int], Image.Image]:
    """Decode -> (width, height) at full resolution as stored, and the image of `flatten`, reduced to `max_side`.

    Lanczos was seen to stay nearest to the same reduction of a full decode, for files of 4 to 24 megapixels.
    """
    header_size = image.size
    box = _draft(image, max_side)
    load_pixels(image)
    full_size = header_size if box else image.size
    flat = flatten(image)
    if max_side is None or max(flat.size) <= max_side * CLOSE_ENOUGH:
        return full_size, flat
    target = [max(1, round(side * max_side / max(full_size))) for side in full_size]
    return full_size, flat.resize((target[0], target[1]), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)


def _in_srgb(small: Image.Image, image: Image.Image) -> Image.Image:
    """`flatten`'s result by the colour profile of the file, or by what else the file says of its colours."""
    profile = image.info.get("icc_profile") or (adobe_rgb_profile() if says_adobe_rgb(image) else None)
    hdr = None if profile else hdr_to_srgb(small, image.info.get(_NCLX))
    return hdr or to_srgb(small, profile, gamma=None if profile else png_gamma(image))


def _draft(image: Image.Image, max_side: int | None) -> tuple[float, float, float, float] | None:
    """Have a JPEG decoded at the smallest of its scales (1/8 to 1/1) that is not below `max_side` -> the photo's box.

    HEIC has a `draft`, too, but that one picks an embedded thumbnail, which is another picture.
    """
    if max_side is None or image.format not in ("JPEG", "MPO"):
        return None
    width, height = (max(1, side * max_side // max(image.size)) for side in image.size)
    draft: tuple[str, tuple[float, float, float, float]] | None = image.draft(None, (width, height))
    return draft[1] if draft else None


def _upright(image: Image.Image, full_size: tuple[int, int], orientation: int) -> DecodedPhoto:
    scale = max(image.size) / max(full_size)
    width, height = reversed(full_size) if orientation in SIDEWAYS else full_size
    turned = image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
    return DecodedPhoto(turned, width, height, scale)
