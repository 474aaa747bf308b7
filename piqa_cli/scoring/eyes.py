"""Eyes of the photos in a batch: read in one pass on the device, and put into the faces they belong to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from PIL import Image

from piqa_cli.faces.choose import main_faces
from piqa_cli.faces.eyes import EyePairs, cut_pairs, load_eye_reader
from piqa_cli.model.preprocess import on_device
from piqa_cli.records import Face, PhotoScore


def with_eyes(
    records: Sequence[PhotoScore], pairs: Sequence[tuple[int, EyePairs]], device: torch.device
) -> list[PhotoScore]:
    """The records with the openness of the eyes in their faces.

    Args:
        records: of photos.
        pairs: eyes, each with the index of the record that they belong to.
        device: where to run.
    """
    found = list(records)
    if not pairs:
        return found
    pixels = on_device(torch.cat([eyes.pixels for _, eyes in pairs]), device)
    turns = on_device(torch.cat([eyes.turns for _, eyes in pairs]), device)
    with torch.inference_mode():
        openness = iter(load_eye_reader(device)(pixels, turns).tolist())
    for index, eyes in pairs:
        faces = list(found[index].faces)
        for number in eyes.faces:
            faces[number] = replace(faces[number], eyes_open=_known(next(openness)))
        found[index] = replace(found[index], faces=tuple(faces))
    return found


def read_eyes(record: PhotoScore, image: Image.Image, scale: float, device: torch.device) -> PhotoScore:
    """One record with the openness of the eyes in its faces.

    Args:
        record: of the photo, its faces ordered by importance.
        image: the photo, RGB, upright.
        scale: pixels of `image` for each pixel of the photo at full resolution.
        device: where to run.
    """
    pairs = cut_pairs(image, main_faces(record.faces), scale)
    return with_eyes([record], [(0, pairs)] if pairs else [], device)[0]


def lowest_openness(faces: Sequence[Face]) -> float | None:
    """Of the main faces whose eyes could be told; None for none."""
    return min((face.eyes_open for face in faces if face.eyes_open is not None), default=None)


def _known(openness: float) -> float | None:
    return openness if math.isfinite(openness) else None
