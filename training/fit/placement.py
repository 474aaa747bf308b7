"""Where the 0-100 map is placed after training: raw outputs drift freely under losses that compare pairs only."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from piqa_cli.model.config import ScoreMapConfig
from piqa_cli.model.network import DualBranchNet

LOW, HIGH = 0.16, 0.84  # quantiles; of a normal distribution they lie one standard deviation from the median
HIGH_SCORE = 75.0  # from scratch: the score at `HIGH`; 100 less at `LOW`, 50 at the median
LEAST_SPREAD = 1e-6


def matched_map(raw: Tensor, start_raw: Tensor, start: ScoreMapConfig) -> ScoreMapConfig:
    """The map under which training photos keep the median and the spread of the scores that the starting model gave.

    Args:
        raw: (N,) outputs of the trained network for training photos.
        start_raw: (N,) outputs of the starting model for the same photos.
        start: its map.
    """
    middle, spread = _middle_and_spread(raw)
    old_middle, old_spread = _middle_and_spread(start_raw)
    ratio = spread / old_spread if old_spread > LEAST_SPREAD and spread > LEAST_SPREAD else 1.0
    scale = start.scale * ratio
    return ScoreMapConfig(center=middle - (old_middle - start.center) * ratio, scale=scale)


def fresh_map(raw: Tensor) -> ScoreMapConfig:
    """The rule where no earlier model gives the scores a meaning: the median training photo gets 50.

    Half the distance between the 16 % and 84 % quantiles leads from 50 to 75, and to 25 on the other side: a score then
    says where a photo stands among those that the model was trained on.
    """
    middle, spread = _middle_and_spread(raw)
    scale = spread / math.log(HIGH_SCORE / (100 - HIGH_SCORE))
    return ScoreMapConfig(center=middle, scale=scale if spread > LEAST_SPREAD else 1.0)


@torch.no_grad()
def align_face_head(network: DualBranchNet, before: ScoreMapConfig, raw: Tensor, start_raw: Tensor) -> None:
    """Rescale the face head's output so that face scores keep their median and spread under the new map too.

    Args:
        network: with a face head, and the new map in its configuration.
        before: the starting model's map.
        raw: (N,) outputs of the trained face head for training photos with a face.
        start_raw: (N,) those of the starting model.
    """
    if network.face_head is None or len(raw) < 2:
        return
    after = network.config.score_map
    middle, spread = _middle_and_spread(raw)
    old_middle, old_spread = _middle_and_spread(start_raw)
    if spread <= LEAST_SPREAD or old_spread <= LEAST_SPREAD:
        return
    factor = old_spread / before.scale * after.scale / spread
    target = (old_middle - before.center) / before.scale * after.scale + after.center
    network.rescale_faces(factor, target - factor * middle)


def _middle_and_spread(raw: Tensor) -> tuple[float, float]:
    values = raw.double()
    return float(values.quantile(0.5)), float(values.quantile(HIGH) - values.quantile(LOW)) / 2
