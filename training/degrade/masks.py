"""Soft masks of the head, and of the person behind whom the background begins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from piqa_cli.records import Box
from piqa_training.degrade.light import Mask

Field = npt.NDArray[np.float64]

_EDGE = 0.15  # width of a soft edge, as a share of the head's radius


def face_mask(shape: tuple[int, ...], box: Box) -> Mask:
    """Soft ellipse of the head: the face box widened to cover hair, ears and neck.

    `shape` begins with (H, W); `box` is x1, y1, x2, y2 in pixels and may reach outside. float32 (H, W), 1 on the face,
    0 far away, with a soft edge.
    """
    x1, y1, x2, y2 = box
    width, height = max(x2 - x1, 1.0), max(y2 - y1, 1.0)
    y, x = np.ogrid[0.5 : shape[0], 0.5 : shape[1]]
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2 - 0.05 * height
    return _soft(np.hypot((x - middle_x) / (0.9 * width), (y - middle_y) / (0.88 * height)))


def person_mask(shape: tuple[int, ...], box: Box) -> Mask:
    """Head and shoulders down to the lower edge of the picture; arguments and result as of `face_mask`."""
    x1, y1, x2, y2 = box
    width, height = max(x2 - x1, 1.0), max(y2 - y1, 1.0)
    y, x = np.ogrid[0.5 : shape[0], 0.5 : shape[1]]
    shoulder_y = y2 + 1.9 * height
    up = np.maximum(shoulder_y - y, 0) / (1.75 * height)
    shoulders = (np.abs((x - (x1 + x2) / 2) / (1.9 * width)) ** 2.5 + up**2.5) ** 0.4
    return np.maximum(face_mask(shape, box), _soft(shoulders))


def person_from_face(mask: Mask) -> Mask:
    """The person mask that belongs to a `face_mask`; without a face in the mask, the mask itself."""
    rows, columns = np.flatnonzero((mask > 0.5).any(axis=1)), np.flatnonzero((mask > 0.5).any(axis=0))
    if not rows.size:
        return mask
    head_x1, head_x2, head_y1, head_y2 = columns[0], columns[-1] + 1.0, rows[0], rows[-1] + 1.0
    side_x, side_y = 0.222 * (head_x2 - head_x1), 0.216 * (head_y2 - head_y1)  # the widening of face_mask, undone
    box = (head_x1 + side_x, head_y1 + side_y, head_x2 - side_x, head_y2 - side_y)
    return np.maximum(mask, person_mask(mask.shape, box))


def _soft(distance: Field) -> Mask:
    """1 inside distance 1, falling smoothly to 0 over `_EDGE` on either side of it."""
    edge = np.clip((1 + _EDGE - distance) / (2 * _EDGE), 0, 1)
    return np.asarray(edge * edge * (3 - 2 * edge), dtype=np.float32)
