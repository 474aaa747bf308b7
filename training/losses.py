"""Training losses: pure functions on tensors."""

from __future__ import annotations

import torch
from torch import Tensor

FIDELITY_EPS = 1e-8


def thurstone(difference: Tensor) -> Tensor:
    """Probability that the first of two photos is judged better, from the difference of their qualities.

    Thurstone's model, case V, with unit variance of the difference: p = (1 + erf(d / sqrt 2)) / 2.
    """
    return (1 + torch.erf(difference / 2**0.5)) / 2


def fidelity_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Fidelity loss of two probabilities, element by element, in [0, 1].

    1 - sqrt(p g) - sqrt((1 - p)(1 - g)) with an epsilon under both roots (Tsai et al. 2007; DN-PIQA, equation 6).
    """
    agree = (predicted * target + FIDELITY_EPS).sqrt()
    disagree = ((1 - predicted) * (1 - target) + FIDELITY_EPS).sqrt()
    return 1 - agree - disagree


def pair_fidelity(scores: Tensor, labels: Tensor, pairs: Tensor) -> Tensor:
    """Mean fidelity loss over pairs of one batch.

    Args:
        scores: (B,) predicted qualities.
        labels: (B,) qualities on a scale where a difference of 1 is one standard deviation of a judgement.
        pairs: (P, 2) indices into the batch.

    Returns:
        A scalar; 0 for no pairs.
    """
    if pairs.numel() == 0:
        return scores.sum() * 0
    first, second = pairs[:, 0], pairs[:, 1]
    predicted = thurstone(scores[first] - scores[second])
    return fidelity_loss(predicted, thurstone(labels[first] - labels[second])).mean()
