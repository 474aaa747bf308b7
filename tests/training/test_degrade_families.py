"""The families: range, identity, determinism, and rising severity on one real portrait."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from skimage import data

from piqa_training.degrade import families
from piqa_training.degrade.light import Image, to_linear, to_srgb
from piqa_training.degrade.recipes import Recipe, Step, render

LEVELS = (0.1, 0.3, 0.5, 0.75, 1.0)
SEEDS = range(12)  # enough to meet most kinds within each family


@pytest.fixture(scope="module")
def portrait() -> Image:
    """The astronaut's head and shoulders, 256 x 256."""
    return np.ascontiguousarray(data.astronaut()[:256, 96:352]).astype(np.float32) / 255


def distance(one: Image, other: Image) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2)))


@pytest.mark.parametrize("family", families.FAMILIES)
def test_zero_severity_is_an_unchanged_copy(portrait: Image, family: str) -> None:
    result = families.apply(portrait, family, 0.0, np.random.default_rng(0))
    assert np.array_equal(result, portrait)
    assert result is not portrait


@pytest.mark.parametrize("family", families.FAMILIES)
@pytest.mark.parametrize("severity", [0.004, 0.5, 1.0])
def test_result_is_a_float32_photo_and_the_input_stays(portrait: Image, family: str, severity: float) -> None:
    before = portrait.copy()
    for seed in SEEDS:
        result = families.apply(portrait, family, severity, np.random.default_rng(seed))
        assert result.dtype == np.float32
        assert result.shape == portrait.shape
        assert 0 <= result.min() <= result.max() <= 1
    assert np.array_equal(portrait, before)


@pytest.mark.parametrize("family", families.FAMILIES)
def test_same_seed_same_result_other_seed_other_result(portrait: Image, family: str) -> None:
    one, again = (families.apply(portrait, family, 0.6, np.random.default_rng(5)) for _ in range(2))
    others = [families.apply(portrait, family, 0.6, np.random.default_rng(seed)) for seed in range(6, 12)]
    assert np.array_equal(one, again)
    assert any(not np.array_equal(one, other) for other in others)


@pytest.mark.parametrize("family", families.FAMILIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_ladder_moves_strictly_away_from_the_original(portrait: Image, family: str, seed: int) -> None:
    recipes = [Recipe((Step(family, level),), seed) for level in LEVELS]
    distances = [distance(portrait, render(portrait, recipe, finish=False)) for recipe in recipes]
    assert all(low < high for low, high in itertools.pairwise(distances)), distances


@pytest.mark.parametrize("family", families.FAMILIES)
def test_strength_is_calibrated(portrait: Image, family: str) -> None:
    rungs = [families.apply(portrait, family, level, np.random.default_rng(s)) for s in SEEDS for level in (0.1, 1.0)]
    mild = np.median([distance(portrait, rung) for rung in rungs[::2]])
    strong = np.median([distance(portrait, rung) for rung in rungs[1::2]])
    assert 0.003 < mild < 0.05
    assert strong > 0.05


@pytest.mark.parametrize("family", families.FAMILIES)
def test_the_faintest_severity_is_hardly_a_change(portrait: Image, family: str) -> None:
    faint = [families.apply(portrait, family, 0.004, np.random.default_rng(seed)) for seed in SEEDS]
    assert max(distance(portrait, result) for result in faint) < 0.02


@pytest.mark.parametrize("family", ["defocus_blur", "motion_blur"])
def test_blurs_keep_the_mean_light(portrait: Image, family: str) -> None:
    blurred = families.BLURS[family](to_linear(portrait), 0.5, np.random.default_rng(1))
    assert blurred.mean() == pytest.approx(to_linear(portrait).mean(), rel=0.03)


def test_dark_is_darker_and_bright_is_brighter(portrait: Image) -> None:
    for seed in SEEDS:
        assert (
            families.apply(portrait, "underexposure", 0.4, np.random.default_rng(seed)).mean() < portrait.mean() - 0.05
        )
        assert (
            families.apply(portrait, "overexposure", 0.4, np.random.default_rng(seed)).mean() > portrait.mean() + 0.05
        )


def test_transfer_curve_and_its_inverse(portrait: Image) -> None:
    assert to_srgb(to_linear(portrait)) == pytest.approx(portrait, abs=1e-5)
    assert float(to_linear(np.array([0.5], dtype=np.float32))[0]) == pytest.approx(0.21404, abs=1e-5)


@pytest.mark.parametrize(
    ("family", "severity"), [("blur", 0.5), ("noise", -0.1), ("noise", 1.5), ("noise", float("nan"))]
)
def test_bad_arguments_are_refused(portrait: Image, family: str, severity: float) -> None:
    with pytest.raises(ValueError, match=r"family|severity"):
        families.apply(portrait, family, severity, np.random.default_rng(0))
