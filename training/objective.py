"""What the embedded model is asked to get right, as one loss over a batch of samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from piqa_cli.model.network import FaceOutput, NetworkOutput
from piqa_training.losses import pair_fidelity

LOSS_SCALE = 10.0  # judgements' standard deviations for a latent quality loss of 1
ACROSS_SCALE = 5.0  # the same between different photos, whose own qualities differ by an unknown amount
ACROSS_LEAST = 0.3  # latent losses must differ by this much between different photos to be compared
OPINION_SCALE = 12.0  # the same for a mean opinion from 0 to 1; 30 observers agree to within about 0.08
OPINION_SLOPE = 2.0  # standard deviations of opinion for one of the raw output


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part of the objective counts."""

    same_photo: float = 3.0
    across: float = 4.0
    content: float = 1.0
    opinion: float = 20.0
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


def objective(
    output: NetworkOutput,
    faces: FaceOutput,
    truth: Truth,
    weights: Weights,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Every weighted part of the loss by name; their sum is what is minimised.

    Opinions have a monotone map of their own, the scale by `OPINION_SLOPE`: so small differences of the output are
    enough for the order that people give to good photos, and the content of a photo moves its score little beside what
    a defect does.
    """
    same, across, opinions, untouched = _pairs(truth, generator)
    quality, face_quality = -truth.loss * LOSS_SCALE, -truth.face_loss * LOSS_SCALE
    ranked = truth.photo_severities[:, 0].isfinite()
    return {
        "same_photo": weights.same_photo * pair_fidelity(output.raw, quality, same),
        "across": weights.across * pair_fidelity(output.raw, -truth.loss * ACROSS_SCALE, across),
        "opinion": weights.opinion * pair_fidelity(output.raw * OPINION_SLOPE, truth.opinion * OPINION_SCALE, opinions),
        "content": weights.content * pair_fidelity(output.raw, quality, untouched),
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


def _pairs(truth: Truth, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pairs within a photo, between photos, of opinions, and of undegraded photos without opinions: (P, 2) each."""
    count = len(truth.photo)
    first, second = torch.triu_indices(count, count, 1)
    degraded = truth.photo_severities[:, 0].isfinite()
    both = degraded[first] & degraded[second]
    same = both & (truth.photo[first] == truth.photo[second])
    apart = (truth.loss[first] - truth.loss[second]).abs() >= ACROSS_LEAST
    across = both & (truth.photo[first] != truth.photo[second]) & apart
    opinions = truth.opinion[first].isfinite() & truth.opinion[second].isfinite()
    equal = (truth.loss == 0) & degraded & ~truth.opinion.isfinite()
    untouched = equal[first] & equal[second] & (truth.photo[first] != truth.photo[second])
    pairs = torch.stack([first, second], dim=1)
    return pairs[same], _some(pairs[across], int(same.sum()) + 1, generator), pairs[opinions], pairs[untouched]


def _some(pairs: Tensor, most: int, generator: torch.Generator) -> Tensor:
    return pairs if len(pairs) <= most else pairs[torch.randperm(len(pairs), generator=generator)[:most]]
