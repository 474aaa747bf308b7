"""What a worker process does with one photo: decode, find faces, read EXIF, cut the network's inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from piqa_cli.errors import PhotoError
from piqa_cli.faces.choose import by_importance, main_faces
from piqa_cli.faces.detect import FaceDetector
from piqa_cli.faces.eyes import EyePairs, cut_pairs
from piqa_cli.faces.geometry import scaled
from piqa_cli.model.config import Cut, ModelConfig
from piqa_cli.model.liqe import cut_patches
from piqa_cli.model.preprocess import cut_face, cut_views, face_region
from piqa_cli.photos.decode import DecodedPhoto, decode
from piqa_cli.photos.exif import read_capture
from piqa_cli.records import Box, Face, PhotoFile, PhotoScore
from piqa_cli.scoring.losses import UNEXPECTED, is_lack_of_memory, too_much_memory

NO_FACE = "no face found: the whole photo was judged in its place"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the network reads: of one photo or face, or stacked with a leading B over several."""

    views: dict[Cut, Tensor]  # uint8 (K, 3, S, S) each
    patches: Tensor | None = None  # uint8 (15, 3, 224, 224), for models with LIQE

    def __len__(self) -> int:
        return len(next(iter(self.views.values()))) if self.views else 0

    def pin_memory(self) -> Inputs:
        """The same in page-locked memory, from where a copy to the GPU runs beside the computing."""
        pinned: dict[Cut, Tensor] = {cut: pixels.pin_memory() for cut, pixels in self.views.items()}
        return Inputs(pinned, None if self.patches is None else self.patches.pin_memory())


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photo on its way to the network: a record that lacks its scores, and the inputs that will give them."""

    record: PhotoScore
    inputs: Inputs | None  # None where the photo failed
    faces: tuple[Inputs, ...] = ()  # of the faces that `inputs` does not cover already
    eyes: EyePairs | None = None  # of the main faces whose eyes can be told


@dataclass(frozen=True, slots=True)
class Batch:
    """Several photos, their inputs stacked over those that can be scored."""

    records: list[PhotoScore]
    scored: list[int]  # which records the rows of `inputs` belong to
    inputs: Inputs
    face_owners: list[int]  # which records the rows of `faces` belong to
    faces: Inputs
    eyes: list[tuple[int, EyePairs]] = field(default_factory=list)  # with the record that they belong to

    def pin_memory(self) -> Batch:
        """Called by the DataLoader for CUDA; it leaves classes without this method in ordinary memory."""
        return replace(self, inputs=self.inputs.pin_memory(), faces=self.faces.pin_memory())


class PhotoDataset(Dataset[Prepared]):
    """Prepares photos; its "indices" are `PhotoFile` records, so that a stream of files needs no list."""

    def __init__(self, config: ModelConfig, max_pixels: int, crops: int | None = None) -> None:
        self.config = config
        self.max_pixels = max_pixels
        self.crops = crops

    def __getitem__(self, photo: PhotoFile) -> Prepared:
        try:
            return self._prepare(photo)
        except Exception as error:  # one photo never stops a run, whatever a decoder does
            return Prepared(_failed(photo, _reason(error)), None)

    @cached_property
    def _detector(self) -> FaceDetector:
        return FaceDetector()  # one for each worker process, built on first use

    def _prepare(self, photo: PhotoFile) -> Prepared:
        side = self.config.preprocess.working_side
        decoded = decode(photo.path, max_side=side, max_pixels=self.max_pixels)
        faces = by_importance(self._detector.detect(decoded.image, scale=decoded.scale))
        shown = main_faces(faces)
        boxes = [scaled(face.box, decoded.scale) for face in shown]
        return Prepared(
            record=begin_record(photo, decoded, faces),
            inputs=photo_inputs(decoded.image, boxes[0] if boxes else None, self.config, self.crops),
            faces=tuple(face_inputs(decoded.image, box, self.config, self.crops) for box in self._separate(boxes)),
            eyes=cut_pairs(decoded.image, shown, decoded.scale),
        )

    def _separate(self, boxes: list[Box]) -> list[Box]:
        """Faces that need a pass of their own.

        With a face head the main face comes with the photo. Without one a face is scored as if its crop were a photo,
        which for a model with LIQE would double the time of a portrait; there a run leaves it out and only
        `piqa explain` does it.
        """
        if self.config.auxiliary == "liqe" and not self.config.face_head:
            return []
        return boxes[1:] if self.config.face_head else boxes


def photo_inputs(image: Image.Image, face: Box | None, config: ModelConfig, crops: int | None = None) -> Inputs:
    """The network's inputs for a photo.

    Args:
        image: RGB, upright, sRGB, at the working scale.
        face: the main face's box in pixels of `image`; None puts the whole photo in its place.
        config: of the network.
        crops: 1 takes the centre crop alone, None all that the configuration asks for.
    """
    patches = cut_patches(image) if config.auxiliary == "liqe" else None
    return Inputs(_chosen(cut_views(image, face, config.preprocess), crops), patches)


def face_inputs(image: Image.Image, face: Box, config: ModelConfig, crops: int | None = None) -> Inputs:
    """The inputs for one face alone; without a face head LIQE, too, reads the face's crop at its full resolution."""
    patches = None
    if config.auxiliary == "liqe" and not config.face_head:
        patches = cut_patches(crop_face(image, face, config))
    return Inputs(_chosen(cut_face(image, face, config), crops), patches)


def crop_face(image: Image.Image, face: Box, config: ModelConfig) -> Image.Image:
    """The face with the configured margin, its edges rounded down to whole pixels."""
    left, top, right, bottom = face_region(image.size, face, config.preprocess)
    return image.crop((int(left), int(top), int(right), int(bottom)))


def begin_record(photo: PhotoFile, decoded: DecodedPhoto, faces: tuple[Face, ...]) -> PhotoScore:
    """Everything about the photo that needs no network."""
    return PhotoScore(
        path=photo.path,
        status="ok" if faces else "no_face",
        reason=None if faces else NO_FACE,
        faces=tuple(_in_photo(face, decoded) for face in faces),
        width=decoded.width,
        height=decoded.height,
        file_size=photo.path.stat().st_size,
        capture=read_capture(photo.path),
        raw_mate=photo.raw_mate,
    )


def _in_photo(face: Face, decoded: DecodedPhoto) -> Face:
    """The short side of a reduced photo is rounded: a box at its far edge may end a pixel beyond the whole photo's."""
    x1, y1, x2, y2 = face.box
    return replace(face, box=(x1, y1, min(x2, float(decoded.width)), min(y2, float(decoded.height))))


def collate(items: Sequence[Prepared]) -> Batch:
    """Stack what can be stacked."""
    return Batch(
        records=[item.record for item in items],
        scored=[i for i, item in enumerate(items) if item.inputs is not None],
        inputs=stack([inputs for item in items if (inputs := item.inputs) is not None]),
        face_owners=[i for i, item in enumerate(items) for _ in item.faces],
        faces=stack([face for item in items for face in item.faces]),
        eyes=[(i, item.eyes) for i, item in enumerate(items) if item.eyes is not None],
    )


def stack(inputs: Sequence[Inputs]) -> Inputs:
    """(K, ...) each -> (B, K, ...); empty for none."""
    if not inputs:
        return Inputs({})
    views = {cut: torch.stack([one.views[cut] for one in inputs]) for cut in inputs[0].views}
    patches = [one.patches for one in inputs if one.patches is not None]
    return Inputs(views, torch.stack(patches) if patches else None)


def _chosen(views: dict[Cut, Tensor], crops: int | None) -> dict[Cut, Tensor]:
    """The centre crop is the last one."""
    return {cut: pixels[-1:] for cut, pixels in views.items()} if crops == 1 else views


def _reason(error: Exception) -> str:
    if is_lack_of_memory(error):
        return too_much_memory()
    return error.message if isinstance(error, PhotoError) else f"{UNEXPECTED}{type(error).__name__}: {error}"


def _failed(photo: PhotoFile, reason: str) -> PhotoScore:
    record = PhotoScore(path=photo.path, status="error", reason=reason, raw_mate=photo.raw_mate)
    try:
        return replace(record, file_size=photo.path.stat().st_size)
    except OSError:
        return record
