"""Distortions after the list of KADID-10k (Lin, Hosu and Saupe 2019), the field's usual one, five levels each.

They tell how far a model carries beyond recipes that are made for photos: most work on encoded values, as image
processing courses do, not on light. Strengths are chosen for photos of a megapixel or more. Left out are colour blocks
and displaced patches, which are nothing that a camera or a file does, and loss of saturation, since grey photos are to
score like coloured ones. Colour diffusion and jitter stay, though few people see the former on a photo.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.recipes_base import Picture, clip, from_bytes, pixels, to_bytes

GAUSSIAN_SIGMAS = (0.6, 0.9, 1.5, 2.8, 6.4)  # pixels for the reference side, as all sizes here
LENS_RADII = (0.86, 1.7, 3.4, 5.2, 6.9)
MOTION_LENGTHS = (3.1, 6.2, 9.3, 12.4, 18.6)
DIFFUSION_SIGMAS = (1.3, 3.9, 7.7, 10.3, 15.5)
SHIFTS = (0.8, 2.3, 4.6, 6.2, 9.3)
JITTERS = (0.06, 0.13, 0.26, 0.64, 1.3)
SHARPENING_SIGMA = 0.86
BLOCKS = (1.8, 2.2, 2.8, 3.8, 6.0)
COLOURS = (20, 14, 10, 7, 5)  # of each channel
CLASSES = (20, 16, 13, 10, 7)
SATURATIONS = (1.4, 1.8, 2.3, 3.0, 5.0)
RATES = (20.0, 45.0, 80.0, 140.0, 240.0)  # of compression
QUALITIES = (43, 36, 24, 7, 4)
NOISE_VARIANCES = (0.001, 0.002, 0.003, 0.005, 0.01)
CHROMA_VARIANCES = (0.0001, 0.0005, 0.001, 0.002, 0.003)
IMPULSE_SHARES = (0.001, 0.005, 0.01, 0.02, 0.03)
SPECKLE_VARIANCES = (0.001, 0.005, 0.01, 0.02, 0.05)
DENOISING = (4.0, 6.0, 8.0, 11.0, 16.0)  # of non-local means, in grey levels
BRIGHTENING = (0.12, 0.24, 0.48, 0.84, 1.32)
DARKENING = (0.12, 0.24, 0.48, 0.72, 0.96)
MEAN_SHIFTS = (0.05, 0.1, 0.16, 0.24, 0.34)
SHARPENING = (0.7, 1.4, 2.1, 4.2, 8.4)
LESS_CONTRAST = (0.8, 0.65, 0.5, 0.35, 0.2)
MORE_CONTRAST = (3.0, 4.5, 6.0, 9.0, 14.0)  # slope of the logistic curve


def gaussian_blur(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    return clip(_gaussian(picture, pixels(picture, GAUSSIAN_SIGMAS[level - 1])))


def lens_blur(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    radius = pixels(picture, LENS_RADII[level - 1])
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return clip(cv2.filter2D(picture, -1, disc / disc.sum()))


def motion_blur(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """Along a straight line at even speed."""
    length, angle = pixels(picture, MOTION_LENGTHS[level - 1]), rng.uniform(0, np.pi)
    reach = int(length / 2) + 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    line = np.clip(length / 2 + 0.5 - np.abs(along), 0, 1) * np.clip(1 - np.abs(across), 0, 1)
    return clip(cv2.filter2D(picture, -1, line / line.sum()))


def color_diffusion(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    lab = _to_lab(picture)
    lab[..., 1:] = _gaussian(lab[..., 1:], pixels(picture, DIFFUSION_SIGMAS[level - 1]))
    return _from_lab(lab)


def color_shift(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """One channel moved aside."""
    dx, dy = rng.choice([-1.0, 1.0], size=2) * pixels(picture, SHIFTS[level - 1])
    channel = int(rng.integers(3))
    size = (picture.shape[1], picture.shape[0])
    move = np.array([[1, 0, dx], [0, 1, dy]])
    shifted = picture.copy()
    shifted[..., channel] = cv2.warpAffine(picture[..., channel], move, size, borderMode=cv2.BORDER_REFLECT)
    return shifted


def fewer_colors(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    steps = np.float32(COLOURS[level - 1] - 1)
    return clip(np.round(picture * steps) / steps)


def quantised(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    """Every channel in classes of equal frequency."""
    values, count = to_bytes(picture), CLASSES[level - 1]
    result = np.empty_like(picture)
    for channel in range(3):
        edges = np.quantile(values[..., channel], np.linspace(0, 1, count + 1))
        which = np.clip(np.searchsorted(edges, values[..., channel], side="right") - 1, 0, count - 1)
        result[..., channel] = ((edges[:-1] + edges[1:]) / 2)[which] / 255
    return clip(result)


def saturated(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    lab = _to_lab(picture)
    lab[..., 1:] *= SATURATIONS[level - 1]
    return _from_lab(lab)


def jpeg_2000(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    rates = [RATES[level - 1]]
    return _through_file(picture, "JPEG2000", quality_mode="rates", quality_layers=rates, irreversible=True)


def baseline_jpeg(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    return _through_file(picture, "JPEG", quality=QUALITIES[level - 1])


def white_noise(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    return clip(picture + _grains(picture, NOISE_VARIANCES[level - 1], rng))


def chroma_noise(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """In YCbCr, stronger in the colour channels."""
    grains = _grains(picture, CHROMA_VARIANCES[level - 1], rng) * np.array([1, 2, 2], dtype=np.float32)
    return clip(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb) + grains, cv2.COLOR_YCrCb2RGB))


def impulse_noise(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    order, white = rng.random(picture.shape[:2]), rng.random(picture.shape[:2]) < 0.5
    hit = order < IMPULSE_SHARES[level - 1]
    result = picture.copy()
    result[hit] = white[hit][:, None]
    return result


def multiplicative_noise(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    return clip(picture * (1 + _grains(picture, SPECKLE_VARIANCES[level - 1], rng)))


def denoised(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """White noise, and what non-local means leave of the picture when they have removed it."""
    noisy, strength = to_bytes(white_noise(picture, level, rng)), DENOISING[level - 1]
    return from_bytes(np.asarray(cv2.fastNlMeansDenoisingColored(noisy, None, strength, strength, 5, 11), np.uint8))


def brightened(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    return _curved(picture, BRIGHTENING[level - 1])


def darkened(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    return _curved(picture, -DARKENING[level - 1])


def mean_shift(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    return clip(picture + np.float32(rng.choice([-1, 1]) * MEAN_SHIFTS[level - 1]))


def jitter(picture: Picture, level: int, rng: np.random.Generator) -> Picture:
    """Every pixel from somewhere near, three times over."""
    height, width = picture.shape[:2]
    reach = np.float32(pixels(picture, JITTERS[level - 1]))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    result = picture
    for _ in range(3):
        dx, dy = reach * rng.standard_normal((2, height, width), dtype=np.float32)
        result = cv2.remap(result, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return clip(result)


def pixelated(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    height, width = picture.shape[:2]
    block = pixels(picture, BLOCKS[level - 1])
    small = cv2.resize(picture, (int(width / block), int(height / block)), None, 0, 0, cv2.INTER_AREA)
    return clip(cv2.resize(small, (width, height), None, 0, 0, cv2.INTER_NEAREST))


def sharpened(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    lab = _to_lab(picture)
    soft = _gaussian(lab[..., 0], pixels(picture, SHARPENING_SIGMA))
    lab[..., 0] = np.clip(lab[..., 0] + np.float32(SHARPENING[level - 1]) * (lab[..., 0] - soft), 0, 100)
    return _from_lab(lab)


def less_contrast(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    return clip(0.5 + (picture - 0.5) * LESS_CONTRAST[level - 1])


def more_contrast(picture: Picture, level: int, _rng: np.random.Generator) -> Picture:
    """An S-shaped curve that keeps black and white."""
    slope = MORE_CONTRAST[level - 1]
    least, most = 1 / (1 + np.exp(slope / 2)), 1 / (1 + np.exp(-slope / 2))
    return clip((1 / (1 + np.exp(-slope * (picture - 0.5))) - least) / (most - least))


def _curved(picture: Picture, amount: float) -> Picture:
    """Middle tones of CIELAB's lightness brighter or darker, black and white as they were."""
    lab = _to_lab(picture)
    lightness = lab[..., 0] / 100
    lab[..., 0] = 100 * np.clip(lightness + np.float32(amount) * lightness * (1 - lightness), 0, 1)
    return _from_lab(lab)


def _gaussian(picture: Picture, sigma: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), dtype=np.float32)


def _grains(picture: Picture, variance: float, rng: np.random.Generator) -> Picture:
    return rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(np.sqrt(variance))


def _to_lab(picture: Picture) -> Picture:
    """CIELAB, lightness in [0, 100]."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), dtype=np.float32)


def _from_lab(lab: Picture) -> Picture:
    return clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


def _through_file(picture: Picture, form: str, **options: object) -> Picture:
    stream = io.BytesIO()
    Image.fromarray(to_bytes(picture)).save(stream, form, **options)
    with Image.open(stream) as image:
        decoded: npt.NDArray[np.uint8] = np.asarray(image.convert("RGB"))
    return from_bytes(decoded)
