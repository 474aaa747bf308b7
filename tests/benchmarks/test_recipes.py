"""The benchmark's degradations: worse at every level, physically right, and apart from the training's."""

import ast
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from benchmarks.recipes import FAMILIES, LEVELS, LISTED, degrade
from benchmarks.recipes_base import from_bytes, to_linear, to_srgb
from benchmarks.recipes_light import blackbody, mean_exposure
from benchmarks.recipes_optics import disc, shake_path, trace

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def picture():
    return from_bytes(data.astronaut()[20:260, 100:340])


def error(picture, family, level):
    return float(((degrade(picture, family, level, 7) - picture) ** 2).mean())


@pytest.mark.parametrize("family", [*FAMILIES, *LISTED])
def test_every_level_is_further_from_the_original(picture, family):
    errors = [error(picture, family, level) for level in range(LEVELS + 1)]
    assert errors[0] == 0
    assert errors[1] > 1e-6  # not invisible, even on a small picture
    assert all(milder < stronger for milder, stronger in pairwise(errors))


@pytest.mark.parametrize("family", [*FAMILIES, *LISTED])
def test_a_seed_fixes_the_result_and_the_original_stays(picture, family):
    before = picture.copy()
    first, again = degrade(picture, family, 3, 1), degrade(picture, family, 3, 1)
    assert np.array_equal(first, again)
    assert np.array_equal(picture, before)
    assert first.shape == picture.shape
    assert first.dtype == np.float32
    assert first.min() >= 0
    assert first.max() <= 1


@pytest.mark.parametrize("level", [-1, LEVELS + 1])
def test_there_are_no_other_levels(picture, level):
    with pytest.raises(ValueError, match="levels go from 0 to 5"):
        degrade(picture, "noise", level, 0)


def test_the_transfer_curve_goes_there_and_back():
    values = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16, 1).repeat(3, axis=2)
    assert np.abs(to_srgb(to_linear(values)) - values).max() < 2e-6
    assert to_linear(np.full((1, 1, 3), 0.5, np.float32))[0, 0, 0] == pytest.approx(0.21404, abs=1e-5)


@pytest.mark.parametrize("radius", [0.6, 1.1, 4.6])
def test_a_disc_has_the_area_of_a_circle(radius):
    assert disc(radius).sum() == pytest.approx(np.pi * radius**2, rel=0.03)


@pytest.mark.parametrize("family", ["defocus", "camera shake"])
def test_blur_averages_light_and_not_encoded_values(family):
    stripes = np.zeros((160, 160, 3), np.float32)
    stripes[:, ::2] = stripes[::2] = 1  # three quarters white: 0.75 in light
    middle = degrade(stripes, family, 5, 3)[60:100, 60:100]
    assert to_linear(middle).mean() == pytest.approx(0.75, abs=0.02)


def test_a_shake_is_bent_and_as_long_as_asked():
    for seed in range(5):
        path = shake_path(np.random.default_rng(seed))
        length = np.hypot(*np.diff(path, axis=0).T).sum()
        chord = np.hypot(*(path[-1] - path[0]))
        assert length == pytest.approx(1, abs=0.01)
        assert chord < 0.999 * length
        assert trace(path * 20).sum() == pytest.approx(len(path))


def test_photon_noise_grows_with_light_and_is_relatively_weaker_there():
    flat = [np.full((200, 200, 3), to_srgb(np.full((1, 1, 3), light, np.float32))[0, 0, 0]) for light in (0.1, 0.4)]
    noisy = [to_linear(degrade(picture.astype(np.float32), "noise", 2, 1)) for picture in flat]
    dim, bright = (float(values.var()) for values in noisy)
    assert bright / dim == pytest.approx((0.4 * 300 + 2.5**2) / (0.1 * 300 + 2.5**2), rel=0.1)


def test_exposure_is_a_factor_on_light():
    grey = np.full((8, 8, 3), 0.5, np.float32)
    dark = to_linear(degrade(grey, "underexposure", 2, 0))
    assert float((to_linear(grey) / dark).mean()) == pytest.approx(2**1.4, rel=1e-3)


def test_haze_turns_black_into_airlight_more_at_the_top():
    veil = to_linear(degrade(np.zeros((100, 20, 3), np.float32), "haze", 4, 0))
    assert 0.9 > veil[0].mean() > veil[-1].mean() > 0.1


def test_a_black_body_is_redder_when_cooler():
    warmth = [blackbody(kelvin)[0] / blackbody(kelvin)[2] for kelvin in (2500, 4000, 5500, 9000, 15000)]
    assert warmth == sorted(warmth, reverse=True)
    assert blackbody(6500) == pytest.approx([1.0, 1.0, 1.0], abs=0.1)  # near the white of sRGB


def test_a_cast_leaves_the_luminance_of_grey(picture):
    grey = np.full((8, 8, 3), 0.4, np.float32)
    for family in ("white balance", "channel gain"):
        cast = to_linear(degrade(grey, family, 3, 5))[0, 0]
        assert np.ptp(cast) > 0.02
        assert cast @ [0.2126, 0.7152, 0.0722] == pytest.approx(to_linear(grey)[0, 0, 0], rel=0.01)


def test_equal_mean_exposure(picture):
    dark = degrade(picture, "underexposure", 4, 0)
    assert to_linear(mean_exposure(picture, dark)).mean() == pytest.approx(to_linear(dark).mean(), rel=0.02)


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_training_knows_nothing_of_the_benchmark():
    sources = [*(ROOT / "training").rglob("*.py"), *(ROOT / "piqa_cli").rglob("*.py")]
    assert not [p for p in sources if any(name.split(".")[0] == "benchmarks" for name in imports_of(p))]


def test_the_recipes_know_nothing_of_the_training():
    program = "import sys, benchmarks.recipes; print([m for m in sys.modules if m.startswith('piqa_')])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_held_out_codecs_are_not_in_the_training():
    words = " ".join(p.read_text().lower() for p in (ROOT / "training").rglob("*.py"))
    assert FAMILIES["heif"].held_out
    assert "heif" not in words
