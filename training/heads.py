"""Training of the heads on features that were computed once; minutes on a CPU."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import dropout

from piqa_cli.model import statistics
from piqa_cli.model.config import Cut
from piqa_cli.model.network import HEADS, READERS, DualBranchNet, Standardise
from piqa_cli.model.reader import STATISTICS_SCALE
from piqa_training.features import FeatureSet
from piqa_training.measures import Measures, measure
from piqa_training.mixup import mix_opinions
from piqa_training.objective import Truth, Weights, objective
from piqa_training.readers import ReaderSettings, train_readers
from piqa_training.spread import spread
from piqa_training.visibility import visibility


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """How the heads are trained."""

    epochs: int = 14
    photos_per_batch: int = 24  # every version of each
    opinions_per_batch: int = 192
    learning_rate: float = 1e-3
    weight_decay: float = 1.0
    feature_dropout: float = 0.2  # on the backbones' features, training only
    mixing: float = 0.5  # the largest part of another photo in one with an opinion, training only
    seed: int = 0
    weights: Weights = field(default_factory=lambda: Weights(opinion=12.0, defects=2.0))
    readers: ReaderSettings = field(default_factory=ReaderSettings)


def fit_standardisation(network: DualBranchNet, features: FeatureSet) -> None:
    """Set the network's fixed shift and scale from the training features.

    What the pixels say by themselves is left `STATISTICS_SCALE` times as large as the features of the backbones, which
    are many more, so that neither their number nor the weight decay drowns it.
    """
    for cut, values in features.features.items():
        module = network.standardise[cut]
        assert isinstance(module, Standardise), "only backbones pooled by stages are standardised"
        known = values[~features.val].float()
        module.mean.copy_(known.mean(dim=0))
        module.std.copy_(spread(known))
        if network.config.statistics:
            module.std[-statistics.WIDTH :] /= STATISTICS_SCALE


def train_heads(
    network: DualBranchNet,
    features: FeatureSet,
    settings: HeadSettings,
    report: Callable[[int, dict[str, float], Measures], None],
) -> Measures:
    """Train the heads in place and keep the epoch that is best on the held-out photos.

    Readers of pixel statistics are trained by themselves first, then go on with the heads at a pace of their own.
    `report` is called after every epoch with its number, the parts of the loss, and the held-out measures.
    """
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    standardised = standardise(network, features)
    train_readers(network, standardised, features, settings.readers, generator)
    optimiser = _optimiser(network, settings)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.epochs)
    best, best_state = measure(network, standardised, features), copy.deepcopy(network.state_dict())
    for epoch in range(settings.epochs):
        network.train()
        totals: dict[str, float] = {}
        batches = 0
        for rows in _batches(features, settings, generator):
            batch = {c: dropout(f[rows], settings.feature_dropout)[:, None] for c, f in standardised.items()}
            batch, truth = mix_opinions(batch, truth_of(features, rows), settings.mixing, generator)
            parts = objective(
                network.from_features(batch),
                network.faces_from_features(batch),
                truth,
                settings.weights,
                generator,
            )
            optimiser.zero_grad()
            torch.stack(list(parts.values())).sum().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            batches += 1
            totals = {name: totals.get(name, 0.0) + float(value.detach()) for name, value in parts.items()}
        schedule.step()
        measured = measure(network, standardised, features)
        report(epoch, {name: total / batches for name, total in totals.items()}, measured)
        if measured.overall > best.overall:
            best, best_state = measured, copy.deepcopy(network.state_dict())
    network.load_state_dict(best_state)
    return best


def _optimiser(network: DualBranchNet, settings: HeadSettings) -> torch.optim.Optimizer:
    heads, readers = (
        [p for name, module in network.named_children() if name in names for p in module.parameters()]
        for names in (HEADS, READERS)
    )
    later = settings.learning_rate * settings.readers.later_rate
    return torch.optim.AdamW(
        [
            {"params": heads, "lr": settings.learning_rate, "weight_decay": settings.weight_decay},
            {"params": readers, "lr": later, "weight_decay": settings.readers.weight_decay},
        ]
    )


def standardise(network: DualBranchNet, features: FeatureSet) -> dict[Cut, Tensor]:
    """All features as the heads see them, float32 (N, F)."""
    return {cut: network.standardise[cut](values.float()) for cut, values in features.features.items()}


def truth_of(features: FeatureSet, rows: Tensor) -> Truth:
    """The supervision of some samples; severities as their `visibility`."""
    return Truth(
        features.loss[rows],
        features.face_loss[rows],
        visibility(features.photo_severities[rows]),
        visibility(features.face_severities[rows]),
        features.opinion[rows],
        features.photo[rows],
    )


def _batches(features: FeatureSet, settings: HeadSettings, generator: torch.Generator) -> Iterator[Tensor]:
    """Row indices: all versions of some photos, and some opinions beside them."""
    degraded = features.photo_severities[:, 0].isfinite() & ~features.val
    rated = (features.opinion.isfinite() & ~features.val).nonzero().squeeze(1)
    order = sorted(set(features.photo[degraded].tolist()))
    by_photo = {photo: (degraded & (features.photo == photo)).nonzero().squeeze(1) for photo in order}
    shuffled = [order[i] for i in torch.randperm(len(order), generator=generator)]
    for start in range(0, len(shuffled), settings.photos_per_batch):
        versions = [by_photo[p] for p in shuffled[start : start + settings.photos_per_batch]]
        drawn = torch.randint(max(len(rated), 1), (settings.opinions_per_batch,), generator=generator)
        yield torch.cat([*versions, rated[drawn] if len(rated) else rated])
