"""How far features spread, for their fixed shift and scale."""

from __future__ import annotations

import torch
from torch import Tensor


def spread(features: Tensor) -> Tensor:
    """Standard deviations (F,) of features (N, F), and 1 for those that are the same in all N.

    Divided by next to nothing, such a feature would drown all others on the first photo in which it is another.
    """
    if len(features) < 2:
        return torch.ones_like(features[0])
    std = features.std(dim=0)
    return torch.where(std > 0, std, torch.ones_like(std))
