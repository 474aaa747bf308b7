"""From a decoded photo to the network's inputs; scoring and training call the same functions.

Inputs stay uint8 until they are on the device (a quarter of the traffic); `normalise` finishes them there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from piqa_cli.model.config import Cut, ModelConfig, PreprocessConfig, ViewConfig
from piqa_cli.records import Box

INNER_SHARE = 0.8  # of the shorter side of a face's box: beyond are corners, and hair
STRIP = 64  # times as long as wide: a photo beyond that is not resized as a whole, each of its crops is


def cut_views(image: Image.Image, face: Box | None, config: PreprocessConfig) -> dict[Cut, Tensor]:
    """Every view of a photo: cut -> uint8 (K, 3, S, S), RGB.

    Args:
        image: RGB, upright, sRGB, at the working scale.
        face: the main face's box in pixels of `image`; None puts the whole photo in its place.
        config: which views, and at which sizes.
    """
    return {view.cut: _cut(image, face, view, config) for view in config.views}


def cut_face(image: Image.Image, face: Box, config: ModelConfig) -> dict[Cut, Tensor]:
    """What one face alone is scored from; the same shapes as `cut_views`.

    For a model with a face head those are the views that read the face, for another all views of the face's crop, taken
    as a photo of its own.
    """
    preprocess = config.preprocess
    if config.face_head:
        return {view.cut: _cut(image, face, view, preprocess) for view in preprocess.views if view.cut != "frame"}
    return cut_views(image.crop(_whole_pixels(face_region(image.size, face, preprocess))), None, preprocess)


def on_device(values: Tensor, device: torch.device) -> Tensor:
    """The values on a device; to CUDA, from page-locked memory, the copy runs beside the computing.

    Not to Apple's MPS, where it would read ordinary memory later, and garbage where that is given back by then
    (pytorch/pytorch#189690).
    """
    return values.to(device, non_blocking=device.type == "cuda")


def normalise(views: Mapping[Cut, Tensor], config: PreprocessConfig) -> dict[Cut, Tensor]:
    """uint8 (B, K, 3, S, S) in 0-255 -> float32, shifted and scaled by the configured mean and deviation."""
    result: dict[Cut, Tensor] = {}
    for cut, pixels in views.items():
        mean = torch.tensor(config.mean, device=pixels.device).view(3, 1, 1)
        std = torch.tensor(config.std, device=pixels.device).view(3, 1, 1)
        result[cut] = (pixels.float() / 255 - mean) / std
    return result


def face_region(size: tuple[int, int], face: Box, config: PreprocessConfig) -> Box:
    """The face box widened by the configured margin and clamped to the image.

    DN-PIQA widens by 20 px on each side and fills with black outside the image; clamping gives the same pixels for
    every box whose widened form lies inside.
    """
    width, height = size
    margin = config.face_margin_px + config.face_margin_share * max(face[2] - face[0], face[3] - face[1])
    left, top = max(0.0, face[0] - margin), max(0.0, face[1] - margin)
    right, bottom = min(float(width), face[2] + margin), min(float(height), face[3] + margin)
    if right - left < 1 or bottom - top < 1:
        return (0.0, 0.0, float(width), float(height))
    return (left, top, right, bottom)


def crops_source(image: Image.Image, face: Box | None, view: ViewConfig, config: PreprocessConfig) -> Image.Image:
    """The part of a photo that a view's crops are taken of, still at its own scale, in whole pixels."""
    return image.crop(_whole_pixels(_region(image, face, view, config)))


def crops_size(size: tuple[int, int], resize_to: int) -> tuple[int, int]:
    """Width and height with the short side at `resize_to`; the long one is rounded down, as torchvision does."""
    short = min(size)
    width, height = (resize_to if side == short else int(resize_to * side / short) for side in size)
    return width, height


def crop_places(size: tuple[int, int], side: int) -> list[tuple[int, int]]:
    """(left, top) of the five squares of `side` pixels in an image of this width and height: corners, centre."""
    right, bottom = size[0] - side, size[1] - side
    return [(0, 0), (right, 0), (0, bottom), (right, bottom), (round(right / 2), round(bottom / 2))]


def _region(image: Image.Image, face: Box | None, view: ViewConfig, config: PreprocessConfig) -> Box:
    if view.cut == "face" and face is not None:
        return face_region(image.size, face, config)
    return (0.0, 0.0, float(image.width), float(image.height))


def _cut(image: Image.Image, face: Box | None, view: ViewConfig, config: PreprocessConfig) -> Tensor:
    if view.cut == "detail":
        return _as_tensor([_detail(image, face, view.size)])
    if view.cut == "inner":
        return _as_tensor([_inner(image, face, view.size)])
    if view.fit == "squash":
        size, region = (view.size, view.size), _region(image, face, view, config)
        return _as_tensor([image.resize(size, Image.Resampling.BICUBIC, box=region, reducing_gap=2.0)])
    return _as_tensor(_five_crops(crops_source(image, face, view, config), view))


def mirrored(image: Image.Image, size: int) -> Image.Image:
    """An image of at least size x size: whatever side is shorter is continued on both ends by mirroring."""
    missing = [max(size - side, 0) for side in (image.height, image.width)]
    if not any(missing):
        return image
    before_and_after = [(pixels // 2, pixels - pixels // 2) for pixels in missing]
    return Image.fromarray(np.pad(np.asarray(image), [*before_and_after, (0, 0)], mode="symmetric"))


def _detail(image: Image.Image, face: Box | None, size: int) -> Image.Image:
    """A size x size square at the working scale, centred on the face or the photo and moved to lie inside.

    Its place depends on geometry alone, so a degraded copy is read at the same place. A photo smaller than the square
    is continued by mirroring: enlarging it would change the very detail that is looked at.
    """
    centre_x, centre_y = image.width / 2, image.height / 2
    if face is not None:
        centre_x, centre_y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    left = round(min(max(centre_x - size / 2, 0), max(image.width - size, 0)))
    top = round(min(max(centre_y - size / 2, 0), max(image.height - size, 0)))
    return mirrored(image.crop((left, top, min(left + size, image.width), min(top + size, image.height))), size)


def _inner(image: Image.Image, face: Box | None, size: int) -> Image.Image:
    """A size x size square at the working scale from within the face, or from the photo's centre without one.

    Never enlarged, so that a blur is as wide here as in the photo: a face smaller than the square is continued by
    mirroring. The corners of a face's box show what is behind it, so they are left out.
    """
    if face is None:
        return _detail(image, None, size)
    side = min(float(size), INNER_SHARE * min(face[2] - face[0], face[3] - face[1]))
    centre_x, centre_y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    region = (centre_x - side / 2, centre_y - side / 2, centre_x + side / 2, centre_y + side / 2)
    left, top, right, bottom = _whole_pixels(_within(image.size, region))
    return mirrored(image.crop((left, top, right, bottom)), size)


def _within(size: tuple[int, int], region: Box) -> Box:
    """The part of a region that lies in an image of this width and height; its nearest pixels where none does."""
    (left, right), (top, bottom) = (
        (min(max(low, 0.0), side - 1.0), max(min(high, float(side)), 1.0))
        for low, high, side in ((region[0], region[2], size[0]), (region[1], region[3], size[1]))
    )
    return (left, top, right, bottom)


def _five_crops(image: Image.Image, view: ViewConfig) -> list[Image.Image]:
    """Short side to `resize_to` (bilinear, antialiased), then four corners and the centre."""
    size = crops_size(image.size, view.resize_to)
    boxes = [(x, y, x + view.size, y + view.size) for x, y in crop_places(size, view.size)]
    if max(size) > STRIP * min(size):
        return [_resized_part(image, size, box) for box in boxes]
    resized = image.resize(size, Image.Resampling.BILINEAR)
    return [resized.crop(box) for box in boxes]


def _resized_part(image: Image.Image, size: tuple[int, int], box: tuple[int, int, int, int]) -> Image.Image:
    """A part of the image resized to `size`, without making the rest: the same pixels up to rounding, little memory."""
    scales = [old / new for old, new in zip(image.size, size, strict=True)] * 2
    region = [min(edge * scale, side) for edge, scale, side in zip(box, scales, image.size * 2, strict=True)]
    part = (box[2] - box[0], box[3] - box[1])
    return image.resize(part, Image.Resampling.BILINEAR, box=(region[0], region[1], region[2], region[3]))


def _whole_pixels(region: Box) -> tuple[int, int, int, int]:
    """The nearest whole pixels, as Pillow rounds the published program's boxes; at least one pixel."""
    left, top, right, bottom = (round(edge) for edge in region)
    return (left, top, max(right, left + 1), max(bottom, top + 1))


def _as_tensor(images: list[Image.Image]) -> Tensor:
    """RGB images of one size -> uint8 (K, 3, S, S)."""
    return torch.from_numpy(np.stack([np.asarray(image) for image in images])).permute(0, 3, 1, 2).contiguous()
