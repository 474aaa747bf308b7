"""The 0-100 map: two anchors decide it."""

from __future__ import annotations

from math import log

from torch import Tensor

from piqa_cli.model.config import ScoreMapConfig

GOOD_SCORE = 85.0  # of the median undegraded portrait
RUINED_SCORE = 10.0  # of the median ruined one
RUINED_LOSS = 0.85  # latent quality loss from here on


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


def _logit(score: float) -> float:
    return log(score / (100 - score))
