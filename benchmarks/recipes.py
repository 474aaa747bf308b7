"""Degradations for the benchmark, five levels each, modelled on what happens in lenses, sensors and files.

Written apart from the recipes that the training renders (`piqa_training.degrade`), which this package never imports
and which never import it: scores that hold here were not learnt from the same code. A family marked `held_out` has no
recipe in the training, only distant kin: AVIF for HEIF, veils and bloom for glare. For one photo and family all random
choices are the same at every level. `LISTED` holds a second set, the list of distortions that the field knows best.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from benchmarks import recipes_file, recipes_light, recipes_listed, recipes_optics, recipes_sensor
from benchmarks.recipes_base import Picture, Recipe

LEVELS = 5


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of degradation."""

    name: str
    render: Recipe
    defects: tuple[str, ...] = ()  # names, of `piqa_cli.records.DEFECTS`, that say rightly what is wrong
    held_out: bool = False  # the training has no such recipe


def _by_name(*families: Family) -> dict[str, Family]:
    return {family.name: family for family in families}


FAMILIES = _by_name(
    Family("defocus", recipes_optics.defocus, ("defocus_blur",)),
    Family("camera shake", recipes_optics.motion, ("motion_blur",)),
    Family("noise", recipes_sensor.noise, ("noise",)),
    Family("smeared noise", recipes_sensor.smeared_noise, ("noise", "defocus_blur", "low_resolution")),
    Family("jpeg", recipes_file.jpeg, ("compression",)),
    Family("low resolution", recipes_sensor.low_resolution, ("low_resolution",)),
    Family("underexposure", recipes_light.underexposure, ("underexposure",)),
    Family("overexposure", recipes_light.overexposure, ("overexposure",)),
    Family("haze", recipes_light.haze, ("low_contrast",)),
    Family("white balance", recipes_light.white_balance, ("color_cast",)),
    Family("channel gain", recipes_light.channel_gain, ("color_cast",)),
    Family("heif", recipes_file.heif, ("compression",), held_out=True),
    Family("hot pixels", recipes_sensor.hot_pixels, ("noise",)),
    Family("lens glare", recipes_optics.glare, ("low_contrast",), held_out=True),
    Family("sharpening halos", recipes_file.oversharpening),
    Family("posterisation", recipes_file.posterisation),
    Family("chromatic aberr.", recipes_optics.chromatic_aberration),
    Family("double exposure", recipes_optics.double_exposure),
)

LISTED = _by_name(
    Family("gaussian blur", recipes_listed.gaussian_blur, ("defocus_blur",)),
    Family("lens blur", recipes_listed.lens_blur, ("defocus_blur",)),
    Family("motion blur", recipes_listed.motion_blur, ("motion_blur",)),
    Family("colour diffusion", recipes_listed.color_diffusion),
    Family("colour shift", recipes_listed.color_shift),
    Family("fewer colours", recipes_listed.fewer_colors),
    Family("quantised", recipes_listed.quantised),
    Family("saturated", recipes_listed.saturated, ("color_cast",)),
    Family("jpeg 2000", recipes_listed.jpeg_2000, ("compression",)),
    Family("baseline jpeg", recipes_listed.baseline_jpeg, ("compression",)),
    Family("white noise", recipes_listed.white_noise, ("noise",)),
    Family("chroma noise", recipes_listed.chroma_noise, ("noise",)),
    Family("impulse noise", recipes_listed.impulse_noise, ("noise",)),
    Family("multiplic. noise", recipes_listed.multiplicative_noise, ("noise",)),
    Family("denoised", recipes_listed.denoised, ("noise", "defocus_blur", "low_resolution")),
    Family("brightened", recipes_listed.brightened, ("overexposure",)),
    Family("darkened", recipes_listed.darkened, ("underexposure",)),
    Family("mean shift", recipes_listed.mean_shift, ("overexposure", "underexposure", "low_contrast")),
    Family("jitter", recipes_listed.jitter),
    Family("pixelated", recipes_listed.pixelated, ("low_resolution", "compression")),
    Family("sharpened", recipes_listed.sharpened),
    Family("less contrast", recipes_listed.less_contrast, ("low_contrast",)),
    Family("more contrast", recipes_listed.more_contrast),
)
SETS = {"photographic": FAMILIES, "listed": LISTED}


def family_of(name: str) -> Family:
    """A family of either set by its name."""
    return FAMILIES[name] if name in FAMILIES else LISTED[name]


def degrade(picture: Picture, family: str, level: int, seed: int) -> Picture:
    """A picture degraded by one family; level 0 gives a copy.

    Args:
        picture: float32 (H, W, 3), sRGB in [0, 1].
        family: a key of `FAMILIES` or `LISTED`.
        level: 0 to `LEVELS`.
        seed: of the photo; with the family's name it fixes directions, colours and noise for all levels.

    Raises:
        ValueError: there is no such level.
    """
    if not 0 <= level <= LEVELS:
        raise ValueError(f"levels go from 0 to {LEVELS}, not {level}")
    rng = np.random.default_rng([seed, zlib.crc32(family.encode())])
    return picture.copy() if level == 0 else family_of(family).render(picture, level, rng)
