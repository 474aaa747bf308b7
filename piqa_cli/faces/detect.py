"""Finding faces with MTCNN (Zhang et al. 2016); the only module that imports facenet_pytorch."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from PIL import Image, ImageOps

from piqa_cli.records import Face

DETECTION_SIDE = 720  # long side in pixels of the image that is searched; bounds time and memory
SMALLEST_FACE = 22  # pixels there: 3 % of the photo's long side
THRESHOLDS = (0.6, 0.7, 0.7)  # of MTCNN's three stages, as published
LENIENT_THRESHOLDS = (0.5, 0.6, 0.6)
MIN_CONFIDENCE = 0.95
LENIENT_MIN_CONFIDENCE = 0.9


class FaceDetector:
    """MTCNN on a bounded working size, with a second look where the first finds nothing.

    The second look takes a grey, contrast-stretched copy at lower thresholds: it recovers faces in coloured light and
    at night, where the first stage misses skin tones it knows.
    """

    def __init__(self, device: str = "cpu") -> None:
        from facenet_pytorch import MTCNN

        def build(thresholds: tuple[float, float, float]) -> MTCNN:
            net = MTCNN(keep_all=True, min_face_size=SMALLEST_FACE, thresholds=list(thresholds), device=device)
            return net.eval()

        self._first_look = build(THRESHOLDS)
        self._second_look = build(LENIENT_THRESHOLDS)

    def detect(self, image: Image.Image, *, scale: float = 1.0) -> tuple[Face, ...]:
        """All faces in an upright RGB image, in the detector's order.

        Args:
            image: any size; it is searched at no more than `DETECTION_SIDE`.
            scale: pixels of `image` for each pixel of the full-resolution photo; boxes are given in the latter.
        """
        searched = image.copy()
        searched.thumbnail((DETECTION_SIDE, DETECTION_SIDE), Image.Resampling.BILINEAR)
        faces = _look(self._first_look, searched, MIN_CONFIDENCE)
        if not faces:
            stretched = ImageOps.autocontrast(searched.convert("L"), cutoff=1).convert("RGB")
            faces = _look(self._second_look, stretched, LENIENT_MIN_CONFIDENCE)
        to_full = image.width / searched.width / scale
        full_size = (image.width / scale, image.height / scale)
        return tuple(_placed(face, to_full, full_size) for face in faces)


def _look(net: object, image: Image.Image, min_confidence: float) -> list[Face]:
    if min(image.size) < SMALLEST_FACE:
        return []
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the package builds ragged arrays and calls deprecated functions
        boxes, confidences, points = net.detect(image, landmarks=True)  # type: ignore[attr-defined]
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


def _placed(face: Face, factor: float, size: tuple[float, float]) -> Face:
    """The face in full-resolution pixels, its box clamped to the photo."""
    x1, y1, x2, y2 = (value * factor for value in face.box)
    box = (max(x1, 0.0), max(y1, 0.0), min(x2, size[0]), min(y2, size[1]))
    return Face(box, face.confidence, tuple((x * factor, y * factor) for x, y in face.landmarks))
