"""A coarse map of the quality within one photo: patch after patch takes the face's place in front of the network.

The idea is that of pMOS (Kim et al., "Pixel-by-pixel Mean Opinion Score for No-Reference Image Quality Assessment",
2022): a local quality for every place, and a weight that says how much the place has to show. Here nothing is trained
for it. The branch that reads the face reads a patch instead, while the frame (and LIQE) stay the photo's. So a patch's
score is the one that the photo would get if its main face looked like this patch, on the same 0-100 scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from piqa_cli.faces.geometry import scaled
from piqa_cli.model.config import Cut, PreprocessConfig
from piqa_cli.model.preprocess import cut_views, mirrored
from piqa_cli.records import Box, Severities
from piqa_cli.scoring.complete import severities, to_score
from piqa_cli.scoring.scorer import Scorer

ALONG = 8  # patches along the photo's longer side
OVERLAP = 1.5  # times as wide as a cell: smooth skin or cloth seldom fills the whole of a patch
BATCH = 8  # patches in one pass through the network
LEAST_SHARE = 0.5  # of a view's side: from less than that, mirrored, the network sees a kaleidoscope
PLAIN_SHARE = 0.5  # of the photo's typical structure: a patch with that much counts half
HALF = 0.5  # structure from which a patch is spoken of
LEVEL = 1.0  # 8-bit steps: structure below that is rounding


@dataclass(frozen=True, slots=True)
class Patch:
    """One place in the photo, judged as if it were what the photo is about."""

    box: Box  # pixels of the upright photo at full resolution
    score: float  # 0-100
    structure: float  # in [0, 1]: how much there is to judge, 0 for a plain wall
    defects: Severities | None  # None for models that estimate none


@dataclass(frozen=True, slots=True)
class LocalMap:
    """Local quality of one photo.

    Patches overlap, in a small photo more so. A score is less certain than the photo's own: the network was
    trained on faces and whole photos. Where a patch is plain (sky, a wall, a smooth background) it sees low contrast or
    blur that may not be there; `structure` tells these from the rest.
    """

    columns: int
    rows: int
    patches: tuple[Patch, ...]  # row by row from the upper left corner
    photo: Image.Image  # RGB, upright, at the scale that the model reads

    @property
    def judged(self) -> tuple[Patch, ...]:
        """The patches with enough structure to speak of."""
        return tuple(patch for patch in self.patches if patch.structure >= HALF)


def local_map(
    scorer: Scorer,
    image: Image.Image,
    scale: float,
    features: Mapping[Cut, Tensor],
    liqe: Tensor | None,
) -> LocalMap:
    """Judge a photo patch by patch; of a model with five crops the centre crop alone, which is five times as fast.

    Args:
        scorer: of the model.
        image: RGB, upright, at the working scale.
        scale: pixels of `image` for each pixel of the full-resolution photo.
        features: of the photo, cut -> float32 (1, K, F).
        liqe: of the photo, (1, 495), for models that need it.
    """
    config = scorer.config.preprocess
    local = replace(config, views=tuple(view for view in config.views if view.cut != "frame"))
    columns, rows = grid(image.size)
    boxes = list(patch_boxes(image.size, _least_side(local)))
    views = [patch_views(image.crop(box), local) for box in boxes]
    judged = _judge(scorer, views, features, liqe)
    structure = relative_structure([structure_of(image.crop(box)) for box in boxes])
    patches = tuple(
        Patch(scaled(box, 1 / scale), score, weight, defects)
        for box, (score, defects), weight in zip(boxes, judged, structure, strict=True)
    )
    return LocalMap(columns, rows, patches, image)


def grid(size: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows of nearly square cells, `ALONG` of them along the longer side."""
    cell = max(size) / ALONG
    return (max(round(size[0] / cell), 1), max(round(size[1] / cell), 1))


def patch_boxes(size: tuple[int, int], least: int) -> Iterator[tuple[int, int, int, int]]:
    """A square for every cell of the grid: `OVERLAP` cells or `least` wide, centred on it or moved to lie inside."""
    columns, rows = grid(size)
    side = max(round(OVERLAP * max(size) / ALONG), least)
    width, height = min(side, size[0]), min(side, size[1])
    for row in range(rows):
        for column in range(columns):
            x = round((column + 0.5) * size[0] / columns - width / 2)
            y = round((row + 0.5) * size[1] / rows - height / 2)
            x, y = min(max(x, 0), size[0] - width), min(max(y, 0), size[1] - height)
            yield (x, y, x + width, y + height)


def patch_views(patch: Image.Image, config: PreprocessConfig) -> dict[Cut, Tensor]:
    """Every view of a patch, which takes the place of a face with its margin.

    One that is smaller than a view is continued by mirroring: enlarging it would blur it.
    """
    views: dict[Cut, Tensor] = {}
    for view in config.views:
        alone = replace(config, views=(view,))
        if view.cut == "inner":
            views |= cut_views(patch, _without_margin(patch.size, config), alone)
        else:
            views |= cut_views(mirrored(patch, view.resize_to or view.size), None, alone)
    return views


def _without_margin(size: tuple[int, int], config: PreprocessConfig) -> Box:
    """The face's box that `preprocess.face_region` would widen to a square patch of this width and height."""
    side = max((min(size) - 2 * config.face_margin_px) / (1 + 2 * config.face_margin_share), 1.0)
    left, top = (size[0] - side) / 2, (size[1] - side) / 2
    return (left, top, left + side, top + side)


def structure_of(patch: Image.Image) -> float:
    """Standard deviation of the luminance around its best plane, in 8-bit steps: a smooth sky has nearly none."""
    values = np.asarray(patch.convert("L"), dtype=np.float64)
    values = values - values.mean()
    for axis in (0, 1):
        along = np.arange(values.shape[axis]) - (values.shape[axis] - 1) / 2
        along = along[:, None] if axis == 0 else along[None]
        full = np.broadcast_to(along, values.shape)
        values = values - full * (values * full).sum() / max((full * full).sum(), 1.0)
    return float(values.std())


def relative_structure(deviations: list[float]) -> list[float]:
    """Deviations -> weights in [0, 1], relative to the photo's own (their root mean square): haze is not plainness."""
    energy: NDArray[np.float64] = np.square(deviations)
    return [float(weight) for weight in energy / (energy + PLAIN_SHARE**2 * energy.mean() + LEVEL**2)]


def _least_side(config: PreprocessConfig) -> int:
    return round(LEAST_SHARE * min(view.resize_to or view.size for view in config.views if view.cut != "inner"))


def _judge(
    scorer: Scorer, views: list[dict[Cut, Tensor]], features: Mapping[Cut, Tensor], liqe: Tensor | None
) -> list[tuple[float, Severities | None]]:
    """Score and severities of each patch; of several crops the last one, the centre."""
    config = scorer.config
    found: list[tuple[float, Severities | None]] = []
    for start in range(0, len(views), BATCH):
        part = views[start : start + BATCH]
        read = scorer.features({cut: torch.stack([one[cut][-1:] for one in part]) for cut in part[0]})
        photo = {cut: values[:, -1:].expand(len(part), -1, -1) for cut, values in features.items()}
        shared = None if liqe is None else liqe.expand(len(part), -1)
        with torch.inference_mode():
            output = scorer.network.from_features({**photo, **read}, shared)
        scores = [to_score(float(raw), config.score_map) for raw in output.raw]
        found += [(score, severities(output.face_defects, row, config)) for row, score in enumerate(scores)]
    return found
