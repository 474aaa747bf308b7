"""Kinds of a defect that only some seeds meet: what each does to a photo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from piqa_training.degrade import families, filters, light, optics, sensor
from piqa_training.degrade.light import Image

Force = Callable[..., None]


@pytest.fixture
def force(monkeypatch: pytest.MonkeyPatch) -> Force:
    """Has every draw that knows one of the kinds draw it."""

    def forced(*kinds: str) -> None:
        def pick(rng: np.random.Generator, weights: dict[str, float]) -> str:
            drawn = light.pick(rng, weights)
            return next((kind for kind in kinds if kind in weights), drawn)

        for module in (optics, sensor):
            monkeypatch.setattr(module, "pick", pick)

    return forced


def test_a_jerk_gives_two_images(force: Force) -> None:
    force("jerk")
    point: Image = np.zeros((121, 121, 3), dtype=np.float32)
    point[60, 60] = 1
    for seed in range(8):
        spread = optics.motion(point, 0.6, np.random.default_rng(seed))[..., 0]
        assert np.sort(spread.ravel())[-8:].sum() > 0.75  # two points of at most four pixels; the way between was short
        assert np.hypot(*np.ptp(np.argwhere(spread > 0.015), axis=0)) > 8


@pytest.mark.parametrize("kind", ["impulse", "hot"])
def test_the_stuck_pixels_of_a_milder_rung_are_among_those_of_a_stronger_one(force: Force, kind: str) -> None:
    force("sparse", kind)
    grey: Image = np.full((200, 200, 3), 0.4, dtype=np.float32)
    rungs = [families.apply(grey, "noise", severity, np.random.default_rng(3)) for severity in (0.2, 0.5, 1.0)]
    mild, middle, strong = (np.abs(rung - grey).max(axis=2) > 0.01 for rung in rungs)
    assert 0 < mild.mean() < 0.02
    assert mild.mean() < middle.mean() < strong.mean() < 0.6
    assert np.all(middle[mild])
    assert np.all(strong[middle])


def test_impulses_are_black_or_white_and_hot_sites_shine(force: Force) -> None:
    grey: Image = np.full((200, 200, 3), 0.4, dtype=np.float32)
    force("sparse", "impulse")
    impulses = families.apply(grey, "noise", 0.5, np.random.default_rng(3))
    assert set(np.unique(impulses)) == {np.float32(0), np.float32(0.4), np.float32(1)}
    force("sparse", "hot")
    hot = families.apply(grey, "noise", 0.5, np.random.default_rng(3))
    assert hot.min() > 0.399
    assert hot.max() > 0.7


def test_strong_denoising_keeps_edges_and_loses_texture() -> None:
    rng = np.random.default_rng(0)
    step: Image = np.full((80, 80, 3), 0.3, dtype=np.float32)
    step[:, 40:] = 0.7
    texture = step + (0.02 * rng.standard_normal((80, 80, 1))).astype(np.float32)
    painted = sensor._denoise(texture, 0.04, 0.9, 3, 1.0)
    assert painted[:, 5:35].std() < 0.3 * texture[:, 5:35].std()
    assert painted[:, 42].mean() - painted[:, 37].mean() > 0.35


def test_the_bilateral_filter_does_not_smooth_across_a_step() -> None:
    step: Image = np.zeros((40, 40, 1), dtype=np.float32)
    step[:, 20:] = 1
    assert np.allclose(filters.bilateral(step, 0.1), step, atol=1e-3)
    assert filters.bilateral(step, 10.0)[20, 20, 0] < 0.9
