from __future__ import annotations

import os
import pickle
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photo_makers import FORMATS, corners, encoded, exif, portrait, portrait_as, stored_as
from PIL import Image, PngImagePlugin, TiffImagePlugin

from piqa_cli.photos.decode import DecodedPhoto, decode


def write(folder: Path, data: bytes, name: str = "photo.jpg") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def difference(photo: Image.Image, expected: Image.Image) -> float:
    """Mean absolute difference in 8-bit levels."""
    return float(np.abs(np.asarray(photo, np.float32) - np.asarray(expected, np.float32)).mean())


def quarters(photo: DecodedPhoto) -> list[str]:
    """The colour in the middle of each quarter, row by row."""
    names = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 1): "white"}
    width, height = photo.image.size
    spots = [(width // 4, height // 4), (3 * width // 4, height // 4)]
    spots += [(width // 4, 3 * height // 4), (3 * width // 4, 3 * height // 4)]
    pixels = np.asarray(photo.image)
    return [names[tuple(int(v > 128) for v in pixels[y, x])] for x, y in spots]  # type: ignore[index]


@pytest.mark.parametrize("kind", FORMATS)
def test_formats_by_content_whatever_the_suffix(tmp_path: Path, kind: str) -> None:
    photo = decode(write(tmp_path, portrait_as(kind), "wrong.jpg"))
    assert (photo.image.mode, photo.width, photo.height, photo.scale) == ("RGB", 512, 512, 1.0)
    assert difference(photo.image, portrait()) < 2.0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_orientations(tmp_path: Path, kind: str, orientation: int) -> None:
    stored = stored_as(corners(), orientation)
    data = encoded(stored, kind, exif=exif({0x0112: orientation}).tobytes(), **FORMATS[kind])
    for max_side in (None, 48):
        photo = decode(write(tmp_path, data), max_side=max_side)
        assert quarters(photo) == ["red", "green", "blue", "white"]
        assert (photo.width, photo.height) == (96, 64)
        assert photo.image.size == ((96, 64) if max_side is None else (48, 32))


def test_heic_is_turned_by_its_own_boxes_and_never_by_exif(tmp_path: Path) -> None:
    # ISO/IEC 23008-12. Given an Exif object instead of bytes, this writer leaves the irot box out.
    data = encoded(corners(), "HEIF", exif=exif({0x0112: 6}), **FORMATS["HEIF"])
    assert b"irot" not in data
    assert quarters(decode(write(tmp_path, data))) == ["red", "green", "blue", "white"]


def with_old_xmp(kind: str, **options: Any) -> bytes:
    """A picture that is upright, with the XMP of one that is not."""
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        options |= {"pnginfo": text}
    elif kind == "TIFF":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[700], tags.tagtype[700] = xmp, 1
        options |= {"tiffinfo": tags}
    else:
        options |= {"xmp": xmp}
    return encoded(corners(), kind, **options)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_xmp_turns_no_photo(tmp_path: Path, kind: str) -> None:
    """Whoever turned the pixels has often left the XMP as it was; browsers do not ask it either."""
    photo = decode(write(tmp_path, with_old_xmp(kind, **FORMATS[kind])))
    assert quarters(photo) == ["red", "green", "blue", "white"]


def test_xmp_turns_no_photo_whose_exif_tells_other_things(tmp_path: Path) -> None:
    data = with_old_xmp("JPEG", exif=exif({0x010F: "Canon"}), **FORMATS["JPEG"])
    assert quarters(decode(write(tmp_path, data))) == ["red", "green", "blue", "white"]


def test_a_compressed_tiff_is_not_turned_by_xmp_either(tmp_path: Path) -> None:
    photo = decode(write(tmp_path, with_old_xmp("TIFF", compression="tiff_lzw")))
    assert quarters(photo) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_impossible_orientation_is_ignored(tmp_path: Path, value: int) -> None:
    photo = decode(write(tmp_path, encoded(corners(), "JPEG", exif=exif({0x0112: value}))))
    assert photo.image.size == (96, 64)


def test_broken_exif_is_ignored(tmp_path: Path) -> None:
    broken = b"Exif\0\0II*\0\xff\xff\xff\x7f garbage"
    for kind in ("JPEG", "PNG", "WEBP"):
        photo = decode(write(tmp_path, encoded(corners(), kind, exif=broken)))
        assert quarters(photo) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize(
    ("size", "max_side", "expected"),
    [
        ((512, 384), 512, (512, 384)),
        ((512, 384), 5000, (512, 384)),
        ((512, 384), 256, (256, 192)),
        ((512, 384), 200, (200, 150)),
        ((384, 512), 200, (150, 200)),
        ((513, 385), 100, (100, 75)),
        ((512, 3), 64, (64, 1)),
        ((512, 384), 1, (1, 1)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_max_side(tmp_path: Path, kind: str, size: tuple[int, int], max_side: int, expected: tuple[int, int]) -> None:
    photo = decode(write(tmp_path, encoded(portrait().resize(size), kind)), max_side=max_side)
    assert photo.image.size == expected
    assert (photo.width, photo.height) == size
    assert photo.scale == pytest.approx(max(expected) / max(size))


def test_jpeg_is_decoded_at_a_reduced_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, encoded(portrait().resize((2001, 1499)), "JPEG"))
    loaded: list[tuple[int, int]] = []
    real = Image.Image.resize

    def spy(image: Image.Image, *args: Any, **options: Any) -> Image.Image:
        loaded.append(image.size)
        return real(image, *args, **options)

    monkeypatch.setattr(Image.Image, "resize", spy)
    for max_side in (501, 470, 235):
        decode(path, max_side=max_side)
    assert loaded == [(1001, 750), (501, 375), (251, 188)]


def test_a_photo_that_is_nearly_small_enough_is_not_resized_again(tmp_path: Path) -> None:
    path = write(tmp_path, encoded(portrait().resize((2016, 1512)), "JPEG"))
    photo = decode(path, max_side=1000)
    assert photo.image.size == (1008, 756)
    assert photo.scale == 0.5
    assert (photo.width, photo.height) == (2016, 1512)


@pytest.mark.parametrize("width", [2400, 2000, 1600, 1200, 1000])
def test_reduced_photo_looks_the_same_from_files_of_all_sizes(tmp_path: Path, width: int) -> None:
    best = portrait().resize((2400, 2400), Image.Resampling.LANCZOS)
    source = best.resize((width, width), Image.Resampling.LANCZOS)
    photo = decode(write(tmp_path, encoded(source, "JPEG", quality=95)), max_side=500)
    expected = best.resize((500, 500), Image.Resampling.LANCZOS)
    assert difference(photo.image, expected) < 1.5
    assert _detail(photo.image) == pytest.approx(_detail(expected), rel=0.12)


def _detail(image: Image.Image) -> float:
    grey = np.asarray(image.convert("L"), np.float32)
    return float(np.abs(np.diff(grey, 2, axis=0)).mean() + np.abs(np.diff(grey, 2, axis=1)).mean())


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 64), color) for color in ("red", "blue")]
    for kind in ("PNG", "WEBP", "TIFF", "AVIF", "MPO"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        red, _, blue = np.asarray(decode(write(tmp_path, data)).image)[32, 32]
        assert red > 200, kind
        assert blue < 60, kind


def test_primary_picture_of_a_heic_with_several(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 64), color) for color in ("red", "blue")]
    data = encoded(frames[0], "HEIF", save_all=True, append_images=frames[1:], primary_index=1)
    assert np.asarray(decode(write(tmp_path, data)).image)[32, 32][2] > 200


def test_mpo_is_reduced_like_a_jpeg(tmp_path: Path) -> None:
    data = encoded(portrait(), "MPO", save_all=True, append_images=[portrait().convert("L").convert("RGB")])
    photo = decode(write(tmp_path, data), max_side=100)
    assert photo.image.size == (100, 100)
    assert difference(photo.image, portrait().resize((100, 100), Image.Resampling.LANCZOS)) < 4.0


def test_strange_file_name(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"new\nline \xff.jpg")
    try:
        path.write_bytes(encoded(corners(), "JPEG"))
    except (OSError, UnicodeError):
        pytest.skip("this file system takes no such names")
    assert decode(path).width == 96


def test_result_travels_between_processes_and_the_file_is_closed(tmp_path: Path) -> None:
    path = write(tmp_path, encoded(corners(), "PNG"))
    before = path.stat()
    photo = pickle.loads(pickle.dumps(decode(path)))
    assert photo.image.size == (96, 64)
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)


def test_process_wide_settings_are_put_back_even_with_threads(tmp_path: Path) -> None:
    path = write(tmp_path, encoded(portrait(), "PNG"))
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    workers = [threading.Thread(target=lambda: [decode(path) for _ in range(5)]) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert limit == Image.MAX_IMAGE_PIXELS
    assert list(warnings.filters) == filters
