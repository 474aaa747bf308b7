"""Light: too little, too much, scattered by haze, or of the wrong colour. All in linear light."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.recipes_base import REC709, Picture, luminance, to_linear, to_srgb

TOO_DARK = (0.7, 1.4, 2.2, 3.2, 4.5)  # EV
TOO_BRIGHT = (0.5, 1.0, 1.6, 2.3, 3.2)
TRANSMISSIONS = (0.85, 0.7, 0.55, 0.4, 0.25)  # of the haze, half-way into the scene
MIREDS = (20.0, 45.0, 80.0, 125.0, 180.0)  # between the light of the scene and the camera's setting
TINTS = (0.03, 0.06, 0.1, 0.15, 0.22)  # stops of green on top, or of magenta
GAINS = (1.15, 1.3, 1.5, 1.8, 2.2)
DAYLIGHT = 5500.0  # kelvin
FROM_XYZ = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])  # linear sRGB


def underexposure(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    return to_srgb(to_linear(picture) * np.float32(2 ** -TOO_DARK[level - 1]))


def overexposure(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    """What exceeds white is lost, channel by channel."""
    return to_srgb(to_linear(picture) * np.float32(2 ** TOO_BRIGHT[level - 1]))


def haze(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """Koschmieder's law over a depth that grows towards the top: light lost on its way, and airlight added."""
    height = picture.shape[0]
    depth = np.linspace(rng.uniform(1.2, 1.6), rng.uniform(0.4, 0.8), height, dtype=np.float32)[:, None, None]
    through = np.float32(TRANSMISSIONS[level - 1]) ** depth
    airlight = np.float32(rng.uniform(0.6, 0.9)) * np.array([0.97, 1.0, 1.04], dtype=np.float32)
    return to_srgb(to_linear(picture) * through + (1 - through) * airlight)


def white_balance(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """The camera set for another light than the scene's: too warm or too cold, with some green or magenta."""
    other = 1e6 / (1e6 / DAYLIGHT + MIREDS[level - 1])
    warm = blackbody(other) / blackbody(DAYLIGHT)
    gains = warm if rng.random() < 0.5 else 1 / warm
    gains = gains * np.array([1, 2.0 ** (TINTS[level - 1] * rng.choice([-1.0, 1.0])), 1])
    return _gained(picture, gains)


def blackbody(kelvin: float) -> npt.NDArray[np.float64]:
    """Linear sRGB of the Planckian locus by the cubic fit of Kim et al. (2002), 1667 to 25000 K."""
    t = 1e3 / kelvin
    x = (
        -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
        if kelvin < 4000
        else -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    )
    y = (
        -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
        if kelvin < 4000
        else 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    )
    return np.asarray(FROM_XYZ @ np.array([x / y, 1.0, (1 - x - y) / y]))


def channel_gain(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """One of red, green and blue too strong."""
    gains = np.ones(3)
    gains[rng.integers(3)] = GAINS[level - 1]
    return _gained(picture, gains)


def _gained(picture: Picture, gains: npt.NDArray[np.float64]) -> Picture:
    """Channels multiplied at equal luminance of white."""
    return to_srgb(to_linear(picture) * (gains / (gains @ REC709)).astype(np.float32))


def mean_exposure(picture: Picture, like: Picture) -> Picture:
    """`picture` exposed so that its mean luminance is that of `like`."""
    linear = to_linear(picture)
    return to_srgb(linear * np.float32(luminance(to_linear(like)).mean() / max(float(luminance(linear).mean()), 1e-6)))
