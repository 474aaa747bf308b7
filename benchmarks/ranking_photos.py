"""The undegraded photos that the benchmark starts from: held out of training, or free ones that packages bring."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps
from skimage import data

from benchmarks.recipes_base import Bytes
from piqa_training.sources import Source, read_sources

Kind = Literal["portrait", "scene", "rated"]
KINDS: tuple[Kind, ...] = ("portrait", "scene", "rated")
PARTS: dict[Kind, str] = {"portrait": "photos", "scene": "scenes", "rated": "biq2021"}  # folders of the data
SHARES: dict[Kind, float] = {"portrait": 0.5, "scene": 0.25, "rated": 0.25}
LARGEST_SIDE = 1600  # pixels: larger originals are reduced
STUDIO = ("neutral_", "smiling_")  # the London faces, before a plain backdrop


@dataclass(frozen=True, slots=True)
class Photo:
    """One undegraded original."""

    name: str
    kind: Kind
    path: Path | None = None  # None: scikit-image brings it

    @property
    def seed(self) -> int:
        """From the name alone, so that a photo is degraded alike in every run."""
        return zlib.crc32(self.name.encode())

    def load(self) -> Bytes:
        """uint8 (H, W, 3), upright, at most `LARGEST_SIDE` long."""
        if self.path is None:
            return np.asarray(getattr(data, self.name)())
        with Image.open(self.path) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
        return np.asarray(image)


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that is rendered from."""

    photos: tuple[Photo, ...]  # for the ladders of degradation
    people: tuple[Photo, ...] = ()  # studio portraits to cut out
    places: tuple[Photo, ...] = ()  # scenes to set them before
    rated: tuple[Source, ...] = ()  # with people's opinions
    undegraded: tuple[Source, ...] = ()  # everything that counts as such


def gather(folder: Path | None, count: int) -> Material:
    """`count` photos, half of them portraits, from the held-out part of the training data.

    Raises:
        UsageError: the folder has none of the parts that the training reads.
    """
    if folder is None:
        names: dict[str, Kind] = {"astronaut": "portrait", "coffee": "scene", "chelsea": "scene", "rocket": "scene"}
        return Material(tuple(Photo(name, kind) for name, kind in names.items())[:count])
    held_out = [source for source in read_sources(folder) if source.split == "val"]
    good = {kind: [_photo(s, kind) for s in held_out if s.part == PARTS[kind] and s.pristine] for kind in KINDS}
    wanted = {kind: min(round(count * SHARES[kind]), len(good[kind])) for kind in ("scene", "rated")}
    wanted["portrait"] = count - sum(wanted.values())
    return Material(
        photos=tuple(photo for kind in KINDS for photo in spread(good[kind], wanted[kind])),
        people=tuple(photo for photo in good["portrait"] if photo.name.startswith(STUDIO)),
        places=tuple(good["scene"]),
        rated=tuple(source for source in held_out if source.opinion is not None),
        undegraded=tuple(source for source in held_out if source.pristine),
    )


def _photo(source: Source, kind: Kind) -> Photo:
    return Photo(source.path.stem, kind, source.path)


def spread(photos: Sequence[Photo], count: int) -> list[Photo]:
    """`count` of them at even distances."""
    count = min(count, len(photos))
    return [photos[(2 * number + 1) * len(photos) // (2 * count)] for number in range(count)]
