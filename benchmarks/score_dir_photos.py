"""Folders to score: 12-megapixel JPEGs, and a mix of what cameras and phones write."""

from __future__ import annotations

import io
from pathlib import Path

import pillow_heif
from PIL import Image
from skimage import data

from benchmarks.made_photos import QUALITY, make_folder, make_photo
from tests.photos.photo_makers import make_dng

LARGE = (6000, 4000)  # 24 megapixels

__all__ = ["make_folder", "make_mix"]


def make_mix(folder: Path, count: int) -> None:
    """Fill `folder` with `count` photos, a quarter each: JPEG of 12 and of 24 megapixels, HEIC, DNG with a preview."""
    pillow_heif.register_heif_opener()
    folder.mkdir(parents=True, exist_ok=True)
    portrait = Image.fromarray(data.astronaut())
    for index in range(count):
        kind = ("jpg", "large.jpg", "heic", "dng")[index % 4]
        target = folder / f"IMG_{index:05}.{kind}"
        if target.exists():
            continue
        photo = make_photo(portrait, index)
        if kind == "large.jpg":
            photo = photo.resize(LARGE, Image.Resampling.BICUBIC)
        if kind == "dng":
            target.write_bytes(_dng(photo))
        else:
            photo.save(target, quality=QUALITY)


def _dng(photo: Image.Image) -> bytes:
    """A RAW file with a full-size JPEG preview, which is all that piqa reads of one; its sensor data are flat."""
    preview = io.BytesIO()
    photo.save(preview, "JPEG", quality=QUALITY)
    return make_dng(preview.getvalue(), photo.size)
