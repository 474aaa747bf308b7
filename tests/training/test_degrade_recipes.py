"""Recipes: ground truth of hand-written ones, regions, order, determinism, and properties of random ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from piqa_cli.records import DEFECTS, Box
from piqa_training.degrade.families import FAMILIES, UNNAMED
from piqa_training.degrade.light import Image, Mask
from piqa_training.degrade.masks import face_mask, person_from_face, person_mask
from piqa_training.degrade.recipes import (
    Recipe,
    Region,
    Step,
    face_quality_loss,
    face_severities,
    latent_quality_loss,
    photo_severities,
    render,
    sample_recipe,
)

BOX: Box = (40.0, 24.0, 84.0, 84.0)  # the astronaut's face in the portrait below
REGIONAL = ("defocus_blur", "motion_blur", "noise", "underexposure", "overexposure")


def load_portrait() -> Image:
    """Head and shoulders, 192 x 160."""
    return np.ascontiguousarray(data.astronaut()[40:232, 160:320]).astype(np.float32) / 255


@pytest.fixture(scope="module")
def portrait() -> Image:
    return load_portrait()


@pytest.fixture(scope="module")
def mask(portrait: Image) -> Mask:
    return face_mask(portrait.shape, BOX)


def by_name(severities: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(DEFECTS, severities, strict=True) if value}


def test_an_untouched_photo_loses_nothing(portrait: Image) -> None:
    recipe = Recipe((), seed=3)
    assert np.array_equal(render(portrait, recipe, finish=False), portrait)
    assert by_name(photo_severities(recipe)) == by_name(face_severities(recipe)) == {}
    assert latent_quality_loss(recipe) == face_quality_loss(recipe) == 0.0


def test_ground_truth_of_a_hand_written_recipe() -> None:
    recipe = Recipe(
        (
            Step("noise", 0.3),
            Step("noise", 0.4, "face"),
            Step("defocus_blur", 0.9, "background"),
            Step("underexposure", 0.5, "background"),
            Step("motion_blur", 0.2, "face"),
        )
    )
    assert by_name(face_severities(recipe)) == pytest.approx({"noise": 0.5, "motion_blur": 0.2})
    expected = {"noise": np.hypot(0.3, 0.36), "motion_blur": 0.18, "underexposure": 0.04}
    assert by_name(photo_severities(recipe)) == pytest.approx(expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_face_costs_much_more_than_the_background(family: str) -> None:
    losses = {
        place: latent_quality_loss(Recipe((Step(family, 0.6, place),))) for place in ("photo", "face", "background")
    }
    assert losses["photo"] > losses["face"] > 2 * losses["background"] > 0
    assert face_quality_loss(Recipe((Step(family, 0.6, "background"),))) == 0
    assert face_quality_loss(Recipe((Step(family, 0.6, "face"),))) == pytest.approx(losses["photo"])


def test_shallow_depth_of_field_is_nearly_free() -> None:
    behind, face = (Recipe((Step("defocus_blur", 0.8, place),)) for place in ("background", "face"))
    assert 0 < latent_quality_loss(behind) < 0.1 * latent_quality_loss(face)
    assert by_name(photo_severities(behind)) == {}


@pytest.mark.parametrize("family", UNNAMED)
def test_a_family_without_a_name_costs_quality_and_is_no_named_defect(family: str) -> None:
    recipe = Recipe((Step(family, 0.7),))
    assert by_name(photo_severities(recipe)) == by_name(face_severities(recipe)) == {}
    assert latent_quality_loss(recipe) == face_quality_loss(recipe) > 0.3


def test_a_second_family_adds_but_less_than_its_own() -> None:
    noise, blur = Step("noise", 0.5), Step("defocus_blur", 0.5)
    alone = [latent_quality_loss(Recipe((step,))) for step in (noise, blur)]
    assert max(alone) < latent_quality_loss(Recipe((noise, blur))) < sum(alone)


@pytest.mark.parametrize("family", REGIONAL)
@pytest.mark.parametrize("region", ["face", "background"])
def test_region_steps_leave_the_other_region(portrait: Image, mask: Mask, family: str, region: Region) -> None:
    inside, outside = mask > 0.999, person_from_face(mask) < 0.001
    touched, kept = (inside, outside) if region == "face" else (outside, inside)
    for seed in range(6):
        change = np.abs(render(portrait, Recipe((Step(family, 0.9, region),), seed), mask, finish=False) - portrait)
        assert change[kept].max() < 1 / 255
        assert change[touched].mean() > 0.01


def test_a_blurred_background_takes_no_colour_from_the_face() -> None:
    scene = np.full((120, 120, 3), 0.2, dtype=np.float32)
    mask = face_mask(scene.shape, (45.0, 45.0, 75.0, 75.0))
    scene[mask > 0.5] = (1.0, 0.1, 0.1)
    recipe = Recipe((Step("defocus_blur", 1.0, "background"),), seed=2)
    blurred = render(scene, recipe, mask, finish=False)
    assert np.abs(blurred - scene)[mask == 0].max() < 0.02


@pytest.mark.parametrize("region", ["face", "background"])
def test_region_steps_need_a_mask(portrait: Image, region: Region) -> None:
    with pytest.raises(ValueError, match="face mask"):
        render(portrait, Recipe((Step("noise", 0.5, region),)))


def test_steps_are_rendered_in_camera_order_and_reproducibly(portrait: Image) -> None:
    steps = (Step("compression", 0.6), Step("noise", 0.4), Step("defocus_blur", 0.4), Step("color_cast", 0.3))
    forward, backward = (render(portrait, Recipe(order, 9)) for order in (steps, steps[::-1]))
    assert np.array_equal(forward, backward)
    assert not np.array_equal(forward, render(portrait, Recipe(steps, 10)))


def test_one_steps_strength_does_not_change_the_draws_of_another(portrait: Image) -> None:
    faint, none = (
        render(portrait, Recipe((Step("defocus_blur", severity), Step("noise", 0.5)), 4), finish=False)
        for severity in (1e-6, 0.0)
    )
    assert np.abs(faint - none).max() < 1e-3


def test_the_finish_is_hardly_visible(portrait: Image) -> None:
    finished = [render(portrait, Recipe((), seed)) for seed in range(20)]
    errors = [float(np.sqrt(np.mean((one - portrait) ** 2))) for one in finished]
    assert max(errors) < 0.03
    assert 4 <= sum(error > 0 for error in errors) <= 18


def test_masks_cover_the_face_and_the_shoulders() -> None:
    face, person = (make((200, 160), (60.0, 40.0, 100.0, 90.0)) for make in (face_mask, person_mask))
    assert face.dtype == np.float32
    assert face[65, 80] == 1
    assert face[40, 60] > 0.5
    assert face[190, 80] == face[65, 5] == 0
    assert person[190, 80] == 1
    assert person[10, 5] == 0
    assert (person_from_face(face) >= face).all()
    assert np.abs(person_from_face(face) - person).mean() < 0.03
    assert not face_mask((50, 50), (500.0, 500.0, 600.0, 600.0)).any()


@pytest.mark.parametrize(
    ("family", "severity", "region"), [("haze", 0.5, "photo"), ("noise", 2.0, "photo"), ("noise", 0.5, "hair")]
)
def test_impossible_steps_are_refused(family: str, severity: float, region: Region) -> None:
    with pytest.raises(ValueError, match=r"family|severity|region"):
        Step(family, severity, region)


def test_samples_keep_the_announced_shares() -> None:
    rng = np.random.default_rng(0)
    recipes = [sample_recipe(rng, has_face=True) for _ in range(2000)]
    share = {
        "none": np.mean([not r.steps for r in recipes]),
        "regional": np.mean([r.needs_face for r in recipes]),
        "single": np.mean([len(r.steps) == 1 and not r.needs_face for r in recipes]),
    }
    assert share == pytest.approx({"none": 0.1, "regional": 0.26, "single": 0.46}, abs=0.03)
    assert {step.family for r in recipes for step in r.steps} == set(FAMILIES)
    assert not any(sample_recipe(rng, has_face=False).needs_face for _ in range(300))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), has_face=st.booleans())
def test_random_recipes_render_to_photos_with_consistent_truth(seed: int, has_face: bool) -> None:
    photo = load_portrait()
    recipe = sample_recipe(np.random.default_rng(seed), has_face=has_face)
    result = render(photo, recipe, face_mask(photo.shape, BOX) if has_face else None)
    assert result.shape == photo.shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    assert 0 <= result.min() <= result.max() <= 1
    whole, face = photo_severities(recipe), face_severities(recipe)
    named = {step.family for step in recipe.steps if step.severity > 0}
    assert set(by_name(whole)) | set(by_name(face)) <= named
    assert ((whole >= 0) & (whole <= 1) & (face >= 0) & (face <= 1)).all()
    stronger = Recipe(tuple(Step(s.family, (1 + s.severity) / 2, s.region) for s in recipe.steps), recipe.seed)
    assert latent_quality_loss(stronger) >= latent_quality_loss(recipe)
    assert latent_quality_loss(recipe) <= 2.5
