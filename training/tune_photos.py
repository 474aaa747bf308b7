"""Degraded views on disk as fine-tuning reads them: all versions of one photo at a time, cut at random."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from piqa_cli.model.config import Cut
from piqa_training.features import FEATURES_PREFIX, SUPERVISION
from piqa_training.objective import Truth


@dataclass(frozen=True, slots=True)
class TunePhoto:
    """V versions of one photo."""

    views: dict[Cut, Tensor]  # uint8 (V, K, 3, S, S)
    truth: dict[str, Tensor]  # by the names of `FeatureSet`, (V, ...)


class TunePhotos(AbstractContextManager["TunePhotos"]):
    """The training photos of some files of views; only what is asked for is read."""

    def __init__(self, parts: Sequence[Path], cuts: Sequence[Cut]) -> None:
        self._cuts = cuts
        self._stack = ExitStack()
        self._photos: list[tuple[Any, dict[str, Tensor], int, int]] = []  # file, its supervision, first row, end
        for part in parts:
            file = self._stack.enter_context(safe_open(part, "pt"))
            truth = {name: file.get_tensor(name) for name in SUPERVISION}
            counts = truth["photo"].unique_consecutive(return_counts=True)[1].tolist()
            first = 0
            for count in counts:
                if not truth["val"][first]:
                    self._photos.append((file, truth, first, first + count))
                first += count

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __len__(self) -> int:
        return len(self._photos)

    def read(self, index: int) -> TunePhoto:
        """One photo, its views whole."""
        file, truth, first, end = self._photos[index]
        views = {cut: file.get_slice(f"{FEATURES_PREFIX}{cut}")[first:end] for cut in self._cuts}
        return TunePhoto(views, {name: values[first:end] for name, values in truth.items()})

    def read_cut(self, index: int, side: int, generator: torch.Generator) -> TunePhoto:
        """One photo, each view cut to at most `side` at a random place, the same for all versions; half mirrored."""
        photo = self.read(index)
        mirrored = bool(torch.randint(2, (1,), generator=generator))
        views = {cut: _cut(view, side, generator) for cut, view in photo.views.items()}
        return TunePhoto({cut: view.flip(-1) if mirrored else view for cut, view in views.items()}, photo.truth)


def _cut(view: Tensor, side: int, generator: torch.Generator) -> Tensor:
    top, left = (int(torch.randint(max(length - side, 0) + 1, (1,), generator=generator)) for length in view.shape[-2:])
    return view[..., top : top + side, left : left + side]


def truth_of_batch(batch: Sequence[TunePhoto]) -> Truth:
    """The supervision of several photos, each a group of its own."""

    def joined(name: str) -> Tensor:
        return torch.cat([photo.truth[name] for photo in batch])

    groups = torch.cat([torch.full((len(photo.truth["loss"]),), index) for index, photo in enumerate(batch)])
    known = ("loss", "face_loss", "photo_severities", "face_severities", "opinion")
    return Truth(**{name: joined(name) for name in known}, photo=groups)
