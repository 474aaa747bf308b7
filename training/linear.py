"""The linear reader of the features (`piqa_cli.model.network.LinearReader`): ridge regression, solved at once.

It is fitted after the heads and by itself. Heads that know of it while they learn take back what it adds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from piqa_cli.model.network import DualBranchNet
from piqa_training.features import FeatureSet

PHOTOS_AT_ONCE = 500  # whose versions are in memory in double precision


@dataclass(frozen=True, slots=True)
class LinearSettings:
    """What the reader is fitted to, beside mean opinions, whose squared errors count once."""

    ridge: float = 3000.0  # of the squared weights of standardised features
    degraded: float = 0.03  # of a version's squared error against its photo's other versions
    opinion_lost: float = 0.5  # by a latent quality loss of 1, on the scale of opinions from 0 to 1
    undegraded: float = 5.0  # of squared differences between undegraded versions of a photo, in other tones most of all
    raw: float = 3.0  # of the raw output for an opinion of 1


def fit_linear_reader(network: DualBranchNet, features: FeatureSet, settings: LinearSettings) -> None:
    """Set a network's linear reader from the training samples; nothing where it has none.

    The weights w minimise, over photos i with mean opinion o, versions v of one photo with latent loss l, and
    undegraded versions u, all less their means,

        sum (w x_i - o_i)^2 + degraded sum (w x_v + opinion_lost l_v)^2 + undegraded sum (w x_u)^2 + ridge |w|^2.

    Args:
        network: with its standardisation set.
        features: of every sample; held-out ones are left out.
        settings: the factors.
    """
    if network.linear is None:
        return
    known = features.photo_severities[:, 0].isfinite() & ~features.val
    rated = features.opinion.isfinite() & ~known & ~features.val
    width = network.linear.weight.shape[0]
    inner, outer = settings.ridge * torch.eye(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64)
    center = torch.zeros_like(outer)
    if rated.any():
        seen, opinion = _seen(network, features, rated), features.opinion[rated].double()
        center = seen.mean(dim=0)
        inner += (seen - center).T @ (seen - center)
        outer += (seen - center).T @ (opinion - opinion.mean())
    for apart, lost in _within_photos(network, features, known):
        inner += settings.degraded * apart.T @ apart
        outer -= settings.degraded * settings.opinion_lost * apart.T @ lost
    for apart, _ in _within_photos(network, features, known & (features.loss == 0) & features.opinion.isnan()):
        inner += settings.undegraded * apart.T @ apart
    weight = settings.raw * torch.linalg.solve(inner, outer)
    network.linear.weight.copy_(weight)
    network.linear.bias.copy_(-(center @ weight)[None])


def _within_photos(network: DualBranchNet, features: FeatureSet, rows: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Features (N, F) and latent losses (N,) of the versions of some photos, less the mean of each photo's."""
    for photos in torch.split(features.photo[rows].unique(), PHOTOS_AT_ONCE):  # type: ignore[no-untyped-call]
        chosen = rows & torch.isin(features.photo, photos)
        group = torch.searchsorted(photos, features.photo[chosen])
        yield (
            _apart(_seen(network, features, chosen), group, len(photos)),
            _apart(features.loss[chosen, None].double(), group, len(photos))[:, 0],
        )


def _apart(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """(N, F) less the mean over each row's group."""
    sums = values.new_zeros(groups, values.shape[1]).index_add_(0, group, values)
    return values - (sums / group.bincount(minlength=groups)[:, None])[group]


def _seen(network: DualBranchNet, features: FeatureSet, rows: Tensor) -> Tensor:
    """Standardised features of all views, float64 (N, F)."""
    parts = [network.standardise[v.cut](features.features[v.cut][rows].float()) for v in network.views]
    return torch.cat(parts, dim=1).double()
