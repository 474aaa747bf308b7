"""12-megapixel JPEGs with a face, made from scikit-image's portrait of Eileen Collins (NASA, public domain)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

SIZE = (4000, 3000)  # pixels
QUALITY = 92
DIFFERENT = 500  # photos; further ones are links to these, which piqa takes for photos of their own


def make_folder(folder: Path, count: int) -> None:
    """Fill `folder` with `count` photos, reusing what is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    portrait = Image.fromarray(data.astronaut())
    for index in range(count):
        target = folder / f"IMG_{index:05}.jpg"
        if target.exists():
            continue
        if index < DIFFERENT:
            make_photo(portrait, index).save(target, quality=QUALITY)
        else:
            target.hardlink_to(folder / f"IMG_{index % DIFFERENT:05}.jpg")


def make_photo(portrait: Image.Image, index: int) -> Image.Image:
    """One photo: the portrait somewhere in the frame, over fine texture that makes the JPEG as large as a camera's."""
    rng = np.random.default_rng(index)
    width, height = SIZE
    coarse = Image.fromarray(rng.integers(40, 200, (15, 20, 3), dtype=np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    side = int(rng.uniform(0.5, 1.0) * height)
    coarse.paste(
        portrait.resize((side, side), Image.Resampling.LANCZOS),
        (int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))),
    )
    grain = rng.integers(-9, 10, (height, width, 1), dtype=np.int16)
    return Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8))
