"""Mixing of photos with opinions: there are few of them, and many features to know each by heart."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from piqa_cli.model.config import Cut
from piqa_training.objective import Truth


def mix_opinions(
    features: dict[Cut, Tensor], truth: Truth, most: float, generator: torch.Generator
) -> tuple[dict[Cut, Tensor], Truth]:
    """Each photo with an opinion and nothing else gets a part of another in its features and in its opinion.

    The mixup of Zhang et al. 2018, equation 1, with a share drawn evenly from 0 to `most`.

    Args:
        features: float32 (B, ..., F) of each cut.
        truth: supervision of the B samples. Those with known severities stay as they are.
        most: in [0, 1]; 0 leaves all as it is.
        generator: draws partners and shares.
    """
    rated = (truth.opinion.isfinite() & ~truth.photo_severities[:, 0].isfinite()).nonzero().squeeze(1)
    other = torch.arange(len(truth.opinion))
    other[rated] = rated[torch.randperm(len(rated), generator=generator)]
    share = torch.rand(len(other), generator=generator) * most
    mixed = {cut: _lerp(values, values[other], share) for cut, values in features.items()}
    return mixed, replace(truth, opinion=_lerp(truth.opinion, truth.opinion[other], share))


def _lerp(values: Tensor, others: Tensor, share: Tensor) -> Tensor:
    return torch.lerp(values, others, share.view(-1, *[1] * (values.dim() - 1)))
