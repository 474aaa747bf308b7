"""The 0-100 map, which two anchors decide, and the severities from which defects are named."""

from __future__ import annotations

from math import log

import torch
from torch import Tensor

from piqa_cli.model.config import ScoreMapConfig
from piqa_cli.records import DEFECTS

GOOD_SCORE = 85.0  # of the median undegraded portrait
RUINED_SCORE = 8.0  # of the median ruined one
RUINED_LOSS = 0.85  # latent quality loss from here on
FALSE_REASONS = 0.05  # share of undegraded photos that may show any defect at all
NAMED_SOONER = {"color_cast": 0.5, "defocus_blur": 0.75, "compression": 0.75}
SHARES = tuple(NAMED_SOONER.get(defect, 1.0) for defect in DEFECTS)  # of the thresholds that all are held to
LEAST_THRESHOLD, GREATEST_THRESHOLD = 0.05, 0.7
SMALLEST_SEVERITY = 1e-4  # estimates below count as this one


def fit_score_map(raw: Tensor, loss: Tensor) -> ScoreMapConfig:
    """Place the logistic map so that held-out good and ruined photos get their scores.

    Args:
        raw: (N,) network outputs for held-out photos.
        loss: (N,) their latent quality losses; 0 for undegraded portraits.
    """
    good, ruined = float(raw[loss == 0].median()), float(raw[loss >= RUINED_LOSS].median())
    scale = (good - ruined) / (_logit(GOOD_SCORE) - _logit(RUINED_SCORE))
    if not scale > 0:
        raise ValueError("ruined photos do not score below good ones: the network has not learnt")
    return ScoreMapConfig(center=good - scale * _logit(GOOD_SCORE), scale=scale)


def fit_thresholds(severities: Tensor) -> tuple[float, ...]:
    """The severity from which each defect is named: so high that few undegraded photos show any.

    In log-odds, where estimates spread evenly, every defect's threshold lies as many standard deviations above its mean
    as every other's, the fewest with which at most `FALSE_REASONS` of the photos are above one. Rounding may let one
    more photo through, and a threshold that would lie above `GREATEST_THRESHOLD` more of them. Those of `NAMED_SOONER`
    are lowered then: photos as they come from a camera seldom seem to have these, and where they have, it is the less
    visible to the network; a few more undegraded photos show one.

    Args:
        severities: (N, 9) of held-out undegraded photos, the worse of photo and face.

    Returns:
        9 thresholds in [`LEAST_THRESHOLD`, `GREATEST_THRESHOLD`], to three decimals.
    """
    odds = severities.logit(eps=SMALLEST_SEVERITY)
    mean, deviation = odds.mean(dim=0), odds.std(dim=0, correction=0)
    highest = ((odds - mean) / deviation.clamp(min=1e-6)).amax(dim=1)  # (N,) of each photo's defects
    common = (mean + deviation * highest.quantile(1 - FALSE_REASONS)).sigmoid().clamp(max=GREATEST_THRESHOLD)
    found = (common * torch.tensor(SHARES)).clamp(min=LEAST_THRESHOLD)
    return tuple(round(float(value), 3) for value in found)


def align(raw: Tensor, loss: Tensor, wanted: Tensor, wanted_loss: Tensor) -> tuple[float, float]:
    """Slope and offset that bring one output onto the scale of another: both medians of good and of ruined photos meet.

    Args:
        raw: (N,) outputs to bring over.
        loss: (N,) the latent quality losses that they are about.
        wanted: (M,) outputs on the other scale.
        wanted_loss: (M,) their latent quality losses.
    """
    ends = [
        float(r[part].median()) for r, q in ((raw, loss), (wanted, wanted_loss)) for part in (q == 0, q >= RUINED_LOSS)
    ]
    slope = (ends[2] - ends[3]) / max(ends[0] - ends[1], 1e-6)
    return slope, ends[2] - slope * ends[0]


def _logit(score: float) -> float:
    return log(score / (100 - score))
