"""The network's inputs of each photo, cut once and kept on disk without loss, so that later epochs decode no photo.

What is kept is what comes before the random part: a view that is cropped is stored with its short side at `resize_to`,
a squashed one at its final size. `random_views` and `scoring_views` make the network's inputs of it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from piqa_cli.errors import OutputError
from piqa_cli.faces.geometry import scaled
from piqa_cli.model.config import Cut, ModelConfig, PreprocessConfig, ViewConfig
from piqa_cli.model.preprocess import crop_places, crops_size, crops_source, cut_views
from piqa_cli.photos.decode import decode
from piqa_cli.photos.pillow import relaxed_pillow
from piqa_cli.records import Box
from piqa_training.facts import PhotoFacts

LAYOUT = 1  # of the files, and of what they hold
LONGEST_STRIP = 12  # times its width: of a longer one the middle is kept
LONGEST_WEBP = 16383  # pixels; what is longer is kept as PNG

Inputs = dict[Cut, Tensor]  # cut -> uint8 (3, H, W), RGB


class PreparedInputs:
    """Inputs before random cropping, from the disk where they were cut before. Holds no state: any process may use it.

    A file answers for the photo's content, its face box and every preprocessing setting, so that nothing stale is ever
    read; it is written to another name first, so that a writer that is killed leaves nothing half.
    """

    def __init__(self, config: ModelConfig, folder: Path) -> None:
        self.config = config.preprocess
        self.folder = folder
        views = [asdict(view) for view in self.config.views]
        margins = (self.config.face_margin_px, self.config.face_margin_share)
        self._settings = json.dumps([LAYOUT, views, self.config.working_side, margins])

    def get(self, path: str, facts: PhotoFacts) -> Inputs:
        """Cut -> uint8 (3, H, W): `squash` and `detail` size x size, `crops` with the short side at `resize_to`.

        Args:
            path: the photo.
            facts: its face and content digest, from `photo_facts`.

        Raises:
            PhotoError: the photo has to be decoded and cannot be.
            OutputError: the inputs cannot be kept.
        """
        file = self._file(facts)
        try:
            return _unpacked(file.read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, SafetensorError, KeyError, ValueError):
            file.unlink(missing_ok=True)  # damaged by something other than piqa: cut anew
        inputs = cut_inputs(path, facts, self.config)
        _replace(file, _packed(inputs))
        return inputs

    def _file(self, facts: PhotoFacts) -> Path:
        key = hashlib.sha256(f"{facts.digest} {facts.face} {self._settings}".encode()).hexdigest()[:40]
        return self.folder / key[:2] / f"{key[2:]}.inputs"


def cut_inputs(path: str, facts: PhotoFacts, config: PreprocessConfig) -> Inputs:
    """Decode a photo and cut every view of it, as scoring does, short of the crops.

    Raises:
        PhotoError: the photo cannot be decoded.
    """
    photo = decode(Path(path), max_side=config.working_side)
    face = facts.face and scaled(facts.face, photo.scale)
    return {view.cut: _uncropped(photo.image, face, view, config) for view in config.views}


def random_views(
    inputs: Mapping[Cut, Tensor], config: PreprocessConfig, generator: torch.Generator, *, mirrored: bool = False
) -> Inputs:
    """The inputs of one training step: cut -> uint8 (1, 3, S, S), cropped at random where the view is cropped.

    Args:
        inputs: of one photo, from `PreparedInputs`.
        config: the views.
        generator: decides where the crops lie.
        mirrored: flip all views together.
    """
    result: Inputs = {}
    for view in config.views:
        pixels = inputs[view.cut]
        if _is_cropped(view):
            top, left = (_draw(side - view.size, generator) for side in pixels.shape[1:])
            pixels = pixels[:, top : top + view.size, left : left + view.size]
        result[view.cut] = (pixels.flip(2) if mirrored else pixels)[None].contiguous()
    return result


def scoring_views(inputs: Mapping[Cut, Tensor], config: PreprocessConfig) -> Inputs:
    """The inputs that scoring would use: cut -> uint8 (K, 3, S, S); K = 5 (corners, centre) where cropped, else 1."""
    return {view.cut: _five(inputs[view.cut], view) for view in config.views}


def _is_cropped(view: ViewConfig) -> bool:
    return view.fit == "crops" and view.cut != "detail"


def _uncropped(image: Image.Image, face: Box | None, view: ViewConfig, config: PreprocessConfig) -> Tensor:
    if not _is_cropped(view):
        one = PreprocessConfig((view,), config.working_side, config.face_margin_px, config.face_margin_share)
        return cut_views(image, face, one)[view.cut][0]
    part = _bounded(crops_source(image, face, view, config))
    return _as_tensor(part.resize(crops_size(part.size, view.resize_to), Image.Resampling.BILINEAR))


def _bounded(image: Image.Image) -> Image.Image:
    """The middle of an image that is too long a strip to be kept as a whole."""
    most = LONGEST_STRIP * min(image.size)
    width, height = (min(side, most) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _five(pixels: Tensor, view: ViewConfig) -> Tensor:
    if not _is_cropped(view):
        return pixels[None]
    height, width = pixels.shape[1:]
    places = crop_places((width, height), view.size)
    return torch.stack([pixels[:, y : y + view.size, x : x + view.size] for x, y in places])


def _draw(room: int, generator: torch.Generator) -> int:
    return int(torch.randint(room + 1, (), generator=generator))


def _as_tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()  # (3, H, W)


def _packed(inputs: Inputs) -> bytes:
    return save(
        {cut: torch.frombuffer(bytearray(_encoded(pixels)), dtype=torch.uint8) for cut, pixels in inputs.items()}
    )


def _unpacked(stored: bytes) -> Inputs:
    return {cut: _decoded(tensor) for cut, tensor in load(stored).items()}  # type: ignore[misc]


def _encoded(pixels: Tensor) -> bytes:
    # Of the lossless codecs at hand, fast WebP was measured smallest (0.36 of raw; PNG 0.49) and no slower to read.
    image = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    stream = io.BytesIO()
    if max(image.size) > LONGEST_WEBP:
        image.save(stream, "PNG", compress_level=1)
    else:
        image.save(stream, "WEBP", lossless=True, method=0, quality=0)
    return stream.getvalue()


def _decoded(stored: Tensor) -> Tensor:
    with relaxed_pillow(), Image.open(io.BytesIO(stored.numpy().tobytes()), formats=["WEBP", "PNG"]) as image:
        return _as_tensor(image.convert("RGB"))


def _replace(file: Path, content: bytes) -> None:
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        reason = f"{file.parent}: prepared inputs cannot be kept: {error.strerror or error}"
        raise OutputError(reason, path=file, hint="choose another --cache-dir") from error
