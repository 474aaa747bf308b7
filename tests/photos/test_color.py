from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from photo_makers import ADOBE_PRIMARIES, SRGB_PRIMARIES, encoded, matrix_profile, portrait
from PIL import ExifTags, Image, ImageCms
from test_decode import difference, write

from piqa_cli.errors import BrokenPhoto
from piqa_cli.photos.color import srgb_levels
from piqa_cli.photos.decode import decode


def pixels(path: Path) -> NDArray[np.int16]:
    return np.asarray(decode(path).image, dtype=np.int16)


def from_array(folder: Path, values: NDArray[Any], **options: Any) -> NDArray[np.int16]:
    path = folder / "photo.tif"
    tifffile.imwrite(path, values, **options)
    return pixels(path)


RAMP = np.linspace(0, 1, 256, dtype=np.float64)[None, :].repeat(8, axis=0)
STORED = [{"byteorder": order, **packed} for order in "<>" for packed in ({}, {"compression": "zlib"})]
GREY_RAMP = np.arange(256)[None, :, None].repeat(8, axis=0).repeat(3, axis=2)


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ((RAMP * 65535).round().astype(np.uint16), {"byteorder": "<"}),
        ((RAMP * 65535).round().astype(np.uint16), {"byteorder": ">"}),
        ((RAMP * 65535).round().astype(np.int32), {}),
        ((RAMP * 127).round().astype(np.int8), {}),
        *[((RAMP * 32767).round().astype(np.int16), options) for options in STORED],
        *[((RAMP * (2**31 - 1)).round().astype(np.int32), options) for options in STORED],
        *[
            ((RAMP * (2**32 - 1)).round().astype(np.uint32), options)
            for options in STORED
            if options["byteorder"] == "<"
        ],
        *[(RAMP.astype(np.float32), options) for options in STORED],
        ((RAMP * 255).astype(np.float32), {}),
        ((RAMP * 65535).astype(np.float32), {}),
        ((RAMP * 65535).round().astype(np.uint16)[..., None].repeat(3, axis=2), {"photometric": "rgb"}),
    ],
    ids=lambda given: str(given if isinstance(given, dict) else given.dtype),
)
def test_deep_images_are_scaled_not_clipped(tmp_path: Path, values: NDArray[Any], options: dict[str, Any]) -> None:
    assert np.abs(from_array(tmp_path, values, **options) - GREY_RAMP).max() <= 1


def test_16_bit_png(tmp_path: Path) -> None:
    image = Image.fromarray((RAMP * 65535).round().astype(np.uint16))
    assert image.mode == "I;16"
    assert np.abs(pixels(write(tmp_path, encoded(image, "PNG"))) - GREY_RAMP).max() <= 1


def test_dark_16_bit_photo_stays_dark(tmp_path: Path) -> None:
    assert from_array(tmp_path, np.full((8, 8), 2570, np.uint16)).max() == 10


def test_float_with_holes_and_overshoot(tmp_path: Path) -> None:
    values = RAMP.astype(np.float32)
    values[0, :3] = np.nan, np.inf, -5.0
    result = from_array(tmp_path, values)
    assert result[0, :3].max() == 0
    assert np.abs(result[1:] - GREY_RAMP[1:]).max() <= 1


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "YCbCr", "LAB", "RGBA", "LA", "PA"])
def test_modes(tmp_path: Path, mode: str) -> None:
    source = portrait().convert("RGB" if mode != "PA" else "P")
    if mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
        image = transform.apply(source)
    else:
        image = source.convert(mode)
    kind = "PNG" if mode in ("P", "LA", "1") else "TIFF"
    exact = mode in ("L", "1", "P", "PA", "LA")
    expected = image.convert("L" if mode == "LA" else "RGB").convert("RGB") if exact else portrait()
    assert difference(decode(write(tmp_path, encoded(image, kind))).image, expected) <= (0 if exact else 2.0)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_transparency_shows_white(tmp_path: Path, kind: str) -> None:
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 32, 64))
    image.paste((0, 0, 0, 128), (0, 32, 32, 64))
    options = {"WEBP": {"lossless": True}, "AVIF": {"quality": 95}, "HEIF": {"quality": 95}}.get(kind, {})
    found = pixels(write(tmp_path, encoded(image, kind, **options)))
    for (y, x), expected in {(16, 16): (255, 255, 255), (48, 16): (127, 127, 127), (32, 48): (255, 0, 0)}.items():
        assert np.abs(found[y, x] - expected).max() <= 6, (y, x)


@pytest.mark.parametrize(
    ("mode", "color", "transparency"),
    [("P", 0, 0), ("P", 0, b"\0\xff"), ("L", 30, 30), ("RGB", (30, 30, 30), (30, 30, 30)), ("1", 0, 0)],
    ids=["palette", "palette-alpha", "grey-key", "rgb-key", "one-bit-key"],
)
def test_transparent_colour_of_a_png_shows_white(tmp_path: Path, mode: str, color: Any, transparency: Any) -> None:
    image = Image.new(mode, (16, 16), color)
    if mode == "P":
        image.putpalette([30, 30, 30, 200, 0, 0])
    data = encoded(image, "PNG", transparency=transparency)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pixels(write(tmp_path, data)).min() == 255


@pytest.mark.parametrize(
    ("bits", "row", "clear", "level"),
    [(2, b"\x60", 1, 170), (4, b"\x5a", 5, 170), (16, b"\x55\x66\xaa\xaa", 0x5566, 170)],
)
def test_transparent_grey_of_a_png(tmp_path: Path, bits: int, row: bytes, clear: int, level: int) -> None:
    """Of two greys side by side the first one is transparent, the second one `level`."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">2I5B", 2, 1, bits, 0, 0, 0, 0))
    key = chunk(b"tRNS", struct.pack(">H", clear))
    data = b"\x89PNG\r\n\x1a\n" + header + key + chunk(b"IDAT", zlib.compress(b"\0" + row))
    found = pixels(write(tmp_path, data + chunk(b"IEND", b"")))
    assert found[0, :, 0].tolist() == [255, level]


def test_cmyk_jpeg(tmp_path: Path) -> None:
    data = encoded(portrait().convert("CMYK"), "JPEG", quality=95)
    for max_side in (None, 256):
        found = decode(write(tmp_path, data), max_side=max_side).image
        assert difference(found, portrait().resize(found.size, Image.Resampling.LANCZOS)) < 4.0


def test_adobe_rgb_is_converted(tmp_path: Path) -> None:
    adobe = matrix_profile(*ADOBE_PRIMARIES, gamma=2.2)
    stored = in_adobe_rgb(portrait())
    assert difference(stored, portrait()) > 3.0
    for kind in ("PNG", "TIFF", "WEBP", "JPEG", "AVIF", "HEIF"):
        options = {"WEBP": {"lossless": True}}.get(kind, {} if kind in ("PNG", "TIFF") else {"quality": 95})
        path = write(tmp_path, encoded(stored, kind, icc_profile=adobe, **options))
        assert difference(decode(path).image, portrait()) < 2.5, kind
        assert difference(decode(path, max_side=128).image, portrait().resize((128, 128), Image.Resampling.LANCZOS)) < 4


def in_adobe_rgb(image: Image.Image) -> Image.Image:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(matrix_profile(*ADOBE_PRIMARIES, gamma=2.2)))
    return ImageCms.buildTransform(ImageCms.createProfile("sRGB"), profile, "RGB", "RGB").apply(image)


def dcf(color_space: int, index: str) -> bytes:
    """EXIF as cameras write it: the colour space, and which rules of DCF the file follows."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = color_space
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {1: index}
    return exif.tobytes()


@pytest.mark.parametrize(("space", "index"), [(0xFFFF, "R03"), (2, "R98")], ids=["DCF", "as some cameras say it"])
def test_adobe_rgb_that_only_exif_names_is_converted(tmp_path: Path, space: int, index: str) -> None:
    stored = encoded(in_adobe_rgb(portrait()), "JPEG", quality=95, exif=dcf(space, index))
    assert difference(decode(write(tmp_path, stored)).image, portrait()) < 2.5


@pytest.mark.parametrize(("space", "index"), [(1, "R03"), (0xFFFF, "R98"), (0xFFFF, "")])
def test_other_colours_stay(tmp_path: Path, space: int, index: str) -> None:
    stored = encoded(portrait(), "JPEG", quality=95, exif=dcf(space, index))
    assert difference(decode(write(tmp_path, stored)).image, portrait()) < 2.5


def test_a_profile_goes_before_what_exif_says(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    stored = encoded(portrait(), "JPEG", quality=95, exif=dcf(0xFFFF, "R03"), icc_profile=profile)
    assert difference(decode(write(tmp_path, stored)).image, portrait()) < 2.5


def test_swapped_primaries_swap_the_colours(tmp_path: Path) -> None:
    red, green, blue = SRGB_PRIMARIES
    data = encoded(Image.new("RGB", (8, 8), (250, 0, 0)), "PNG", icc_profile=matrix_profile(blue, green, red, 2.2))
    r, g, b = pixels(write(tmp_path, data))[4, 4]
    assert b > 240
    assert max(r, g) < 12


def test_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = write(tmp_path, encoded(portrait(), "PNG", icc_profile=profile))
    assert difference(decode(path).image, portrait()) == 0


@pytest.mark.parametrize("junk", [b"garbage", b"\0" * 200, matrix_profile(*SRGB_PRIMARIES, gamma=2.2)[:140]])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_broken_profile_is_taken_as_srgb(tmp_path: Path, junk: bytes, mode: str) -> None:
    image = portrait().convert(mode)
    path = write(tmp_path, encoded(image, "TIFF", icc_profile=junk))
    assert difference(decode(path).image, image.convert("RGB")) == 0


def test_profile_of_another_kind_of_image_is_ignored(tmp_path: Path) -> None:
    path = write(
        tmp_path, encoded(portrait().convert("CMYK"), "TIFF", icc_profile=matrix_profile(*ADOBE_PRIMARIES, 2.2))
    )
    assert difference(decode(path).image, portrait()) < 1


def test_every_level_of_srgb_comes_back_from_its_light() -> None:
    levels = np.arange(256)
    signal = levels / 255
    light = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    assert (srgb_levels(light) == levels).all()


def test_grey_photo_with_an_rgb_profile(tmp_path: Path) -> None:
    data = encoded(Image.new("L", (8, 8), 100), "PNG", icc_profile=matrix_profile(*SRGB_PRIMARIES, gamma=1.0))
    assert np.abs(pixels(write(tmp_path, data)) - 168).max() <= 2  # 100/255 is linear light here: sRGB 168


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ((RAMP * 255).round().astype(np.uint8), {}),
        ((RAMP * 65535).round().astype(np.uint16), {"byteorder": "<"}),
        ((RAMP * 65535).round().astype(np.uint16), {"byteorder": "<", "compression": "zlib"}),
        (RAMP.astype(np.float32), {"byteorder": "<"}),
        ((RAMP * 65535).astype(np.float32), {"byteorder": ">"}),
    ],
    ids=["8", "16", "16-zlib", "float-1", "float-65535"],
)
def test_a_tiff_whose_zero_is_white_is_no_negative(
    tmp_path: Path, values: NDArray[Any], options: dict[str, Any]
) -> None:
    found = from_array(tmp_path, values, photometric="miniswhite", **options)
    assert np.abs(found - GREY_RAMP[:, ::-1]).max() <= 1


def test_32_bit_integers_are_scaled_by_their_brightest_pixel(tmp_path: Path) -> None:
    assert np.abs(from_array(tmp_path, (RAMP * 255).round().astype(np.int32)) - GREY_RAMP).max() <= 1


@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}, {"rowsperstrip": 8}, {"compression": "zlib"}], ids=str)
@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("bands", [3, 4])
def test_planes_of_16_bits(tmp_path: Path, bands: int, byteorder: str, options: dict[str, Any]) -> None:
    """Without compression they became noise, and were scored."""
    photo = np.asarray(portrait().resize((64, 48)))
    planes = [np.moveaxis(photo, 2, 0), np.full((bands - 3, *photo.shape[:2]), 255, np.uint8)]
    values = np.concatenate(planes).astype(np.uint16) * 257
    extra = {"extrasamples": ["unassalpha"]} if bands == 4 else {}
    options = {"photometric": "rgb", "planarconfig": "separate", "byteorder": byteorder, **extra, **options}
    assert np.array_equal(from_array(tmp_path, values, **options), photo)


@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
@pytest.mark.parametrize("options", STORED, ids=str)
def test_grey_beside_alpha_in_planes_apart_is_refused(tmp_path: Path, options: dict[str, Any], alpha: str) -> None:
    """Pillow takes it for a white picture."""
    values = np.full((2, 8, 8), 100, np.uint8)
    with pytest.raises(BrokenPhoto):
        from_array(tmp_path, values, planarconfig="separate", extrasamples=[alpha], **options)
