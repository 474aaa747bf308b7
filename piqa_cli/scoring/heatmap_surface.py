"""From the patches of a local map, and the faces, to a smooth surface over the whole photo."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from piqa_cli.faces.choose import area
from piqa_cli.records import Box
from piqa_cli.scoring.explanation import Explanation
from piqa_cli.scoring.heatmap import LEVEL, structure_of

RASTER = 200  # points along the longer side, before the surface is enlarged to the picture
WIDTH_AT_HALF = 2 * math.sqrt(2 * math.log(2))  # full width at half maximum of a Gaussian, in standard deviations
TINY = 1e-12
FARTHEST = 300  # exponent at which a Gaussian stops falling, so that none becomes zero


@dataclass(frozen=True, slots=True)
class Surface:
    """Score and certainty at every pixel of a picture of the photo."""

    score: NDArray[np.float32]  # (H, W), 0-100
    certainty: NDArray[np.float32]  # (H, W), in [0, 1]; 0 where all around is plain


class _Vote(NamedTuple):
    box: Box  # in shares of the photo
    weight: float
    certainty: float  # in [0, 1]
    score: float  # 0-100


def surface(explanation: Explanation, size: tuple[int, int]) -> Surface:
    """Patches and faces as a mean at every pixel, weighted by nearness and structure (a normalised convolution).

    Patches and faces are Gaussians as wide as their boxes. A face has its score alone and the more weight the smaller
    it is beside a patch: in a small face its own score prevails, within a large one the patches do. Plain patches take
    on what is around them; where all around is plain, the certainty says so. So it does in a box of one colour that
    somebody has given for a face.

    Args:
        explanation: with a local map.
        size: width and height of the picture.
    """
    votes = _votes(explanation)
    shrink = min(RASTER / max(size), 1.0)
    width, height = (max(round(side * shrink), 1) for side in size)
    across = np.stack([_bell(vote.box[0], vote.box[2], width) for vote in votes])  # (P, w)
    down = np.stack([_bell(vote.box[1], vote.box[3], height) for vote in votes])  # (P, h)
    weight, certainty, score = (np.array(values) for values in zip(*(vote[1:] for vote in votes), strict=True))
    near = np.einsum("p,ph,pw->phw", weight, down, across)
    everything = near.sum(axis=0)
    certain = np.einsum("p,phw->hw", certainty, near)
    plain = np.einsum("p,phw->hw", score, near) / everything  # decides only where nothing has any structure
    mean = (np.einsum("p,phw->hw", certainty * score, near) + TINY * plain) / (certain + TINY)
    return Surface(_enlarged(mean, size), _enlarged(certain / everything, size))


def _votes(explanation: Explanation) -> list[_Vote]:
    found, photo = explanation.local, explanation.photo
    assert found is not None, "explained without a local map"
    extent = (photo.width or 1, photo.height or 1)
    patch_area = area(found.patches[0].box)
    overlap = len(found.patches) * patch_area / (extent[0] * extent[1])
    patches = [_Vote(_share(p.box, extent), 1 / overlap, p.structure, p.score) for p in found.patches]
    faces = [
        _Vote(share, patch_area / max(area(face.box), 1.0), _told(found.photo, share), face.mark.score)
        for face in explanation.faces
        for share in [_share(face.box, extent)]
    ]
    return patches + faces


def _told(photo: Image.Image, box: Box) -> float:
    """How much a face's place has to show: 0 for a single colour, nearly 1 for every face. The box is in shares."""
    left, top = math.floor(box[0] * photo.width), math.floor(box[1] * photo.height)
    right, bottom = math.ceil(box[2] * photo.width), math.ceil(box[3] * photo.height)
    energy = structure_of(photo.crop((left, top, max(right, left + 1), max(bottom, top + 1)))) ** 2
    return energy / (energy + LEVEL**2)


def _share(box: Box, extent: tuple[int, int]) -> Box:
    """A box in shares of the photo's width and height."""
    return (box[0] / extent[0], box[1] / extent[1], box[2] / extent[0], box[3] / extent[1])


def _bell(low: float, high: float, points: int) -> NDArray[np.float64]:
    """A Gaussian at `points` places between 0 and 1: 1 in the middle, half of it at `low` and `high`."""
    sigma = max(high - low, 1 / points) / WIDTH_AT_HALF
    places = (np.arange(points) + 0.5) / points
    distance = (places - (low + high) / 2) / sigma
    bell: NDArray[np.float64] = np.exp(-np.minimum(distance**2 / 2, FARTHEST))
    return bell


def _enlarged(values: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float32]:
    image = Image.fromarray(values.astype(np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR))
