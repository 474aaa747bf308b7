"""From a row of the manifest to the network's inputs: augmented for training, exactly as in scoring for evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset

from piqa_cli.model.config import Cut, PreprocessConfig
from piqa_training.facts import PhotoFacts
from piqa_training.fit.sampler import mixed
from piqa_training.prepared import PreparedInputs, random_views, scoring_views
from piqa_training.workers import in_workers

Views = dict[Cut, Tensor]  # cut -> uint8 (B, K, 3, S, S)


@dataclass(frozen=True, slots=True)
class InputBatch:
    """B photos on their way to the network."""

    rows: Tensor  # int64 (B,) of the table that the photos come from
    views: Views
    flipped: Views  # the mirrored photos; empty where no loss asks for them
    liqe: Tensor | None  # float32 (B, 495)


@dataclass(frozen=True, slots=True)
class Photos:
    """Photos of one part of the manifest, with what was found out about each."""

    paths: Sequence[str]
    facts: dict[str, PhotoFacts]
    prepared: PreparedInputs

    def __len__(self) -> int:
        return len(self.paths)

    def faces(self) -> Tensor:
        """Bool (N,): the photo shows a face."""
        return torch.tensor([self.facts[path].face is not None for path in self.paths], dtype=torch.bool)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Changes that say nothing about quality, drawn from (seed, epoch, photo): workers and processes do not matter."""

    seed: int
    flip: bool
    random_crop: bool
    both: bool = False  # the mirrored photo comes along


class _Batches(Dataset[InputBatch]):
    """Item i is the i-th batch."""

    def __init__(
        self, photos: Photos, batches: Sequence[Sequence[int]], augmentation: Augmentation | None, epoch: int
    ) -> None:
        self.photos, self.batches, self.augmentation, self.epoch = photos, batches, augmentation, epoch

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> InputBatch:
        rows = self.batches[index]
        items = [self._views(row) for row in rows]
        logits = [self.photos.facts[self.photos.paths[row]].liqe for row in rows]
        flipped = [item[1] for item in items]
        return InputBatch(
            torch.tensor(rows, dtype=torch.int64),
            _stacked([item[0] for item in items]),
            _stacked(flipped) if all(flipped) else {},
            None if any(x is None for x in logits) else torch.stack([x for x in logits if x is not None]),
        )

    def _views(self, row: int) -> tuple[Views, Views]:
        path, config = self.photos.paths[row], self.photos.prepared.config
        inputs = self.photos.prepared.get(path, self.photos.facts[path])
        if self.augmentation is None:
            return scoring_views(inputs, config), {}
        return augmented(inputs, config, self.augmentation, self.epoch, row)


def augmented(
    inputs: Views, config: PreprocessConfig, augmentation: Augmentation, epoch: int, row: int
) -> tuple[Views, Views]:
    """One photo's random views, and their mirror images where `augmentation.both` asks for them."""
    seed = mixed(augmentation.seed, epoch, row)
    generator = torch.Generator().manual_seed(seed)
    mirrored = augmentation.flip and bool(torch.rand((), generator=generator) < 0.5)
    if augmentation.random_crop:
        views = random_views(inputs, config, generator, mirrored=mirrored)
    else:
        central = {cut: pixels[-1:] for cut, pixels in scoring_views(inputs, config).items()}
        views = {cut: pixels.flip(3) if mirrored else pixels for cut, pixels in central.items()}
    return views, {cut: pixels.flip(3) for cut, pixels in views.items()} if augmentation.both else {}


def training_batches(
    photos: Photos, batches: Sequence[Sequence[int]], augmentation: Augmentation, epoch: int, workers: int
) -> Iterator[InputBatch]:
    """The batches of (the rest of) an epoch."""
    return in_workers(_Batches(photos, batches, augmentation, epoch), workers)


def scoring_batches(photos: Photos, rows: Sequence[int], size: int, workers: int) -> Iterator[InputBatch]:
    """Some rows as scoring reads them, `size` at a time."""
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]
    return in_workers(_Batches(photos, batches, None, 0), workers)


def _stacked(items: Sequence[Views]) -> Views:
    return {cut: torch.stack([views[cut] for views in items]) for cut in items[0]}
