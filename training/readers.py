"""First training of the readers of pixel statistics (`piqa_cli/model/reader.py`), by themselves; a minute on a CPU.

Alone they learn at a pace of their own. Together with the heads, which learn slowly and with strong weight decay, they
would be used before they know anything, and hardly learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from piqa_cli.model.config import Cut
from piqa_cli.model.network import DualBranchNet, statistics_part
from piqa_cli.model.reader import PixelReader
from piqa_cli.records import DEFECTS
from piqa_training.features import FeatureSet
from piqa_training.visibility import visibility

QUALITY_WEIGHT = 2.0  # of the squared error of the quality lost, beside the severities' cross-entropy


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """How the readers are trained."""

    epochs: int = 40
    batch: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 0.1
    later_rate: float = 0.3  # of the heads' learning rate, when they go on together


def train_readers(
    network: DualBranchNet,
    standardised: Mapping[Cut, Tensor],
    features: FeatureSet,
    settings: ReaderSettings,
    generator: torch.Generator,
) -> None:
    """Train a network's readers in place, on the training samples whose degradation is known.

    Args:
        network: with readers, or nothing is done.
        standardised: features as the heads see them, float32 (N, F).
        features: what supervises them.
        settings: how much and how.
        generator: draws the batches; dropout draws from torch's own.
    """
    rows = (features.photo_severities[:, 0].isfinite() & ~features.val).nonzero().squeeze(1)
    if network.photo_reader is None or network.face_reader is None or not len(rows):
        return
    known = {cut: values[rows][:, None] for cut, values in standardised.items()}
    for reader, views, severities, loss in (
        (network.photo_reader, network.views, features.photo_severities, features.loss),
        (network.face_reader, network.face_views, features.face_severities, features.face_loss),
    ):
        _train(reader, statistics_part(known, views).squeeze(1), severities[rows], loss[rows], settings, generator)


def _train(
    reader: PixelReader,
    seen: Tensor,
    severities: Tensor,
    loss: Tensor,
    settings: ReaderSettings,
    generator: torch.Generator,
) -> None:
    batches = -(-len(seen) // settings.batch)
    optimiser = torch.optim.AdamW(reader.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.epochs * batches
    )
    reader.train()
    for _ in range(settings.epochs):
        for rows in torch.split(torch.randperm(len(seen), generator=generator), settings.batch):
            read = reader(seen[rows])
            wrong = functional.binary_cross_entropy_with_logits(read[:, : len(DEFECTS)], visibility(severities[rows]))
            off = functional.mse_loss(read[:, len(DEFECTS)], -loss[rows])
            optimiser.zero_grad()
            (wrong + QUALITY_WEIGHT * off).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
