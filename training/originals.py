"""Variations of an undegraded photo that say nothing about its quality: size, cut, mirror, tone, background."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from piqa_cli.faces.geometry import scaled
from piqa_cli.records import Box
from piqa_training.compose import before_scene, cut_out, has_plain_backdrop
from piqa_training.degrade.light import Image as Pixels
from piqa_training.degrade.light import to_linear, to_srgb
from piqa_training.degrade.masks import person_mask

BEFORE_SCENE = 0.5  # share of the portraits with a plain backdrop that are set before a scene
LOW_KEY = 0.08  # share of photos with a face whose background is darkened, by stops from
LOW_KEY_STOPS = (1.5, 5.0)
CUT = 0.25  # share of photos that are cut, to at least
LEAST_CUT = 0.5  # of each side
GREYSCALE, SEPIA = 0.06, 0.02
SEPIA_ENDS, SEPIA_MIDDLE = ((25, 16, 8), (255, 240, 215)), (150, 120, 88)  # black, white, grey of a brown print
SMALLER = 0.5  # share of photos that are reduced first, by up to
SMALLEST = 0.6
TONED = 0.4  # share of photos whose exposure and warmth are moved a little, as photographers differ
EXPOSURE_STOPS, WARMTH_STOPS = 0.2, 0.08  # standard deviations
LARGEST_FACE = 0.6  # of the width: no background is left beside a wider one


def varied(
    image: Image.Image, box: Box | None, scenes: Sequence[Path], rng: np.random.Generator
) -> tuple[Image.Image, Box | None]:
    """One random variation of an RGB photo and of its main face's box."""
    if box is not None and box[2] - box[0] < LARGEST_FACE * image.width:
        image, box = _background(image, box, scenes, rng)
    if rng.random() < CUT:
        image, box = _cut(image, box, rng)
    if rng.random() < SMALLER:
        factor = float(rng.uniform(SMALLEST, 1))
        width, height = max(round(image.width * factor), 64), max(round(image.height * factor), 64)
        box = box and scaled(box, width / image.width)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    if rng.random() < 0.5:
        image, box = mirror(image, box)
    return _toned(image, rng), box


def tones(image: Image.Image, box: Box | None, rng: np.random.Generator) -> list[Image.Image]:
    """A photo as some photographers want it: in grey, in brown of any strength, and in low key where a face is."""
    grey = image.convert("L")
    brown = ImageOps.colorize(grey, *SEPIA_ENDS, mid=SEPIA_MIDDLE)
    made = [grey.convert("RGB"), Image.blend(grey.convert("RGB"), brown, float(rng.uniform(0.4, 1.3)))]
    if box is not None and box[2] - box[0] < LARGEST_FACE * image.width:
        made.append(_low_key(image, box, float(rng.uniform(*LOW_KEY_STOPS))))
    return made


def mirror(image: Image.Image, box: Box | None) -> tuple[Image.Image, Box | None]:
    """Left and right exchanged."""
    return ImageOps.mirror(image), box and (image.width - box[2], box[1], image.width - box[0], box[3])


def as_image(pixels: Pixels) -> Image.Image:
    """float32 (H, W, 3) in [0, 1], what is beyond clipped -> 8 bits."""
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))


def _background(
    image: Image.Image, box: Box, scenes: Sequence[Path], rng: np.random.Generator
) -> tuple[Image.Image, Box]:
    if scenes and rng.random() < BEFORE_SCENE and has_plain_backdrop(image):
        with Image.open(scenes[int(rng.integers(len(scenes)))]) as scene:
            image, box = before_scene(image, cut_out(image, box), box, scene.convert("RGB"), rng)
    if rng.random() < LOW_KEY:
        image = _low_key(image, box, float(rng.uniform(*LOW_KEY_STOPS)))
    return image, box


def _low_key(image: Image.Image, box: Box, stops: float) -> Image.Image:
    """Everything but the person darker."""
    kept = person_mask((image.height, image.width), box)[..., None]
    light = to_linear(np.asarray(image, dtype=np.float32) / np.float32(255))
    return as_image(to_srgb(light * (kept + (1 - kept) * np.float32(2.0**-stops))))


def _cut(image: Image.Image, box: Box | None, rng: np.random.Generator) -> tuple[Image.Image, Box | None]:
    """A part of the photo that keeps the face."""
    width, height = (round(side * float(rng.uniform(LEAST_CUT, 1))) for side in image.size)
    x1, y1, x2, y2 = box or (image.width / 2, image.height / 2) * 2
    left = _start(x1, x2, width, image.width, rng)
    top = _start(y1, y2, height, image.height, rng)
    if left is None or top is None:
        return image, box
    cut = image.crop((left, top, left + width, top + height))
    return cut, box and (x1 - left, y1 - top, x2 - left, y2 - top)


def _start(first: float, last: float, length: int, whole: int, rng: np.random.Generator) -> int | None:
    """Where a stretch of `length` pixels begins that holds first..last; None where it cannot."""
    low, high = max(last - length, 0.0), min(first, whole - length)
    return int(rng.uniform(low, high)) if low < high else None


def _toned(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    if rng.random() < GREYSCALE:
        return image.convert("L").convert("RGB")
    if rng.random() < SEPIA:
        return ImageOps.colorize(image.convert("L"), *SEPIA_ENDS, mid=SEPIA_MIDDLE)
    if rng.random() >= TONED:
        return image
    stops = rng.normal() * EXPOSURE_STOPS + rng.normal() * WARMTH_STOPS * np.array([1.0, 0.0, -1.0])
    light = to_linear(np.asarray(image, dtype=np.float32) / np.float32(255))
    return as_image(to_srgb(light * np.exp2(stops).astype(np.float32)))
