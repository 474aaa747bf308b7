"""What the embedded model is asked to get right, as one loss over a batch of samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from piqa_cli.model.network import FaceOutput, NetworkOutput
from piqa_training.losses import pair_fidelity

LOSS_SCALE = 10.0  # judgements' standard deviations for a latent quality loss of 1
ACROSS_SCALE = 5.0  # the same between different photos, whose own qualities differ by an unknown amount
ACROSS_LEAST = 0.3  # latent losses must differ by this much between different photos to be compared
OPINION_SCALE = 12.0  # the same for a mean opinion from 0 to 1; 30 observers agree to within about 0.08


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part of the objective counts."""

    same_photo: float = 3.0
    across: float = 0.3
    opinion: float = 10.0
    defects: float = 1.0
    face: float = 1.0
    anchor: float = 0.02


@dataclass(frozen=True, slots=True)
class Truth:
    """Supervision of B samples; NaN where something is not known."""

    loss: Tensor  # (B,) latent quality loss
    face_loss: Tensor  # (B,)
    photo_severities: Tensor  # (B, 9)
    face_severities: Tensor  # (B, 9)
    opinion: Tensor  # (B,)
    photo: Tensor  # (B,) int, equal for versions of one photo


class OpinionScale(nn.Module):
    """The monotone map from the common scale to that of one set of opinions: a positive slope.

    Learnt beside the network and thrown away after training, so that the scales of different data sets need not
    agree. Differences decide in the fidelity loss, so an offset would have no effect.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_slope = nn.Parameter(torch.zeros(()))

    def forward(self, raw: Tensor) -> Tensor:
        """(B,) -> (B,)."""
        return raw * self.log_slope.exp()


def objective(
    output: NetworkOutput,
    faces: FaceOutput,
    truth: Truth,
    scale: OpinionScale,
    weights: Weights,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Every weighted part of the loss by name; their sum is what is minimised."""
    same, across, opinions = _pairs(truth, generator)
    quality, face_quality = -truth.loss * LOSS_SCALE, -truth.face_loss * LOSS_SCALE
    ranked = truth.photo_severities[:, 0].isfinite()
    return {
        "same_photo": weights.same_photo * pair_fidelity(output.raw, quality, same),
        "across": weights.across * pair_fidelity(output.raw, -truth.loss * ACROSS_SCALE, across),
        "opinion": weights.opinion * pair_fidelity(scale(output.raw), truth.opinion * OPINION_SCALE, opinions),
        "defects": weights.defects
        * (
            _severity_loss(output.photo_defects, truth.photo_severities)
            + _severity_loss(output.face_defects, truth.face_severities)
        ),
        "face": weights.face
        * (pair_fidelity(faces.raw, face_quality, same) + pair_fidelity(faces.raw, face_quality / 2, across)),
        "anchor": weights.anchor
        * (
            functional.smooth_l1_loss(output.raw[ranked], quality[ranked])
            + functional.smooth_l1_loss(faces.raw[ranked], face_quality[ranked])
        ),
    }


def _severity_loss(predicted: Tensor | None, truth: Tensor) -> Tensor:
    """Cross-entropy of severities against severities, over the samples where they are known."""
    if predicted is None:
        return truth.new_zeros(())
    known = truth.isfinite()
    return functional.binary_cross_entropy(predicted[known].clamp(1e-6, 1 - 1e-6), truth[known])


def _pairs(truth: Truth, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs within a photo, between photos, and of opinions: (P, 2) each."""
    count = len(truth.photo)
    first, second = torch.triu_indices(count, count, 1)
    degraded = truth.photo_severities[:, 0].isfinite()
    both = degraded[first] & degraded[second]
    same = both & (truth.photo[first] == truth.photo[second])
    apart = (truth.loss[first] - truth.loss[second]).abs() >= ACROSS_LEAST
    across = both & (truth.photo[first] != truth.photo[second]) & apart
    opinions = truth.opinion[first].isfinite() & truth.opinion[second].isfinite()
    pairs = torch.stack([first, second], dim=1)
    return pairs[same], _some(pairs[across], int(same.sum()) + 1, generator), pairs[opinions]


def _some(pairs: Tensor, most: int, generator: torch.Generator) -> Tensor:
    return pairs if len(pairs) <= most else pairs[torch.randperm(len(pairs), generator=generator)[:most]]
