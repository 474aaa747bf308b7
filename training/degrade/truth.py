"""What a recipe means for quality: severities per family as ground truth, and one latent scale of quality loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from piqa_cli.records import DEFECTS
from piqa_training.degrade.families import FAMILIES
from piqa_training.degrade.steps import Recipe, Region, Step

Severity9 = npt.NDArray[np.float32]

FACE_SHARE = 0.9
"""How much a face-only step counts for the whole photo: a portrait is its face."""

BACKGROUND_SHARE: dict[str, float] = {
    "defocus_blur": 0.0,  # shallow depth of field is what a portrait lens is for
    "motion_blur": 0.1,
    "noise": 0.3,
    "compression": 0.3,
    "low_resolution": 0.1,
    "underexposure": 0.08,  # a low-key portrait is dark around a well-lit face on purpose
    "overexposure": 0.2,
    "low_contrast": 0.2,
    "color_cast": 0.3,
    "oversharpening": 0.3,
    "color_fringing": 0.3,
    "posterisation": 0.3,
}
"""How much a background-only step counts as a defect of the whole photo."""

_BACKGROUND_DEFOCUS_LOSS = 0.02  # fiftieth of the face's: very strong fake bokeh is not quite free

ANNOYANCE: dict[str, tuple[float, float]] = {
    "defocus_blur": (1.0, 0.85),
    "motion_blur": (1.0, 0.85),
    "noise": (0.9, 1.0),
    "compression": (0.9, 1.1),
    "low_resolution": (0.9, 0.95),
    "underexposure": (0.9, 1.1),
    "overexposure": (0.95, 1.0),
    "low_contrast": (0.7, 1.1),
    "color_cast": (0.85, 1.0),
    "oversharpening": (0.7, 1.0),
    "color_fringing": (0.7, 1.0),
    "posterisation": (0.9, 1.0),
}
"""Family -> (loss at severity 1, exponent of severity): people forgive a veil or a cast sooner than a lost face."""

_POOLING = 2.5  # Minkowski exponent over families: the worst one dominates, the others add a little


def photo_severities(recipe: Recipe) -> Severity9:
    """Severity per family of `DEFECTS` for the whole photo, float32 (9,) in [0, 1]; regions by share."""
    return _combine(recipe, lambda step: _photo_share(step.family, step.region))[: len(DEFECTS)]


def face_severities(recipe: Recipe) -> Severity9:
    """Severity per family of `DEFECTS` on the face: photo and face steps, float32 (9,) in [0, 1]."""
    return _combine(recipe, _face_share)[: len(DEFECTS)]


def latent_quality_loss(recipe: Recipe) -> float:
    """How much worse the photo is than its original: 0 untouched, about 1 ruined, a little more for combinations.

    Comparable between any two versions of one photo. Steps on the face weigh nearly as much as on the whole photo,
    steps on the background little, background defocus a fiftieth.
    """
    return _pool(_combine(recipe, _loss_share))


def face_quality_loss(recipe: Recipe) -> float:
    """The same scale for the face alone."""
    return _pool(_combine(recipe, _face_share))


def _face_share(step: Step) -> float:
    return 0.0 if step.region == "background" else 1.0


def _photo_share(family: str, region: Region) -> float:
    return {"photo": 1.0, "face": FACE_SHARE, "background": BACKGROUND_SHARE[family]}[region]


def _loss_share(step: Step) -> float:
    return max(_photo_share(step.family, step.region), _BACKGROUND_DEFOCUS_LOSS)


def _combine(recipe: Recipe, share: Callable[[Step], float]) -> npt.NDArray[np.float32]:
    """Weighted severities of `FAMILIES`; one family twice adds in quadrature, as variances do."""
    squares = np.zeros(len(FAMILIES))
    for step in recipe.steps:
        squares[FAMILIES.index(step.family)] += (share(step) * step.severity) ** 2
    return np.minimum(np.sqrt(squares), 1.0).astype(np.float32)


def _pool(severities: npt.NDArray[np.float32]) -> float:
    """Minkowski sum of the annoyance of each family."""
    losses = [ANNOYANCE[f][0] * float(s) ** ANNOYANCE[f][1] for f, s in zip(FAMILIES, severities, strict=True)]
    return float(np.sum(np.power(losses, _POOLING)) ** (1 / _POOLING))
