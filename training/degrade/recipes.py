"""Random degradation recipes, and the front of this package: what to render and what it means for quality."""

from __future__ import annotations

import numpy as np

from piqa_training.degrade.families import FAMILIES, UNNAMED
from piqa_training.degrade.light import pick
from piqa_training.degrade.render import render
from piqa_training.degrade.steps import Recipe, Region, Step
from piqa_training.degrade.truth import face_quality_loss, face_severities, latent_quality_loss, photo_severities

__all__ = [
    "Recipe",
    "Region",
    "Step",
    "face_quality_loss",
    "face_severities",
    "latent_quality_loss",
    "photo_severities",
    "render",
    "sample_recipe",
]

_SHAPES_WITH_FACE = {"none": 0.1, "single": 0.46, "combined": 0.18, "regional": 0.26}
_SHAPES_WITHOUT_FACE = {"none": 0.12, "single": 0.6, "combined": 0.28}
_REGIONAL = {"defocus_blur": 0.38, "motion_blur": 0.2, "noise": 0.16, "underexposure": 0.16, "overexposure": 0.1}
_PLACES = {"face": 0.37, "background": 0.38, "both": 0.25}
_UNNAMED_WEIGHT = 0.5  # how often a family without a name is drawn, beside 1 of every other
_OPPOSITES = {"underexposure": "overexposure"}


def sample_recipe(rng: np.random.Generator, *, has_face: bool) -> Recipe:
    """Draw a recipe: 10 % untouched, about half one family, a fifth 2-3 families, a quarter face and background apart.

    Severities are dense at the mild end. Without a face, no step is regional.
    """
    shape = pick(rng, _SHAPES_WITH_FACE if has_face else _SHAPES_WITHOUT_FACE)
    steps: tuple[Step, ...] = ()
    if shape == "single":
        steps = (Step(_families(rng, 1)[0], _severity(rng)),)
    elif shape == "combined":
        steps = _combined(rng)
    elif shape == "regional":
        steps = _regional(rng)
    return Recipe(steps, int(rng.integers(2**31)))


def _families(rng: np.random.Generator, count: int) -> list[str]:
    """Different families at random."""
    weights = np.array([_UNNAMED_WEIGHT if name in UNNAMED else 1.0 for name in FAMILIES])
    return [str(name) for name in rng.choice(FAMILIES, size=count, replace=False, p=weights / weights.sum())]


def _severity(rng: np.random.Generator, bend: float = 1.3) -> float:
    return float(rng.random() ** bend)


def _combined(rng: np.random.Generator) -> tuple[Step, ...]:
    """Two or three different families, each milder than alone; too dark and too bright do not meet."""
    names = _families(rng, int(rng.integers(2, 4)))
    kept = [name for name in names if _OPPOSITES.get(name) not in names]
    return tuple(Step(name, _severity(rng, 1.6)) for name in kept)


def _regional(rng: np.random.Generator) -> tuple[Step, ...]:
    """Face only, background only, or both differently; a quarter with a mild step on the whole photo on top."""
    place = pick(rng, _PLACES)
    steps = []
    if place in ("face", "both"):
        steps.append(Step(pick(rng, _REGIONAL), _severity(rng), "face"))
    if place in ("background", "both"):
        steps.append(Step(pick(rng, _REGIONAL), _severity(rng, 1.0), "background"))
    if rng.random() < 0.25:
        steps.append(Step(_families(rng, 1)[0], _severity(rng, 2.0)))
    return tuple(steps)
