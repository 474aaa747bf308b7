"""Finding faces with MTCNN (Zhang et al. 2016); the only module that imports facenet_pytorch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from piqa_cli.faces.geometry import described
from piqa_cli.faces.pooling import pool_by_rows
from piqa_cli.records import Face
from piqa_cli.threads import one_thread

FIRST_SIDE, FIRST_SMALLEST = 640, 24  # pixels: long side that is searched, and width of the smallest face there (4 %)
CLOSER_SIDE, CLOSER_SMALLEST = 720, 20  # the same on a miss (3 %)
THRESHOLDS = (0.6, 0.7, 0.7)  # of MTCNN's three stages, as published
LENIENT_THRESHOLDS = (0.5, 0.6, 0.6)
MIN_CONFIDENCE = 0.95
LENIENT_MIN_CONFIDENCE = 0.9


class FaceDetector:
    """MTCNN on a bounded working size, with a closer look, and then a lenient one, where nothing was found.

    The closer look takes a larger copy and recovers small faces. The lenient one takes a grey, contrast-stretched copy
    at lower thresholds: it recovers faces in coloured light and at night, where the others miss skin tones they know.
    """

    def __init__(self, device: str = "cpu") -> None:
        from facenet_pytorch import MTCNN

        def build(smallest: int, thresholds: tuple[float, float, float]) -> MTCNN:
            net = MTCNN(keep_all=True, min_face_size=smallest, thresholds=list(thresholds), device=device).eval()
            if device == "cpu":
                pool_by_rows(net)
            return net

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch before 2.6 says how the package loads its weights
            self._first_look = build(FIRST_SMALLEST, THRESHOLDS)
            self._closer_look = build(CLOSER_SMALLEST, THRESHOLDS)
            self._lenient_look = build(CLOSER_SMALLEST, LENIENT_THRESHOLDS)

    def detect(self, image: Image.Image, *, scale: float = 1.0) -> tuple[Face, ...]:
        """All faces in an upright RGB image with their tilt, pose and cut, in the detector's order.

        Args:
            image: any size; it is searched at no more than `CLOSER_SIDE`.
            scale: pixels of `image` for each pixel of the full-resolution photo; boxes are given in the latter.
        """
        searched = _bounded(image, FIRST_SIDE)
        faces = _look(self._first_look, searched, MIN_CONFIDENCE)
        if not faces:
            searched = _bounded(image, CLOSER_SIDE)
            faces = _look(self._closer_look, searched, MIN_CONFIDENCE)
        if not faces:
            stretched = ImageOps.autocontrast(searched.convert("L"), cutoff=1).convert("RGB")
            faces = _look(self._lenient_look, stretched, LENIENT_MIN_CONFIDENCE)
        to_full = image.width / searched.width / scale
        full_size = (image.width / scale, image.height / scale)
        return tuple(_placed(face, to_full, full_size) for face in faces)


def preload() -> None:
    """Import what a `FaceDetector` needs, so that processes forked from this one share it."""
    import facenet_pytorch  # noqa: F401


def _bounded(image: Image.Image, side: int) -> Image.Image:
    factor = side / max(image.size)
    if factor >= 1:
        return image
    size = (max(round(image.width * factor), 1), max(round(image.height * factor), 1))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.0)


def _look(net: Any, image: Image.Image, min_confidence: float) -> list[Face]:
    if min(image.size) < net.min_face_size:
        return []
    with warnings.catch_warnings(), torch.inference_mode(), one_thread():  # a hair's breadth of a box moves the score
        warnings.simplefilter("ignore")  # the package builds ragged arrays and calls deprecated functions
        boxes, confidences, points = net.detect(_plane_by_plane(image), landmarks=True)
    if boxes is None:
        return []
    return [
        Face(
            box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            confidence=float(confidence),
            landmarks=tuple((float(x), float(y)) for x, y in point),
        )
        for box, confidence, point in zip(boxes, confidences, points, strict=True)
        if confidence >= min_confidence and np.isfinite(np.asarray(box, dtype=float)).all()
    ]


def _plane_by_plane(image: Image.Image) -> torch.Tensor:
    """uint8 (H, W, 3), laid out plane by plane: the package permutes it back, and pools that layout twice as fast."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().permute(1, 2, 0)


def _placed(face: Face, factor: float, size: tuple[float, float]) -> Face:
    """The face in full-resolution pixels, its box clamped to the photo, with what the box and the points tell."""
    x1, y1, x2, y2 = (value * factor for value in face.box)
    box = (max(x1, 0.0), max(y1, 0.0), min(x2, size[0]), min(y2, size[1]))
    placed = Face(box, face.confidence, tuple((x * factor, y * factor) for x, y in face.landmarks))
    return described(placed, *size)
