"""Defocus and motion blur as linear operators on linear light, for any number of channels up to four; colour fringes.

Being linear in the image, the same operator also blurs a mask: `render` uses this for normalised convolution.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from piqa_training.degrade import filters
from piqa_training.degrade.light import Image, Mask, pick, pixel_scale, ramp, to_linear, to_srgb

Coordinates = npt.NDArray[np.float64]
Density = Callable[[Coordinates, Coordinates], Coordinates]

_SUPERSAMPLING = 5
_LARGEST_SIGMA = 9.0  # pixels at a long side of 1000
_LONGEST_PATH = 45.0
_FARTHEST_JERK = 3.0  # paths between the two images, beside one: nothing smears what lies farther apart
_WIDEST_FRINGE = 12.0
_POINT_SPREADS = {"gaussian": 3.0, "disc": 3.0, "polygon": 1.5, "ring": 0.7, "tails": 0.8}
_MOVEMENTS = {"line": 2.5, "jerk": 1.5, "curve": 2.0, "shake": 2.5, "rotation": 0.8, "zoom": 0.5}


def defocus(linear: Image, severity: float, rng: np.random.Generator) -> Image:
    """Lens out of focus: Gaussian, disc, polygon, bubble or long-tailed spread, many stretched (astigmatism)."""
    kind = pick(rng, _POINT_SPREADS)
    aspect = float(rng.uniform(1.0, 2.2)) if rng.random() < 0.4 else 1.0
    angle, share = float(rng.uniform(0, np.pi)), float(rng.random())
    density = _density(kind, int(rng.integers(5, 9)), float(rng.uniform(0.3, 1.5)))
    sigma = ramp(severity, _LARGEST_SIGMA, 1.3) * pixel_scale(linear.shape, share)
    if kind == "gaussian" and aspect == 1.0:
        return filters.gaussian(linear, sigma)
    return filters.convolve(linear, _point_spread(density, sigma, aspect, angle))


def _density(kind: str, blades: int, rim: float) -> Density:
    """Light over the unit aperture (or over standard deviations), as a function of the position."""

    def inside_polygon(u: Coordinates, v: Coordinates) -> Coordinates:
        sector = 2 * np.pi / blades
        around = np.mod(np.arctan2(v, u), sector) - sector / 2
        return np.asarray(np.hypot(u, v) * np.cos(around) <= np.cos(sector / 2), dtype=float)

    densities: dict[str, Density] = {
        "gaussian": lambda u, v: np.asarray(np.exp(-(u**2 + v**2) * 4.5)),
        "disc": lambda u, v: (np.hypot(u, v) <= 1).astype(float),
        "polygon": inside_polygon,
        "ring": lambda u, v: (np.hypot(u, v) <= 1) * (1 + 2 * rim * (u**2 + v**2)),
        "tails": lambda u, v: (1 + (u**2 + v**2) * 40) ** -2.5 * (np.hypot(u, v) <= 1),
    }
    return densities[kind]


def _point_spread(density: Density, sigma: float, aspect: float, angle: float) -> Mask:
    """Antialiased kernel, sum 1, whose standard deviation per axis (geometric mean of both) is `sigma` pixels."""
    grid = np.linspace(-1, 1, 81)
    u, v = np.meshgrid(grid, grid)
    weights = density(u, v)
    unit_sigma = float(np.sqrt((weights * (u**2 + v**2)).sum() / weights.sum() / 2))
    radius = sigma / unit_sigma
    half = int(np.ceil(radius * np.sqrt(aspect))) + 1
    fine = (np.arange((2 * half + 1) * _SUPERSAMPLING) + 0.5) / _SUPERSAMPLING - half - 0.5
    x, y = np.meshgrid(fine, fine)
    along = (x * np.cos(angle) + y * np.sin(angle)) / (radius * np.sqrt(aspect))
    across = (y * np.cos(angle) - x * np.sin(angle)) / (radius / np.sqrt(aspect))
    return _normalise(_bin(density(along, across)), half)


def _bin(fine: Coordinates) -> Coordinates:
    """Sum the supersamples of each pixel."""
    side = fine.shape[0] // _SUPERSAMPLING
    return np.asarray(fine.reshape(side, _SUPERSAMPLING, side, _SUPERSAMPLING).sum(axis=(1, 3)))


def _normalise(kernel: Coordinates, centre: int) -> Mask:
    total = float(kernel.sum())
    if total <= 0:  # smaller than a subpixel: the point itself
        kernel[centre, centre] = total = 1.0
    return np.asarray(kernel / total, dtype=np.float32)


def motion(linear: Image, severity: float, rng: np.random.Generator) -> Image:
    """Camera or subject moved during the exposure: line, jerk (a double image), curve, shaky path, rotation, zoom."""
    kind = pick(rng, _MOVEMENTS)
    path = _path(kind, rng)
    bearing, distance, sign = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 0.9), float(rng.choice([-1.0, 1.0]))
    centre = 0.5 + distance * np.array([np.cos(bearing), np.sin(bearing)])  # off the middle, where the face may be
    share = float(rng.random())
    length = ramp(severity, _LONGEST_PATH, 1.5) * pixel_scale(linear.shape, share)
    if kind == "jerk":
        length *= rng.uniform(1, _FARTHEST_JERK)
    if kind in ("rotation", "zoom"):
        return _turn(linear, length, centre, sign, zoom=kind == "zoom")
    return filters.convolve(linear, _trace(path * length))


def _path(kind: str, rng: np.random.Generator) -> Coordinates:
    """Positions (N, 2) at equal times, of unit extent, centred; N is dense enough for the longest path."""
    time = np.linspace(-0.5, 0.5, 400)
    angle, bow, wobble = rng.uniform(0, np.pi), rng.uniform(-1.2, 1.2), rng.uniform(0.05, 0.7)
    jitter = np.cumsum(rng.standard_normal((400, 2)), axis=0)
    pace = time + rng.uniform(0, 0.12) * np.sin(2 * np.pi * time + rng.uniform(0, 6.3))
    if kind == "jerk":
        pace = _jerk(time, rng)
    across = {"curve": bow * time**2}.get(kind, 0 * time)
    path = np.stack([pace, across], axis=1)
    if kind == "shake":
        smooth = np.stack(
            [np.convolve(np.pad(j, 20, mode="edge"), np.ones(41) / 41, "valid") for j in jitter.T], axis=1
        )
        path += wobble * smooth / np.ptp(smooth, axis=0).max()
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    path = (path - path.mean(axis=0)) @ turn
    return np.asarray(path / np.hypot(*np.ptp(path, axis=0)))


def _jerk(time: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """At rest in one place, then soon in another, for unequal shares of the time."""
    middle, lasted = rng.uniform(-0.42, 0.42), rng.uniform(0.01, 0.15)
    return np.interp(time, [middle - lasted / 2, middle + lasted / 2], [-0.5, 0.5])


def _trace(path: Coordinates) -> Mask:
    """Kernel, sum 1, of a point moving along `path` in pixels (bilinear splats)."""
    half = int(np.ceil(np.abs(path).max())) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    corner = np.floor(path).astype(int)
    rest = path - corner
    for dx in (0, 1):
        for dy in (0, 1):
            weight = np.abs(1 - dx - rest[:, 0]) * np.abs(1 - dy - rest[:, 1])
            np.add.at(kernel, (corner[:, 1] + half + dy, corner[:, 0] + half + dx), weight)
    return _normalise(kernel, half)


def _turn(linear: Image, length: float, centre: Coordinates, sign: float, *, zoom: bool) -> Image:
    """Average over a rotation or zoom that moves the middle of the picture by `length` pixels, by repeated halving."""
    height, width = linear.shape[:2]
    x, y = centre * (width, height)
    whole = sign * length / float(np.hypot(x - width / 2, y - height / 2))
    blurred = linear
    half = np.float32(0.5)
    for halving in range(1, max(1, int(np.ceil(np.log2(max(2 * length, 2.0))))) + 1):
        part = whole / 2**halving / 2
        blurred = half * filters.warp(blurred, _move(part, x, y, zoom)) + half * filters.warp(
            blurred, _move(-part, x, y, zoom)
        )
    return blurred


def _move(amount: float, x: float, y: float, zoom: bool) -> Coordinates:
    """Affine matrix of a rotation by `amount` radians, or a zoom by exp(amount), about (x, y)."""
    scale = np.exp(amount) if zoom else 1.0
    cos, sin = (scale, 0.0) if zoom else (float(np.cos(amount)), float(np.sin(amount)))
    return np.array([[cos, -sin, x - cos * x + sin * y], [sin, cos, y - sin * x - cos * y]])


def color_fringing(image: Image, severity: float, rng: np.random.Generator) -> Image:
    """Chromatic aberration of an sRGB image: colours of unlike magnification (lateral), of unlike focus (axial), or
    both, or channels that lie a little apart.
    """
    kind = pick(rng, {"lateral": 3, "axial": 2, "both": 2, "apart": 1})
    bearing, halves = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.0, size=2) * rng.choice([-1.0, 1.0])
    soft, share = rng.uniform(0.15, 0.4, size=2), float(rng.random())
    width = ramp(severity, _WIDEST_FRINGE, 1.5) * pixel_scale(image.shape, share)
    linear = to_linear(image)
    red, green, blue = (np.ascontiguousarray(linear[..., channel]) for channel in range(3))
    if kind != "axial":
        red = filters.warp(red, _fringe(image.shape, halves[0] * width, bearing, together=kind == "apart"))
        blue = filters.warp(blue, _fringe(image.shape, -halves[1] * width, bearing, together=kind == "apart"))
    if kind in ("axial", "both"):
        red, blue = (filters.gaussian(c, max(s * width, 1e-2)) for c, s in ((red, soft[0]), (blue, soft[1])))
    return to_srgb(np.stack([red, green, blue], axis=2))


def _fringe(shape: tuple[int, ...], width: float, bearing: float, *, together: bool) -> Coordinates:
    """Affine matrix that moves a channel by `width` pixels: at the corners, away from the middle, or everywhere."""
    height, breadth = shape[:2]
    if together:
        dx, dy = width / 2 * np.cos(bearing), width / 2 * np.sin(bearing)
        return np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]])
    return _move(2 * width / float(np.hypot(height, breadth)), breadth / 2, height / 2, zoom=True)
