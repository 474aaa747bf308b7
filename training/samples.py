"""Training samples: versions of one photo, cut exactly as scoring cuts them, with what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from piqa_cli.faces.geometry import scaled
from piqa_cli.model.config import Cut, ModelConfig
from piqa_cli.model.preprocess import cut_views
from piqa_cli.photos.decode import decode
from piqa_cli.records import Box
from piqa_training.degrade.masks import face_mask
from piqa_training.degrade.recipes import (
    Recipe,
    face_quality_loss,
    face_severities,
    latent_quality_loss,
    photo_severities,
    render,
    sample_recipe,
)
from piqa_training.originals import as_image, mirror, tones, varied
from piqa_training.sources import Source

FACE_MISSED = 0.08  # share of versions in which the detector is taken to have missed the face
BOX_JITTER = 0.06  # of the box's size, standard deviation
ROOM_AROUND = 0.6  # a face wider than this share of the photo leaves no background to treat apart
SAME_RECIPE_SCALE = (0.35, 0.85)  # severities of a rung's milder sibling


@dataclass(frozen=True, slots=True)
class Sample:
    """One version of one photo."""

    views: dict[Cut, Tensor]  # uint8, see `cut_views`
    photo_severities: NDArray[np.float32]  # (9,)
    face_severities: NDArray[np.float32]  # (9,)
    loss: float  # latent quality loss, 0 = undegraded
    face_loss: float
    has_face: bool


def sample_versions(rng: np.random.Generator, count: int, *, has_face: bool) -> list[Recipe]:
    """`count` recipes for one photo: the undegraded one, then random ones in pairs of a stronger and a milder rung.

    The two rungs of a pair share every drawn parameter, so their order is certain and their difference small.
    """
    recipes = [Recipe(steps=(), seed=int(rng.integers(2**31)))]
    while len(recipes) < count:
        stronger = sample_recipe(rng, has_face=has_face)
        if not stronger.steps:
            continue
        factor = rng.uniform(*SAME_RECIPE_SCALE)
        milder = tuple(replace(step, severity=step.severity * factor) for step in stronger.steps)
        recipes += [stronger, Recipe(steps=milder, seed=stronger.seed)]
    return recipes[:count]


def make_samples(
    source: Source,
    face: Box | None,
    config: ModelConfig,
    count: int,
    seed: int,
    scenes: Sequence[Path] = (),
) -> list[Sample]:
    """`count` versions of one photo under one variation of the photo itself.

    Args:
        source: the photo.
        face: its main face in pixels of the file.
        config: which views to cut.
        count: versions; the first is undegraded.
        seed: fixes everything.
        scenes: backgrounds before which a person cut out from a plain backdrop may be set.
    """
    rng = np.random.default_rng(seed)
    image, box = varied(*_decoded(source, face, config), scenes, rng)
    pixels = np.asarray(image, dtype=np.float32) / np.float32(255)
    mask = None if box is None else face_mask(pixels.shape[:2], box)
    samples = []
    apart = box is not None and box[2] - box[0] < ROOM_AROUND * image.width
    for recipe in sample_versions(rng, count, has_face=apart):
        version = as_image(render(pixels, recipe, mask))
        seen = None if box is None or rng.random() < FACE_MISSED else _jitter(box, rng)
        samples.append(_sample(version, seen, recipe, config, has_face=box is not None))
    return samples


def make_tones(
    source: Source, face: Box | None, config: ModelConfig, seed: int, scenes: Sequence[Path] = ()
) -> list[Sample]:
    """One photo under one variation, then the same in grey, in brown, and in low key: nothing is wrong with any.

    The arguments are those of `make_samples`.
    """
    rng = np.random.default_rng(seed)
    image, box = varied(*_decoded(source, face, config), scenes, rng)
    recipe = Recipe(steps=())
    versions = [image, *tones(image, box, rng)]
    return [_sample(version, box, recipe, config, has_face=box is not None) for version in versions]


def undegraded(source: Source, face: Box | None, config: ModelConfig, *, mirrored: bool = False) -> dict[Cut, Tensor]:
    """The views of a photo as it is, for opinions."""
    image, box = _decoded(source, face, config)
    if mirrored:
        image, box = mirror(image, box)
    return cut_views(image, box, config.preprocess)


def _decoded(source: Source, face: Box | None, config: ModelConfig) -> tuple[Image.Image, Box | None]:
    """The photo at the scale that the network reads, and its face in the pixels of that."""
    photo = decode(source.path, max_side=config.preprocess.working_side)
    return photo.image, face and scaled(face, photo.scale)


def _sample(version: Image.Image, seen: Box | None, recipe: Recipe, config: ModelConfig, *, has_face: bool) -> Sample:
    whole = photo_severities(recipe)
    face = face_severities(recipe) if has_face else whole
    loss = latent_quality_loss(recipe)
    return Sample(
        views=cut_views(version, seen, config.preprocess),
        photo_severities=whole,
        face_severities=face,
        loss=loss,
        face_loss=face_quality_loss(recipe) if has_face else loss,
        has_face=has_face,
    )


def _jitter(box: Box, rng: np.random.Generator) -> Box:
    size = max(box[2] - box[0], box[3] - box[1])
    x1, y1, x2, y2 = (value + rng.normal() * BOX_JITTER * size for value in box)
    return (x1, y1, max(x2, x1 + 4), max(y2, y1 + 4))
