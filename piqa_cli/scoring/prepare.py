"""What a worker process does with one photo: decode, find faces, read EXIF, cut the network's inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.utils.data import Dataset

from piqa_cli.errors import PhotoError
from piqa_cli.faces.choose import by_importance, main_faces
from piqa_cli.faces.detect import FaceDetector
from piqa_cli.model.config import Cut, ModelConfig
from piqa_cli.model.preprocess import cut_face, cut_views
from piqa_cli.photos.decode import decode
from piqa_cli.photos.exif import read_capture
from piqa_cli.records import Box, Face, PhotoFile, PhotoScore

NO_FACE = "no face found: the whole photo was judged in its place"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photo on its way to the network: a record that lacks its scores, and the inputs that will give them."""

    record: PhotoScore
    views: dict[Cut, Tensor] | None  # uint8; None where the photo failed
    faces: tuple[dict[Cut, Tensor], ...] = ()  # inputs of the faces that the main views do not cover already


@dataclass(frozen=True, slots=True)
class Batch:
    """Several photos, their inputs stacked over those that can be scored."""

    records: list[PhotoScore]
    scored: list[int]  # which records the rows of `views` belong to
    views: dict[Cut, Tensor]  # uint8 (len(scored), K, 3, S, S)
    face_owners: list[int]  # which records the rows of `faces` belong to
    faces: dict[Cut, Tensor]  # uint8 (len(face_owners), K, 3, S, S)


class PhotoDataset(Dataset[Prepared]):
    """Prepares photos; its "indices" are `PhotoFile` records, so that a stream of files needs no list."""

    def __init__(self, config: ModelConfig, max_pixels: int) -> None:
        self.config = config
        self.max_pixels = max_pixels

    def __getitem__(self, photo: PhotoFile) -> Prepared:
        try:
            return self._prepare(photo)
        except PhotoError as error:
            return Prepared(_failed(photo, error.message), None)
        except Exception as error:  # one photo never stops a run, whatever a decoder does
            return Prepared(_failed(photo, f"unexpected {type(error).__name__}: {error}"), None)

    @cached_property
    def _detector(self) -> FaceDetector:
        return FaceDetector()  # one for each worker process, built on first use

    def _prepare(self, photo: PhotoFile) -> Prepared:
        side = self.config.preprocess.working_side
        decoded = decode(photo.path, max_side=side, max_pixels=self.max_pixels)
        faces = by_importance(self._detector.detect(decoded.image, scale=decoded.scale))
        boxes = [_scaled(face, decoded.scale) for face in main_faces(faces)]
        separately = boxes[1:] if self.config.face_head else boxes
        return Prepared(
            record=PhotoScore(
                path=photo.path,
                status="ok" if faces else "no_face",
                reason=None if faces else NO_FACE,
                faces=faces,
                width=decoded.width,
                height=decoded.height,
                file_size=photo.path.stat().st_size,
                capture=read_capture(photo.path),
                raw_mate=photo.raw_mate,
            ),
            views=cut_views(decoded.image, boxes[0] if boxes else None, self.config.preprocess),
            faces=tuple(cut_face(decoded.image, box, self.config) for box in separately),
        )


def collate(items: Sequence[Prepared]) -> Batch:
    """Stack what can be stacked."""
    scored = [i for i, item in enumerate(items) if item.views is not None]
    owners = [i for i, item in enumerate(items) for _ in item.faces]
    return Batch(
        records=[item.record for item in items],
        scored=scored,
        views=_stack([views for item in items if (views := item.views) is not None]),
        face_owners=owners,
        faces=_stack([face for item in items for face in item.faces]),
    )


def _stack(inputs: Sequence[dict[Cut, Tensor]]) -> dict[Cut, Tensor]:
    return {cut: torch.stack([views[cut] for views in inputs]) for cut in inputs[0]} if inputs else {}


def _failed(photo: PhotoFile, reason: str) -> PhotoScore:
    record = PhotoScore(path=photo.path, status="error", reason=reason, raw_mate=photo.raw_mate)
    try:
        return replace(record, file_size=photo.path.stat().st_size)
    except OSError:
        return record


def _scaled(face: Face, scale: float) -> Box:
    x1, y1, x2, y2 = face.box
    return (x1 * scale, y1 * scale, x2 * scale, y2 * scale)
