"""A person cut out from a plain backdrop and set before a scene: faces of any size before any background."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from piqa_cli.records import Box

Alpha = npt.NDArray[np.float32]

CUT_SIDE = 320  # pixels: the outline is found on a small copy
PLAIN = 7.0  # greatest deviation of the upper corners of a plain backdrop, in 8-bit units
BRIGHT = 120.0  # least mean of those corners: dark hair before a dark wall has no outline
STEP = 2  # greatest difference of two neighbours within the backdrop, in 8-bit units
FARTHEST = 45.0  # greatest difference of a backdrop's pixel from its corners
WIDTHS = (0.3, 0.95)  # of the cut-out person, as shares of the scene's width
_CORNER = 0.12  # of the picture's side


def has_plain_backdrop(image: Image.Image) -> bool:
    """Whether both upper corners of an RGB portrait are of one bright colour, and the same one."""
    corners = _corners(np.asarray(image.resize((64, 64), Image.Resampling.BOX), dtype=np.float32))
    return float(corners.std(axis=0).max()) <= PLAIN and float(corners.mean()) >= BRIGHT


def cut_out(image: Image.Image, face: Box) -> Alpha:
    """Opacity of the person, float32 (H, W) in [0, 1]: what a fill of the backdrop from the rim does not reach.

    Args:
        image: RGB portrait before a plain backdrop.
        face: in its pixels.
    """
    factor = CUT_SIDE / max(image.size)
    size = (max(round(image.width * factor), 16), max(round(image.height * factor), 16))
    small = np.asarray(cv2.bilateralFilter(np.array(image.resize(size, Image.Resampling.BOX)), 5, 12, 3), np.uint8)
    person = 1 - _backdrop(small, lowest=int((0.4 * face[3] + 0.6 * face[1]) * factor))
    whole = cv2.morphologyEx(person, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(whole)
    largest = (labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.float32)
    edge = np.clip((cv2.GaussianBlur(largest, (0, 0), 1.0) - 0.4) / 0.5, 0, 1)  # drawn in, off the backdrop's fringe
    large = cv2.resize(edge, image.size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(large, 0, 1), dtype=np.float32)


def before_scene(
    image: Image.Image, alpha: Alpha, face: Box, scene: Image.Image, rng: np.random.Generator
) -> tuple[Image.Image, Box]:
    """The person at a random size and place at the lower edge of the scene -> the picture and the face in it."""
    factor = float(rng.uniform(*WIDTHS)) * scene.width / image.width
    size = (max(round(image.width * factor), 8), max(round(image.height * factor), 8))
    person = np.asarray(image.resize(size, Image.Resampling.LANCZOS), dtype=np.float32)
    opacity = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)[..., None]
    left = int(rng.uniform(-0.15, 1.15) * (scene.width - size[0]))
    top = max(scene.height - size[1], 0)
    canvas = np.array(scene, dtype=np.float32)
    x1, x2 = max(left, 0), min(left + size[0], scene.width)
    rows = slice(0, scene.height - top)
    columns = slice(x1 - left, x2 - left)
    behind = canvas[top:, x1:x2]
    shown = opacity[rows, columns]
    canvas[top:, x1:x2] = shown * person[rows, columns] + (1 - shown) * behind
    box = (face[0] * factor + left, face[1] * factor + top, face[2] * factor + left, face[3] * factor + top)
    return Image.fromarray((canvas + 0.5).astype(np.uint8)), box


def _corners(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    height, width = (max(int(side * _CORNER), 1) for side in pixels.shape[:2])
    return np.concatenate([pixels[:height, :width].reshape(-1, 3), pixels[:height, -width:].reshape(-1, 3)])


def _backdrop(small: npt.NDArray[np.uint8], lowest: int) -> npt.NDArray[np.uint8]:
    """1 where the backdrop is, uint8 (H, W): reached in small steps of colour from the upper rim and both sides."""
    height, width = small.shape[:2]
    reached = np.zeros((height + 2, width + 2), np.uint8)
    reached[1:-1, 1:-1] = np.abs(small - np.median(_corners(small.astype(np.float32)), axis=0)).max(axis=2) > FARTHEST
    blocked = reached[1:-1, 1:-1].copy()
    rim = [(x, 0) for x in range(0, width, 4)] + [(x, y) for y in range(0, max(lowest, 1), 4) for x in (0, width - 1)]
    for x, y in rim:
        if not reached[y + 1, x + 1]:
            cv2.floodFill(small, reached, (x, y), 0, (STEP,) * 3, (STEP,) * 3, 4 | cv2.FLOODFILL_MASK_ONLY | (2 << 8))
    return np.asarray((reached[1:-1, 1:-1] == 2) & (blocked == 0), dtype=np.uint8)
