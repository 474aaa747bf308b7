"""Features of training samples, computed once with frozen backbones and kept on disk."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import Dataset

from piqa_cli.errors import UsageError
from piqa_cli.model.backbone import fuse_batch_norms
from piqa_cli.model.config import Cut, ModelConfig
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.preprocess import normalise
from piqa_cli.model.tensors import write_tensors
from piqa_cli.records import Box
from piqa_training.samples import Sample, make_samples, make_tones, undegraded
from piqa_training.sources import Source, Split
from piqa_training.workers import in_workers, start_worker

MISSING = float("nan")
FEATURES_PREFIX = "features."  # of the names of tensors in a file
SUPERVISION = ("photo_severities", "face_severities", "loss", "face_loss", "opinion", "photo", "has_face", "val")


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """N samples: features of every view, or the views themselves, and everything that supervises them."""

    features: dict[Cut, Tensor]  # float16 (N, F); of views uint8 (N, K, 3, S, S)
    photo_severities: Tensor  # float32 (N, 9)
    face_severities: Tensor  # float32 (N, 9)
    loss: Tensor  # float32 (N,) latent quality loss
    face_loss: Tensor  # float32 (N,)
    opinion: Tensor  # float32 (N,) mean opinion, NaN where there is none
    photo: Tensor  # int64 (N,) index of the source
    has_face: Tensor  # bool (N,)
    val: Tensor  # bool (N,) belongs to the held-out split

    def save(self, path: Path) -> None:
        """One safetensors file, there in full or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        tensors = {name: getattr(self, name) for name in SUPERVISION}
        write_tensors({**tensors, **{f"{FEATURES_PREFIX}{cut}": t for cut, t in self.features.items()}}, path)

    @staticmethod
    def load(path: Path) -> FeatureSet:
        """The set that `save` wrote.

        Raises:
            UsageError: the file is damaged.
        """
        try:
            stored = load_file(path)
            own = [name for name in stored if name.startswith(FEATURES_PREFIX)]
            features = {name.removeprefix(FEATURES_PREFIX): stored[name] for name in own}
            return FeatureSet(features, **{name: stored[name] for name in SUPERVISION})  # type: ignore[arg-type]
        except (OSError, SafetensorError, KeyError) as error:
            hint = "delete it: what is in it is computed again"
            raise UsageError(f"{path}: not readable as features: {error}", hint=hint) from error


class Versions(Dataset[list[Sample]]):
    """All versions of one source for each index: `count` degraded ones, or with `tones` undegraded ones in other tones.

    With neither, a source as it is and mirrored.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        faces: dict[Path, Box | None],
        config: ModelConfig,
        count: int,
        seed: int,
        scenes: Mapping[Split, Sequence[Path]] | None = None,
        *,
        tones: bool = False,
    ) -> None:
        self.sources, self.faces, self.config, self.count, self.seed = sources, faces, config, count, seed
        self.scenes, self.tones = scenes or {}, tones

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> list[Sample]:
        source = self.sources[index]
        scenes = self.scenes.get(source.split, ())
        if self.tones:
            return make_tones(source, self.faces[source.path], self.config, self.seed + index, scenes)
        if self.count:
            return make_samples(source, self.faces[source.path], self.config, self.count, self.seed + index, scenes)
        nothing = np.full(9, np.nan, dtype=np.float32)  # a real photo: its defects are not known
        face = self.faces[source.path]
        cuts = [undegraded(source, face, self.config, mirrored=mirrored) for mirrored in (False, True)]
        return [Sample(views, nothing, nothing, 0.0, 0.0, has_face=face is not None) for views in cuts]


def extract(network: DualBranchNet, dataset: Versions, *, workers: int) -> FeatureSet:
    """Run every version through the frozen backbones.

    Args:
        network: its standardisation must still be the identity.
        dataset: the versions.
        workers: processes that render.
    """
    network = _fast(network)
    parts = [
        _described(_features(network, _views(samples)), samples, dataset.sources[index], index)
        for index, samples in enumerate(_render(dataset, workers))
    ]
    return join(parts)


def render_views(dataset: Versions, *, workers: int) -> FeatureSet:
    """Every version's views as they are, for several uses: about a megabyte for each with piqa-lite's."""
    rendered = enumerate(_render(dataset, workers))
    return join([_described(_views(samples), samples, dataset.sources[i], i) for i, samples in rendered])


def describe_views(network: DualBranchNet, views: FeatureSet) -> FeatureSet:
    """What `extract` gives, from views that were rendered before."""
    return replace(views, features=_features(_fast(network), views.features))


def join(parts: Sequence[FeatureSet]) -> FeatureSet:
    """Several sets as one."""
    features = {cut: torch.cat([part.features[cut] for part in parts]) for cut in parts[0].features}
    return FeatureSet(features, **{name: torch.cat([getattr(part, name) for part in parts]) for name in SUPERVISION})


def _render(dataset: Versions, workers: int) -> Iterator[list[Sample]]:
    return in_workers(dataset, workers, start=one_thread)


def one_thread(number: int) -> None:
    """As `start_worker`, with one thread for OpenCV as well."""
    import cv2

    start_worker(number)
    cv2.setNumThreads(1)


def _fast(network: DualBranchNet) -> DualBranchNet:
    """A copy with fused batch norms, as `piqa score` runs it."""
    copied = copy.deepcopy(network).eval()
    for backbone in (copied.full, copied.face):
        fuse_batch_norms(backbone)
    return copied.to(memory_format=torch.channels_last)


def _views(samples: list[Sample]) -> dict[Cut, Tensor]:
    return {cut: torch.stack([s.views[cut] for s in samples]) for cut in samples[0].views}


def _features(network: DualBranchNet, views: dict[Cut, Tensor]) -> dict[Cut, Tensor]:
    """One sample after the other: its maps stay in the processor's cache, which takes a third less time than many."""
    count = len(next(iter(views.values())))
    with torch.inference_mode():
        found = [
            network.features(normalise({cut: v[i : i + 1] for cut, v in views.items()}, network.config.preprocess))
            for i in range(count)
        ]
    return {cut: torch.cat([f[cut].mean(dim=1) for f in found]).half() for cut in found[0]}  # (B, F)


def _described(features: dict[Cut, Tensor], samples: list[Sample], source: Source, index: int) -> FeatureSet:
    count = len(samples)
    undegraded_opinion = [source.opinion if s.loss == 0 and source.opinion is not None else MISSING for s in samples]
    return FeatureSet(
        features=features,
        photo_severities=torch.from_numpy(np.stack([s.photo_severities for s in samples])),
        face_severities=torch.from_numpy(np.stack([s.face_severities for s in samples])),
        loss=torch.tensor([s.loss for s in samples], dtype=torch.float32),
        face_loss=torch.tensor([s.face_loss for s in samples], dtype=torch.float32),
        opinion=torch.tensor(undegraded_opinion, dtype=torch.float32),
        photo=torch.full((count,), index),
        has_face=torch.tensor([s.has_face for s in samples]),
        val=torch.full((count,), source.split == "val"),
    )
