"""Open or closed eyes: cutting both eyes of a face, and reading how far they are open.

The network that traces the lids (`lids.py`) was made for video calls: on photos the traced lids alone miss one closed
pair in eight at five false calls in a hundred. Two linear read-outs of its features, fitted by
`training/eyes_read.py`, tell open from closed, and seen from hidden (sunglasses, hair, hands).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from piqa_cli.faces.geometry import eye_line, turn
from piqa_cli.faces.lids import FEATURES, SIDE, EyelidNet, load_eyelids
from piqa_cli.records import Eyes, Face

CLOSED_BELOW = 0.5  # of the openness; the read-out is calibrated to it
LEAST_EYE_DISTANCE = 18.0  # pixels between the eyes; an eye is then about 8 pixels wide
LEAST_ROOM = 0.1  # above the eyes, for each pixel between them: of a face cut at its brow the eyes are guessed
TURNED_AWAY = 0.3  # of the distance between the eyes, as `geometry.PROFILE_BEYOND`: up to it the near eye tells
LEAST_DETAIL = 2.7  # see `detail`; one in a hundred labelled eyes has less, and two in five of those nobody can judge
SQUARE = 1.035  # side of an eye's square for each pixel between the eyes: 2.3 times an eye of .45
READ_OUT = Path(__file__).parent / "weights" / "eyes.safetensors"
_STEEPNESS = 4.0  # openness for each unit of the read-out: 0.02 and 0.98 at the targets -1 and 1
_UPPER, _LOWER = slice(9, 16), slice(1, 8)  # of the traced contour; 0 and 8 are the corners


@dataclass(frozen=True, slots=True)
class EyePairs:
    """The eyes of several faces, ready for `EyeReader`."""

    faces: tuple[int, ...]  # which faces, by their place among those given
    pixels: Tensor  # uint8 (E, 2, 3, 64, 64): left and right eye, the right one mirrored
    turns: Tensor  # float32 (E,), see `geometry.turn`


class EyeReader(nn.Module):
    """How far pairs of eyes are open, and whether they can be seen at all."""

    def __init__(self, lids: EyelidNet) -> None:
        super().__init__()
        self.lids = lids.to(memory_format=torch.channels_last)  # a third faster on a CPU
        self.read_out = nn.Linear(FEATURES + 1, 2)

    def describe(self, pixels: Tensor, turns: Tensor) -> Tensor:
        """uint8 (E, 2, 3, 64, 64) and (E,) -> float32 (E, 513): features and lid distance, the near eye counts more."""
        pairs = len(pixels)
        eyes = pixels.reshape(-1, 3, SIDE, SIDE).float().contiguous(memory_format=torch.channels_last) / 255
        points, features = self.lids(eyes)
        both = torch.cat([features, lid_distance(points)[:, None]], dim=1).reshape(pairs, 2, -1)
        left = (2 * turns - 0.5).clamp(0, 1)[:, None]  # from a three-quarter view on, the far eye does not count
        pair: Tensor = left * both[:, 0] + (1 - left) * both[:, 1]
        return pair

    def forward(self, pixels: Tensor, turns: Tensor) -> Tensor:
        """Openness in [0, 1], float32 (E,); NaN where the eyes are hidden, too blurred or too dark."""
        openness, hidden = self.read_out(self.describe(pixels, turns)).unbind(dim=1)
        unknown = (hidden > 0) | (detail(pixels) < LEAST_DETAIL)
        return torch.where(unknown, torch.nan, torch.sigmoid(_STEEPNESS * openness))


@cache
def load_eye_reader(device: torch.device) -> EyeReader:
    """The reader on a device, loaded once for each."""
    reader = EyeReader(load_eyelids())
    reader.read_out.load_state_dict(load_file(READ_OUT))
    return reader.to(device).eval().requires_grad_(requires_grad=False)


def eyes_word(openness: float | None) -> Eyes:
    """The openness of a face, or the lowest of several, in a word."""
    if openness is None:
        return "unknown"
    return "closed" if openness < CLOSED_BELOW else "open"


def detail(pixels: Tensor) -> Tensor:
    """Root mean square of the Laplacian, in grey levels of 255, of the more detailed eye: (E, 2, 3, 64, 64) -> (E,)."""
    grey = pixels.float().mean(dim=2)[..., 8:56, 8:56]  # (E, 2, 48, 48)
    middle = grey[..., 1:-1, 1:-1]
    around = grey[..., :-2, 1:-1] + grey[..., 2:, 1:-1] + grey[..., 1:-1, :-2] + grey[..., 1:-1, 2:]
    return (4 * middle - around).square().mean(dim=(2, 3)).sqrt().amax(dim=1)


def lid_distance(points: Tensor) -> Tensor:
    """Mean distance of the lids over the width between the corners: traced points (B, 71, 2) -> (B,)."""
    width = points[:, 8] - points[:, 0]
    length = width.norm(dim=1).clamp(min=1e-3)
    across = torch.stack([-width[:, 1], width[:, 0]], dim=1) / length[:, None]
    gaps = ((points[:, _LOWER] - points[:, _UPPER]) * across[:, None]).sum(dim=2)
    shares: Tensor = gaps.mean(dim=1) / length
    return shares


def cut_pairs(image: Image.Image, faces: tuple[Face, ...], scale: float) -> EyePairs | None:
    """The eyes of those faces whose eyes can be told: none that is turned away, cut above its eyes, or too small.

    Args:
        image: RGB, upright.
        faces: in pixels of the photo at full resolution.
        scale: pixels of `image` for each of those.
    """
    cut = [cut_pair(image, face, scale) if can_tell(face, scale) else None for face in faces]
    pairs = {i: pair for i, pair in enumerate(cut) if pair is not None}
    if not pairs:
        return None
    turns = torch.tensor([turn(faces[i].landmarks) for i in pairs], dtype=torch.float32)
    return EyePairs(tuple(pairs), torch.stack(list(pairs.values())), turns)


def cut_pair(image: Image.Image, face: Face, scale: float) -> Tensor | None:
    """Both eyes of a face as `EyeReader` is to see them, uint8 (2, 3, 64, 64); None where neither is in the photo.

    Where the photo's border leaves one eye, that one stands for both: black looks closed.
    """
    eyes = face.landmarks[:2]
    inside = [i for i, (x, y) in enumerate(eyes) if 0 <= x * scale < image.width and 0 <= y * scale < image.height]
    return cut_eyes(image, face, scale)[[inside[0], inside[-1]]] if inside else None


def cut_eyes(image: Image.Image, face: Face, scale: float) -> Tensor:
    """Both eyes of a face with known eyes, uint8 (2, 3, 64, 64): levelled, the right one mirrored, black outside."""
    (x1, y1), (x2, y2) = ((x * scale, y * scale) for x, y in face.landmarks[:2])
    side, angle = SQUARE * math.dist((x1, y1), (x2, y2)), math.atan2(y2 - y1, x2 - x1)
    eyes = (_square(image, x1, y1, side, angle, 1), _square(image, x2, y2, side, angle, -1))
    return torch.from_numpy(np.stack([np.asarray(eye) for eye in eyes])).permute(0, 3, 1, 2).contiguous()


def can_tell(face: Face, scale: float) -> bool:
    """Are the eyes known, not turned away, not cut by the photo's top, and large enough in an image of this scale?"""
    eyes, along = eye_line(face.landmarks), turn(face.landmarks)
    if eyes is None or along is None or not -TURNED_AWAY <= along <= 1 + TURNED_AWAY:
        return False
    distance = math.dist(*eyes)
    return distance * scale >= LEAST_EYE_DISTANCE and min(y for _, y in eyes) >= LEAST_ROOM * distance


def _square(image: Image.Image, x: float, y: float, side: float, angle: float, mirror: int) -> Image.Image:
    """A turned square around a point, 64 x 64. A large one is averaged down first, so that it does not alias."""
    shrink = max(1, int(side / SIDE))
    reach = 0.75 * side + 2 * shrink  # half a diagonal and a margin
    left, top = max(int(x - reach), 0), max(int(y - reach), 0)
    right, bottom = min(int(x + reach) + 1, image.width), min(int(y + reach) + 1, image.height)
    if left >= right or top >= bottom:
        return Image.new("RGB", (SIDE, SIDE))
    part = image.crop((left, top, right, bottom)).reduce(shrink)
    x, y, step = (x - left) / shrink, (y - top) / shrink, side / SIDE / shrink
    cos, sin, half = step * math.cos(angle), step * math.sin(angle), SIDE / 2
    across, along = mirror * cos, mirror * sin
    matrix = (across, -sin, x - (across - sin) * half, along, cos, y - (along + cos) * half)
    return part.transform((SIDE, SIDE), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
