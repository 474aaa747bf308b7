"""Lens and movement, in linear light: defocus, camera shake, lateral chromatic aberration, glare, double exposure."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.recipes_base import Picture, convolve, pixels, to_linear, to_srgb

RADII = (1.1, 1.8, 2.9, 4.6, 7.5)  # pixels of the blur disc
PATHS = (4.0, 8.0, 13.0, 21.0, 34.0)  # pixels that the picture moves
MAGNIFICATIONS = (0.0015, 0.003, 0.006, 0.011, 0.02)  # red larger and blue smaller by this share
SCATTERED = (0.12, 0.22, 0.35, 0.5, 0.65)  # share of the light that the lens scatters
GLARE_SPREADS = (0.02, 0.06, 0.18)  # standard deviations, of the long side
GHOSTS = ((0.15, 7.0), (0.22, 11.0), (0.3, 17.0), (0.38, 24.0), (0.45, 33.0))  # share of the light, pixels apart
FINE = 16  # subpixels along a pixel's side
HIGHLIGHT = 4.0  # how much brighter than white a clipped highlight is taken to be


def defocus(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    """A disc, as a wide open round aperture makes it."""
    return to_srgb(convolve(to_linear(picture), disc(pixels(picture, RADII[level - 1]))))


def disc(radius: float) -> npt.NDArray[np.float64]:
    """Share of each pixel that a disc of `radius` pixels around the middle covers."""
    half = int(np.ceil(radius - 0.5)) + 1
    fine = (np.arange((2 * half + 1) * FINE) + 0.5) / FINE - half - 0.5
    inside = np.hypot(*np.meshgrid(fine, fine)) <= radius
    return np.asarray(inside.reshape(2 * half + 1, FINE, 2 * half + 1, FINE).mean(axis=(1, 3)))


def motion(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """Camera shake: a bent path with the tremor of a hand on it, travelled at an uneven pace."""
    path = shake_path(rng) * pixels(picture, PATHS[level - 1])
    return to_srgb(convolve(to_linear(picture), trace(path)))


def shake_path(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """(N, 2) positions at equal times, of length about 1, centred."""
    time = np.linspace(0, 1, 600)
    heading = rng.uniform(0, 2 * np.pi) + rng.uniform(-1.2, 1.2) * time
    for tremor in (2, 3, 5):  # a few cycles in the time of an exposure
        heading = heading + rng.normal() * 0.5 * np.sin(2 * np.pi * (tremor * time + rng.random())) / tremor
    pace = 1 + 0.6 * np.sin(2 * np.pi * (time + rng.random()))
    steps = np.stack([np.cos(heading), np.sin(heading)], axis=1) * (pace / pace.sum())[:, None]
    path = np.cumsum(steps, axis=0)
    return np.asarray(path - path.mean(axis=0))


def trace(path: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The point spread of a path in pixels: each position shared out among its four neighbours."""
    half = int(np.ceil(np.abs(path).max())) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    whole = np.floor(path).astype(int)
    part = path - whole
    for right in (0, 1):
        for down in (0, 1):
            share = np.abs(1 - right - part[:, 0]) * np.abs(1 - down - part[:, 1])
            np.add.at(kernel, (whole[:, 1] + down + half, whole[:, 0] + right + half), share)
    return kernel


def chromatic_aberration(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """Lateral: red is drawn larger than green and blue smaller, or the reverse."""
    share = MAGNIFICATIONS[level - 1] * float(rng.choice([-1.0, 1.0]))
    linear = to_linear(picture)
    scaled = [magnify(linear[..., channel], 1 + share * sign) for channel, sign in enumerate((1, 0, -1))]
    return to_srgb(np.stack(scaled, axis=-1))


def magnify(plane: Picture, factor: float) -> Picture:
    """The plane enlarged around its middle, of the same size."""
    height, width = plane.shape
    matrix = np.array([[factor, 0, (1 - factor) * (width - 1) / 2], [0, factor, (1 - factor) * (height - 1) / 2]])
    return np.asarray(
        cv2.warpAffine(plane, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    )


def glare(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    """Light scattered by a dirty or old lens: a point spread with wide tails, highlights brighter than white."""
    linear = to_linear(picture)
    light = linear * (1 + (HIGHLIGHT - 1) * np.clip((linear - 0.85) / 0.15, 0, 1))
    side = max(picture.shape[:2])
    tails = [_wide_gaussian(light, spread * side) for spread in GLARE_SPREADS]
    share = np.float32(SCATTERED[level - 1])
    return to_srgb((1 - share) * linear + share * np.mean(tails, axis=0, dtype=np.float32))


def _wide_gaussian(linear: Picture, sigma: float) -> Picture:
    """Computed at a size at which it is a few pixels wide."""
    height, width = linear.shape[:2]
    factor = max(sigma / 4, 1.0)
    small = cv2.resize(
        linear, (max(round(width / factor), 2), max(round(height / factor), 2)), None, 0, 0, cv2.INTER_AREA
    )
    blurred = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(blurred, (width, height), None, 0, 0, cv2.INTER_LINEAR), dtype=np.float32)


def double_exposure(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """A second, weaker image beside the first, as of merged exposures that were not aligned."""
    share, distance = GHOSTS[level - 1]
    angle = rng.uniform(0, 2 * np.pi)
    dx, dy = pixels(picture, distance) * np.array([np.cos(angle), np.sin(angle)])
    linear = to_linear(picture)
    height, width = linear.shape[:2]
    moved = cv2.warpAffine(
        linear,
        np.array([[1, 0, dx], [0, 1, dy]]),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    return to_srgb((1 - np.float32(share)) * linear + np.float32(share) * moved)
