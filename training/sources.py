"""The photos that the embedded model is trained on, and what is known of each.

A data folder holds three parts, each optional: `photos/` (portraits), `scenes/` (camera photos of mixed quality) and
`biq2021/` (photos with the mean opinion of 30 observers, `labels.csv`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from PIL import Image

from piqa_cli.errors import UsageError

Split = Literal["train", "val"]
HELD_OUT = 5  # one photo in five
GOOD_OPINION = 0.72  # BIQ2021 photos from here on serve as undegraded originals too
SHARP_ENOUGH = 12.0  # standard deviation of the Laplacian of a scene, in 8-bit units
LIT_WELL = (45.0, 205.0)  # mean luma of a scene, in 8-bit units


@dataclass(frozen=True, slots=True)
class Source:
    """One photo of the training data."""

    path: Path
    part: str  # "photos", "scenes" or "biq2021"
    split: Split
    pristine: bool  # good enough to serve as an undegraded original
    opinion: float | None = None  # mean opinion in [0, 1]


def read_sources(folder: Path) -> list[Source]:
    """Every photo under a data folder, sorted by path.

    Raises:
        UsageError: none of the three parts is there.
    """
    found = _portraits(folder / "photos") + _scenes(folder / "scenes") + _opinions(folder / "biq2021")
    if not found:
        raise UsageError(f"{folder}: no photos/, scenes/ or biq2021/ with photos", hint="give the training data folder")
    return sorted(found, key=lambda source: str(source.path))


def split_of(name: str) -> Split:
    """Which split a photo belongs to, from its name alone: the same in every run, on every machine."""
    return "val" if int(hashlib.sha256(name.encode()).hexdigest(), 16) % HELD_OUT == 0 else "train"


def _portraits(folder: Path) -> list[Source]:
    # Two photos of one person stay in one split: the name up to the expression tells the person.
    return [Source(p, "photos", split_of(_person(p.name)), pristine=True) for p in _jpegs(folder)]


def _person(name: str) -> str:
    return name.removeprefix("neutral_").removeprefix("smiling_")


def _scenes(folder: Path) -> list[Source]:
    return [Source(p, "scenes", split_of(p.name), pristine=_looks_pristine(p)) for p in _jpegs(folder)]


def _opinions(folder: Path) -> list[Source]:
    if not (folder / "labels.csv").is_file():
        return []
    rows = pl.read_csv(folder / "labels.csv", glob=False).iter_rows(named=True)
    return [
        Source(
            folder / row["image"],
            "biq2021",
            split_of(Path(row["image"]).name),
            pristine=row["score"] >= GOOD_OPINION,
            opinion=row["score"],
        )
        for row in rows
    ]


def _jpegs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jpg")) if folder.is_dir() else []


def _looks_pristine(path: Path) -> bool:
    """Sharp and well lit as far as two numbers can tell; scenes come from many cameras and are of mixed quality."""
    luma = np.asarray(Image.open(path).convert("L"), dtype=np.float32)
    laplacian = 4 * luma[1:-1, 1:-1] - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:]
    return float(laplacian.std()) >= SHARP_ENOUGH and LIT_WELL[0] <= float(luma.mean()) <= LIT_WELL[1]
