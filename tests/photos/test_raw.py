from __future__ import annotations

import builtins
import io
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from photo_makers import corners, encoded, exif, make_dng, portrait, stored_as
from test_decode import difference, quarters, write

from piqa_cli.errors import NotAPhoto, PhotoError, PhotoTooLarge
from piqa_cli.photos.decode import decode

rawpy = pytest.importorskip("rawpy")


def without_jfif(jpeg: bytes) -> bytes:
    """Cameras begin their previews with the EXIF block; LibRaw then leaves it alone."""
    assert jpeg[2:4] == b"\xff\xe0"
    return jpeg[:2] + jpeg[4 + int.from_bytes(jpeg[4:6], "big") :]


def test_preview_of_a_dng(tmp_path: Path) -> None:
    data = make_dng(encoded(portrait(), "JPEG", quality=95), (512, 512))
    photo = decode(write(tmp_path, data, "photo.DNG"))
    assert (photo.width, photo.height, photo.scale) == (512, 512, 1.0)
    assert difference(photo.image, portrait()) < 3.0
    small = decode(write(tmp_path, data, "photo.dng"), max_side=128)
    assert small.image.size == (128, 128)
    assert (small.width, small.scale) == (512, 0.25)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_preview_without_orientation_follows_the_raw_file(tmp_path: Path, orientation: int) -> None:
    stored = stored_as(corners(), orientation)
    for jpeg in (encoded(stored, "JPEG"), without_jfif(encoded(stored, "JPEG", exif=exif({0x010F: "Maker"})))):
        photo = decode(write(tmp_path, make_dng(jpeg, stored.size, orientation), "photo.dng"))
        assert quarters(photo) == ["red", "green", "blue", "white"]
        assert (photo.width, photo.height) == (96, 64)


def test_preview_with_its_own_orientation_follows_that(tmp_path: Path) -> None:
    jpeg = without_jfif(encoded(stored_as(corners(), 8), "JPEG", exif=exif({0x0112: 8})))
    photo = decode(write(tmp_path, make_dng(jpeg, (64, 96), orientation=6), "photo.dng"))
    assert quarters(photo) == ["red", "green", "blue", "white"]


def test_bitmap_preview_is_the_last_resort(tmp_path: Path) -> None:
    photo = decode(write(tmp_path, make_dng(None, (0, 0), orientation=6), "photo.dng"))
    assert (photo.width, photo.height) == (12, 16)


def test_bitmap_preview_is_turned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bitmap = np.asarray(stored_as(corners(), 6))

    class Opened:
        sizes = SimpleNamespace(flip=6)

        def __enter__(self) -> Opened:
            return self

        def __exit__(self, *args: object) -> None:
            return None

        def open_buffer(self, file: io.BytesIO) -> None:
            assert file.read(2) == b"II"

        def extract_thumb(self) -> Any:
            return SimpleNamespace(data=bitmap)

    monkeypatch.setattr(rawpy, "RawPy", Opened)
    photo = decode(write(tmp_path, make_dng(None, (0, 0)), "photo.dng"), max_side=48)
    assert quarters(photo) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("name", ["LibRawNoThumbnailError", "LibRawUnsupportedThumbnailError"])
def test_no_preview(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(raw: object) -> None:
        raise getattr(rawpy, name)(b"no thumbnail")

    monkeypatch.setattr(rawpy, "RawPy", type("Raw", (rawpy.RawPy,), {"extract_thumb": fail}))
    with pytest.raises(NotAPhoto, match="no preview"):
        decode(write(tmp_path, make_dng(None, (0, 0)), "photo.dng"))


def test_without_rawpy_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, make_dng(None, (0, 0)), "photo.dng")
    real = builtins.__import__

    def refuse(name: str, *args: Any, **options: Any) -> Any:
        if name == "rawpy":
            raise ModuleNotFoundError("No module named 'rawpy'")
        return real(name, *args, **options)

    monkeypatch.delitem(sys.modules, "rawpy", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(PhotoError, match=r'pip install "piqa-cli\[raw\]"') as caught:
        decode(path)
    assert pickle.loads(pickle.dumps(caught.value)).path == path


def test_damaged_preview(tmp_path: Path) -> None:
    jpeg = encoded(portrait(), "JPEG")
    for preview in (jpeg[: len(jpeg) // 2].ljust(len(jpeg), b"\0"), jpeg[:20].ljust(2000, b"\0")):
        with pytest.raises(PhotoError) as caught:
            decode(write(tmp_path, make_dng(preview, (512, 512)), "photo.dng"))
        assert "0x" not in caught.value.message


def test_pixel_limit_is_for_the_preview(tmp_path: Path) -> None:
    path = write(tmp_path, make_dng(encoded(portrait(), "JPEG"), (512, 512)), "photo.dng")
    assert decode(path, max_pixels=512 * 512).width == 512
    with pytest.raises(PhotoTooLarge):
        decode(path, max_pixels=512 * 512 - 1)


def test_jpeg_with_a_raw_suffix_is_a_jpeg(tmp_path: Path) -> None:
    assert decode(write(tmp_path, encoded(corners(), "JPEG"), "photo.nef")).image.size == (96, 64)
