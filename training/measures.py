"""How good the model is on held-out photos during training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

import torch
from scipy.stats import spearmanr
from torch import Tensor

from piqa_cli.model.config import Cut
from piqa_cli.model.network import DualBranchNet
from piqa_training.features import FeatureSet
from piqa_training.visibility import visibility

CLEAR_DIFFERENCE = 0.05  # of latent quality loss: versions of one photo closer than this are not compared


@dataclass(frozen=True, slots=True)
class Measures:
    """Held-out figures; all higher is better, at most 1. NaN where there is nothing to measure."""

    same_photo: float  # share of same-photo pairs in the right order
    face_same_photo: float  # the same for the face alone
    across: float  # SRCC of score with latent quality over all degraded photos
    opinion: float  # SRCC of score with mean opinion over undegraded photos
    defects: float  # 1 - mean absolute error of the visibility of the photo's defects

    @property
    def overall(self) -> float:
        """One figure to choose an epoch by. Opinions have no say: the linear reader adds to them afterwards."""
        figures = (self.same_photo, self.across, 0.5 * self.face_same_photo)
        return sum(0.0 if isnan(figure) else figure for figure in figures) / 2.5


def measure(network: DualBranchNet, standardised: Mapping[Cut, Tensor], features: FeatureSet) -> Measures:
    """Figures over the held-out samples of a feature set."""
    network.eval()
    rows = features.val.nonzero().squeeze(1)
    with torch.inference_mode():
        batch = {cut: values[rows][:, None] for cut, values in standardised.items()}
        output, faces = network.from_features(batch), network.faces_from_features(batch)
    degraded = features.photo_severities[rows, 0].isfinite()
    rated = features.opinion[rows].isfinite()
    loss, photo = features.loss[rows][degraded], features.photo[rows][degraded]
    visible = visibility(features.photo_severities[rows][degraded])
    assert output.photo_defects is not None
    return Measures(
        same_photo=pair_accuracy(output.raw[degraded], -loss, photo),
        face_same_photo=pair_accuracy(faces.raw[degraded], -features.face_loss[rows][degraded], photo),
        across=_srcc(output.raw[degraded], -loss),
        opinion=_srcc(output.raw[rated], features.opinion[rows][rated]),
        defects=1 - float((output.photo_defects[degraded] - visible).abs().mean()),
    )


def _srcc(scores: Tensor, truth: Tensor) -> float:
    """Spearman's rank correlation; NaN where either is constant."""
    varied = all(len(values) and values.min() < values.max() for values in (scores, truth))
    return float(spearmanr(scores, truth).statistic) if varied else float("nan")


def pair_accuracy(scores: Tensor, truth: Tensor, group: Tensor) -> float:
    """Share of pairs within a group that the scores put in the order of the truth; ties count as wrong.

    Pairs whose truth differs by less than `CLEAR_DIFFERENCE` are left out; NaN where no pair is left.
    """
    first, second = torch.triu_indices(len(scores), len(scores), 1)
    difference = truth[first] - truth[second]
    used = (group[first] == group[second]) & (difference.abs() >= CLEAR_DIFFERENCE)
    right = (scores[first] - scores[second])[used].sign() == difference[used].sign()
    return float(right.float().mean()) if len(right) else float("nan")
