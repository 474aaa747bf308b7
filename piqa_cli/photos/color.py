"""Any Pillow mode -> RGB, 8 bits, sRGB."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_FULL_SCALES = (1.0, 255.0, 65535.0)  # what "white" can mean in a float image
_TIFF_BITS_PER_SAMPLE, _TIFF_PHOTOMETRIC, _TIFF_SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO = 0
_UNSIGNED, _SIGNED = 1, 2
_SIGNED_LEVELS = [round(level * 255 / 127) if level < 128 else 0 for level in range(256)]
_STRIP_PIXELS = 1 << 20
_SRGB_TOLERANCE = 2  # 8-bit levels: what two makers' sRGB profiles differ by
_SRGB_GAMMA, _GAMMA_TOLERANCE = 1 / 2.2, 0.05  # libpng's: nearer than that is the same
_LEAST_GAMMA = 0.25  # less is a slip, as is more than 1
_PROFILE_SPACE_TO_MODE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def flatten(image: Image.Image) -> Image.Image:
    """Bring any mode to 8 bits without alpha: L, RGB, CMYK or LAB, still in the colours of the file's own profile.

    Transparent parts show white. 16-bit integers are scaled by their bit depth, signed ones of 8 or 16 bits by a bit
    less, so black stays black and a dark photo stays dark; 32-bit ones by the smallest of 255, 65535 and their own
    highest number that holds the brightest pixel, and floats by the smallest of 1, 255 and 65535. Where zero is white
    in a TIFF, black and white are exchanged.
    """
    if image.mode.startswith("I") or image.mode == "F":
        return _to_8_bits(image)
    if image.has_transparency_data:
        return _on_white(image)
    if image.mode == "L" and _tiff_tags(image).get(_TIFF_SAMPLE_FORMAT) == (_SIGNED,):
        return image.point(_SIGNED_LEVELS)
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def png_gamma(image: Image.Image) -> float | None:
    """The exponent of light that a PNG file gives its numbers, 1 for linear light; None where that is sRGB's, or odd.

    What Pillow tells of chunk gAMA. A profile goes before it, and so does chunk sRGB.
    """
    gamma = image.info.get("gamma") if image.format == "PNG" and "srgb" not in image.info else None
    if gamma is None or not _LEAST_GAMMA <= gamma <= 1 or abs(gamma / _SRGB_GAMMA - 1) <= _GAMMA_TOLERANCE:
        return None
    return float(gamma)


def to_srgb(image: Image.Image, profile: bytes | None, *, gamma: float | None = None) -> Image.Image:
    """Convert `flatten`'s result to RGB in sRGB by the embedded ICC profile, relative colorimetric.

    Without a profile, with a broken one, or with one for another kind of image, the numbers are taken as sRGB, or as
    light to the power of `gamma`.
    """
    if gamma is not None and image.mode in ("L", "RGB"):
        image = image.point(_gamma_levels(gamma) * len(image.getbands()))
    space = "LAB" if image.mode == "LAB" else _profile_mode(profile) if profile else None
    if space == "RGB" and image.mode == "L":  # common: a grey photo exported with an RGB profile
        image = image.convert("RGB")
    if space == image.mode:
        transform = _transform(profile if space != "LAB" else None, image.mode)
        if transform is not None:
            return transform.apply(image)
    return image if image.mode == "RGB" else image.convert("RGB")  # to convert RGB to RGB is to copy it


def srgb_levels(light: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Linear light from 0 to 1 as sRGB's numbers."""
    signal = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (signal * 255 + 0.5).astype(np.uint8)


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """(first row, rows from there on), a megapixel at a time: copies of a large photo in floats would fill memory."""
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _to_8_bits(image: Image.Image) -> Image.Image:
    dtype = _stored_as(image)
    factor = 255.0 / _full_scale(image, dtype)
    result = np.empty((image.height, image.width), np.uint8)
    clear = image.info.get("transparency")  # of a PNG: the level that is not there
    for top, strip in _strips(image):
        rows = result[top : top + strip.height]
        rows[:] = np.clip(_finite(strip, dtype) * factor + 0.5, 0, 255)
        if isinstance(clear, int):
            rows[np.asarray(strip) == clear] = 255
    if _tiff_tags(image).get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow sees to it with 8 bits only
        np.subtract(255, result, out=result)
    return Image.fromarray(result)


def _tiff_tags(image: Image.Image) -> Mapping[int, Any]:
    return getattr(image, "tag_v2", {})


def _finite(image: Image.Image, dtype: np.dtype[Any]) -> NDArray[np.float32]:
    """float32 (H, W) of numbers that are stored as `dtype`; what is not finite is 0."""
    return np.nan_to_num(np.asarray(image).view(dtype).astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def _stored_as(image: Image.Image) -> np.dtype[Any]:
    """Pillow hands out 32-bit integers as signed ones; in a TIFF they are unsigned unless it says otherwise."""
    tags = _tiff_tags(image)
    wide = image.mode == "I" and tags.get(_TIFF_BITS_PER_SAMPLE, ())[:1] == (32,)
    unsigned = wide and tags.get(_TIFF_SAMPLE_FORMAT, (_UNSIGNED,))[0] == _UNSIGNED
    return np.dtype(np.uint32) if unsigned else np.asarray(image.crop((0, 0, 1, 1))).dtype


def _full_scale(image: Image.Image, dtype: np.dtype[Any]) -> float:
    bits = _tiff_tags(image).get(_TIFF_BITS_PER_SAMPLE, (16,))[0]
    if image.mode.startswith("I;"):
        return float(2**bits - 1)
    if image.mode == "I" and bits == 16 and image.format == "TIFF":
        return float(2**15 - 1)
    peak = max(float(_finite(strip, dtype).max()) for _, strip in _strips(image))
    scales = _FULL_SCALES if image.mode == "F" else _FULL_SCALES[1:]
    return next((scale for scale in scales if peak <= scale), peak if image.mode == "F" else float(np.iinfo(dtype).max))


def _on_white(image: Image.Image) -> Image.Image:
    grey = image.mode in ("L", "LA", "La")
    canvas = Image.new("L" if grey else "RGB", image.size, "white")
    for top, strip in _strips(image):
        straight = strip.convert("LA" if grey else "RGBA")
        canvas.paste(straight.convert(canvas.mode), (0, top), mask=straight.getchannel("A"))
    return canvas


@functools.lru_cache(maxsize=16)
def _gamma_levels(gamma: float) -> list[int]:
    """sRGB's number for each of 256."""
    return [int(level) for level in srgb_levels((np.arange(256) / 255) ** (1 / gamma))]


@functools.lru_cache(maxsize=16)
def _profile_mode(profile: bytes) -> str | None:
    try:
        space = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space
    except (OSError, ImageCms.PyCMSError):
        return None
    return _PROFILE_SPACE_TO_MODE.get(space.strip())


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the profile (None: CIELAB) to sRGB; None where that would change nothing, or where it cannot be built."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else ImageCms.createProfile("LAB")
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (OSError, ImageCms.PyCMSError):
        return None
    return None if mode == "RGB" and _is_identity(transform) else transform


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Tried on a grid of colours, since there are dozens of sRGB profiles under as many names."""
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), axis=-1).reshape(1, -1, 3).astype(np.uint8)
    after = np.asarray(transform.apply(Image.fromarray(grid)), dtype=np.int16)
    return bool(np.abs(after - grid).max() <= _SRGB_TOLERANCE)
