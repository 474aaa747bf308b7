"""Soft masks of the head, and of the person behind whom the background begins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from piqa_cli.records import Box
from piqa_training.degrade.light import Mask

Field = npt.NDArray[np.float64]


def face_mask(shape: tuple[int, ...], box: Box, *, softness: float = 0.15) -> Mask:
    """Soft ellipse of the head: the face box widened to cover hair, ears and neck.

    `shape` begins with (H, W); `box` is x1, y1, x2, y2 in pixels and may reach outside. `softness` is the width of the
    edge as a share of the head's radius. float32 (H, W), 1 on the face, 0 far away.
    """
    x1, y1, x2, y2 = box
    width, height = max(x2 - x1, 1.0), max(y2 - y1, 1.0)
    y, x = np.ogrid[0.5 : shape[0], 0.5 : shape[1]]
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2 - 0.05 * height
    return _soft(np.hypot((x - middle_x) / (0.9 * width), (y - middle_y) / (0.88 * height)), softness)


def person_mask(shape: tuple[int, ...], box: Box, *, softness: float = 0.15) -> Mask:
    """Head and shoulders down to the lower edge of the picture; arguments and result as of `face_mask`."""
    x1, y1, x2, y2 = box
    width, height = max(x2 - x1, 1.0), max(y2 - y1, 1.0)
    y, x = np.ogrid[0.5 : shape[0], 0.5 : shape[1]]
    shoulder_y = y2 + 1.9 * height
    up = np.maximum(shoulder_y - y, 0) / (1.75 * height)
    shoulders = (np.abs((x - (x1 + x2) / 2) / (1.9 * width)) ** 2.5 + up**2.5) ** 0.4
    return np.maximum(face_mask(shape, box, softness=softness), _soft(shoulders, softness))


def person_from_face(mask: Mask, *, softness: float = 0.15) -> Mask:
    """The person mask that belongs to a `face_mask`; without a face in the mask, the mask itself."""
    rows, columns = np.flatnonzero((mask > 0.5).any(axis=1)), np.flatnonzero((mask > 0.5).any(axis=0))
    if not rows.size:
        return mask
    head_x1, head_x2, head_y1, head_y2 = columns[0], columns[-1] + 1.0, rows[0], rows[-1] + 1.0
    side_x, side_y = 0.222 * (head_x2 - head_x1), 0.216 * (head_y2 - head_y1)  # the widening of face_mask, undone
    box = (head_x1 + side_x, head_y1 + side_y, head_x2 - side_x, head_y2 - side_y)
    return np.maximum(mask, person_mask(mask.shape, box, softness=softness))


def _soft(distance: Field, softness: float) -> Mask:
    """1 inside distance 1, falling smoothly to 0 over `softness` on either side of it."""
    edge = np.clip((1 + softness - distance) / max(2 * softness, 1e-3), 0, 1)
    return np.asarray(edge * edge * (3 - 2 * edge), dtype=np.float32)
