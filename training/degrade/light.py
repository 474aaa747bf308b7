"""Light and numbers: the sRGB transfer curve (IEC 61966-2-1), luminance, and how severity grows into a parameter."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.float32]
"""float32 (H, W, 3), RGB in [0, 1], sRGB-encoded unless a name says linear."""
Mask = npt.NDArray[np.float32]
"""float32 (H, W) in [0, 1]."""

LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
MIDDLE_GREY = 0.18  # linear reflectance to which every exposure and noise level is calibrated
_ENCODED_JOINT, _LINEAR_JOINT = np.float32(0.04045), np.float32(0.0031308)  # of straight toe and power curve
_REFERENCE_SIDE = 1000.0  # pixels: the long side for which spatial parameters are given


def to_linear(image: Image) -> Image:
    """sRGB-encoded values in [0, 1] -> linear light in [0, 1], same shape."""
    linear = np.maximum(image, _ENCODED_JOINT)  # curve above the joint plus straight toe below it: fast, no branches
    linear += np.float32(0.055)
    linear *= np.float32(1 / 1.055)
    np.power(linear, np.float32(2.4), out=linear)
    toe = np.minimum(image, _ENCODED_JOINT)
    toe -= _ENCODED_JOINT
    toe *= np.float32(1 / 12.92)
    linear += toe
    return linear


def to_srgb(linear: Image) -> Image:
    """Linear light, clipped at black 0 and sensor saturation 1 -> sRGB-encoded values in [0, 1], same shape."""
    image = np.clip(linear, _LINEAR_JOINT, np.float32(1))
    np.power(image, np.float32(1 / 2.4), out=image)
    image *= np.float32(1.055)
    image -= np.float32(0.055)
    toe = np.clip(linear, np.float32(0), _LINEAR_JOINT)
    toe -= _LINEAR_JOINT
    toe *= np.float32(12.92)
    image += toe
    return np.clip(image, 0, 1, out=image)


def luminance(image: Image) -> Image:
    """Weighted sum of the channels by Rec. 709, (H, W, 1)."""
    return (image @ LUMA)[..., None]


def clip(image: Image) -> Image:
    """Limit to [0, 1] as float32."""
    return np.clip(image, 0.0, 1.0).astype(np.float32, copy=False)


def ramp(severity: float, top: float, bend: float) -> float:
    """0 at severity 0, `top` at 1, growing exponentially: equal steps of severity are about equally visible steps."""
    return top * float(np.expm1(bend * severity) / np.expm1(bend))


def pixel_scale(shape: tuple[int, ...], share: float) -> float:
    """Factor on pixel sizes that are given for a long side of 1000.

    `share` in [0, 1] goes from pixels of the file (0) to a fixed part of the picture (1). Never below 0.75, so that a
    blur stays visible at native resolution on small photos.
    """
    return max(0.75, float((max(shape[:2]) / _REFERENCE_SIDE) ** share))


def pick(rng: np.random.Generator, weights: dict[str, float]) -> str:
    """One key at random, by weight."""
    names = list(weights)
    chances = np.array(list(weights.values()))
    return names[int(rng.choice(len(names), p=chances / chances.sum()))]


def fast_generator(rng: np.random.Generator) -> np.random.Generator:
    """One for whole pictures of noise, which takes a single number from the recipe's own."""
    return np.random.Generator(np.random.SFC64(int(rng.integers(2**32))))
