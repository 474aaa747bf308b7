"""What must not move the score: size, re-saving, mirroring, rotation by a tag; and what should move it little."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from benchmarks.ranking_photos import Photo
from benchmarks.ranking_scoring import Measured, Rendered, Version
from benchmarks.ranking_table import mean, number, table

LARGE = 24e6  # pixels
GRAIN = 1.5  # standard deviation of a camera's noise at its lowest speed, 8-bit values
CHANGE = 2.0  # points, wanted
ORIENTATION, TURNED_LEFT = 0x0112, 6  # EXIF: the picture is to be turned clockwise by 90 degrees
SEPIA = (1.07, 0.94, 0.74)
CROP = 0.6  # of each side
COMPARED = {
    "24 to 6 megapixels": ("24 megapixels", "6 megapixels"),
    "JPEG 95": ("as it is", "JPEG 95"),
    "mirrored": ("as it is", "mirrored"),
    "EXIF rotation": ("JPEG 95", "EXIF rotation"),
}
LOOKS = ("greyscale", "sepia", "small crop")


def render_stability(photos: Sequence[Photo]) -> Iterator[Rendered]:
    for photo in photos:
        image = Image.fromarray(photo.load())
        for name, version in {"as it is": image, "mirrored": ImageOps.mirror(image), **looks(image)}.items():
            yield _rendered(photo, name, version)
        yield _rendered(photo, "JPEG 95", image, quality=95)
        tag = Image.Exif()
        tag[ORIENTATION] = TURNED_LEFT
        turned = image.transpose(Image.Transpose.ROTATE_90)
        yield _rendered(photo, "EXIF rotation", turned, quality=95, exif=tag)
        large = enlarged(image, photo.seed)
        yield _rendered(photo, "24 megapixels", large, quality=95)
        half = (large.width // 2, large.height // 2)
        yield _rendered(photo, "6 megapixels", large.resize(half, Image.Resampling.LANCZOS), quality=95)


def _rendered(photo: Photo, case: str, image: Image.Image, **options: Any) -> Rendered:
    version = Version("stability", photo.name, case, kind=photo.kind)
    return Rendered(version, image, ".jpg", options) if options else Rendered(version, image)


def looks(image: Image.Image) -> dict[str, Image.Image]:
    """The same photo as people choose to show it."""
    grey = image.convert("L")
    sepia = Image.merge("RGB", [grey.point([min(round(v * gain), 255) for v in range(256)]) for gain in SEPIA])
    margin = (1 - CROP) / 2
    left, top = round(image.width * margin), round(image.height * margin)
    crop = image.crop((left, top, image.width - left, image.height - top))
    return {"greyscale": grey.convert("RGB"), "sepia": sepia, "small crop": crop}


def enlarged(image: Image.Image, seed: int) -> Image.Image:
    """The photo at 24 megapixels, with the grain of a camera."""
    factor = (LARGE / (image.width * image.height)) ** 0.5
    size = (round(image.width * factor), round(image.height * factor))
    large = np.asarray(image.resize(size, Image.Resampling.BICUBIC))
    grain = np.random.default_rng(seed).standard_normal(large.shape, dtype=np.float32) * np.float32(GRAIN)
    return Image.fromarray(np.clip(large + grain + 0.5, 0, 255).astype(np.uint8))


def judge_stability(measured: Sequence[Measured]) -> dict[str, Any]:
    """Mean absolute change of the score, and the largest."""
    at = {(m.version.photo, m.version.case): m.score for m in measured if m.version.test == "stability"}
    photos = sorted({photo for photo, _ in at})
    pairs = {**COMPARED, **{look: ("as it is", look) for look in LOOKS}}
    return {name: _change([at[p, after] - at[p, before] for p in photos]) for name, (before, after) in pairs.items()}


def _change(changes: Sequence[float]) -> dict[str, Any]:
    sizes = [abs(change) for change in changes]
    return {
        "photos": len(sizes),
        "mean_absolute": mean(sizes),
        "mean": mean(changes),
        "largest": max(sizes, default=None),
    }


def show_stability(found: dict[str, Any]) -> str:
    rows: list[tuple[str, ...]] = [("change of the score", "photos", "mean absolute", "mean", "largest")]
    for name, own in found.items():
        most = CHANGE if name in COMPARED else None
        figures = (number(own["mean_absolute"], 2, most=most), number(own["mean"], 2), number(own["largest"], 1))
        rows.append((name, str(own["photos"]), *figures))
    return table(rows)
