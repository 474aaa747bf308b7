"""A recipe on a photo: the steps in a camera's order, region steps blended by a soft mask in linear light."""

from __future__ import annotations

import numpy as np

from piqa_training.degrade import codec, families, filters
from piqa_training.degrade.families import BLURS, FAMILIES
from piqa_training.degrade.light import Image, Mask, clip, to_linear, to_srgb
from piqa_training.degrade.masks import person_from_face
from piqa_training.degrade.steps import CAMERA_ORDER, REGIONS, Recipe, Step

_LEAST_WEIGHT = 1e-3  # below it a region has no light of its own to spread, and the photo's is kept
_FINISH_STREAM = 97  # keeps the draws of the finish apart from those of the steps
_MASK_STREAM = 98


def render(image: Image, recipe: Recipe, face_mask: Mask | None = None, *, finish: bool = True) -> Image:
    """Degrade an sRGB photo, float32 (H, W, 3) in [0, 1]; same shape and range out, the input is not written to.

    `face_mask` is float32 (H, W), needed by region steps (ValueError without). With `finish`, many results also pass
    what every file went through and nobody sees, a slight resize or a high-quality JPEG, drawn from the seed, also on
    recipes without steps: so a network cannot take these traces for a defect.
    """
    if recipe.needs_face and face_mask is None:
        raise ValueError("a recipe with face or background steps needs a face mask")
    masks = _region_masks(recipe, face_mask)
    result = image.copy()
    for step in sorted(recipe.steps, key=lambda step: CAMERA_ORDER.index(step.family)):
        result = _apply_step(result, step, recipe.seed, masks)
    return _finish(result, recipe.seed) if finish else result


def _region_masks(recipe: Recipe, face_mask: Mask | None) -> dict[str, Mask]:
    """Where each region is: the background begins behind the head, or in half of the recipes behind the person."""
    if face_mask is None:
        return {}
    rng = np.random.default_rng([recipe.seed, _MASK_STREAM])
    kept = person_from_face(face_mask) if rng.random() < 0.5 else face_mask
    return {"face": face_mask, "background": 1 - kept}


def _apply_step(image: Image, step: Step, seed: int, masks: dict[str, Mask]) -> Image:
    """One step, with a generator of its own, so that no step's strength changes the draws of another."""
    rng = np.random.default_rng([seed, FAMILIES.index(step.family), REGIONS.index(step.region)])
    if step.region == "photo" or step.severity == 0:
        return families.apply(image, step.family, step.severity, rng)
    mask = masks[step.region][..., None]
    if step.family in BLURS:
        inside = _blur_within(image, step, mask, rng)
    else:
        inside = to_linear(families.apply(image, step.family, step.severity, rng))
    blended = to_srgb(mask * inside + (1 - mask) * to_linear(image))
    return np.where(mask > 0, blended, image)


def _blur_within(image: Image, step: Step, mask: Mask, rng: np.random.Generator) -> Image:
    """Blur a region with its own light only, in linear light: normalised convolution (Knutsson and Westin, 1993).

    The face's colours so do not smear into a blurred background, nor the background's into a blurred face.
    """
    light = families.scene_light(image, step.severity, rng)
    weight = np.maximum(2 * mask - 1, np.float32(_LEAST_WEIGHT))  # none from the soft edge, where both may be
    spread = BLURS[step.family](np.concatenate([light * weight, weight], axis=2), step.severity, rng)
    return np.clip(spread[..., :3] / np.maximum(spread[..., 3:], _LEAST_WEIGHT / 2), 0, 1)


def _finish(image: Image, seed: int) -> Image:
    """Invisible traces of ordinary handling: sometimes a small resize, often a good JPEG."""
    rng = np.random.default_rng([seed, _FINISH_STREAM])
    resized, factor, saved, quality = rng.random(), rng.uniform(0.85, 1.0), rng.random(), rng.uniform(88, 98)
    result = image
    if resized < 0.2:
        height, width = image.shape[:2]
        small = filters.resize(image, round(height * factor), round(width * factor), filters.AREA)
        result = clip(filters.resize(small, height, width, filters.LANCZOS))
    return codec.jpeg(result, quality) if saved < 0.4 else result
