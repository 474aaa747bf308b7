"""The linear reader of the features (`piqa_cli.model.network.LinearReader`): ridge regression, solved at once.

It is fitted after the heads and by itself. Heads that know of it while they learn take back what it adds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from piqa_cli.model.config import ViewConfig
from piqa_cli.model.network import DualBranchNet, LinearReader
from piqa_training.features import FeatureSet

PHOTOS_AT_ONCE = 500  # whose versions are in memory in double precision


@dataclass(frozen=True, slots=True)
class LinearSettings:
    """What the reader is fitted to, beside mean opinions, whose squared errors count once."""

    ridge: float = 3000.0  # of the squared weights of standardised features
    degraded: float = 0.03  # of a version's squared error against its photo's other versions
    opinion_lost: float = 0.5  # by a latent quality loss of 1, on the scale of opinions from 0 to 1
    undegraded: float = 5.0  # of squared differences between undegraded versions of a photo, in other tones most of all
    raw: float = 4.5  # of the raw output for an opinion of 1


def fit_linear_reader(network: DualBranchNet, features: FeatureSet, settings: LinearSettings) -> None:
    """Set a network's linear readers, of photos and of single faces, from the training samples; those that it has.

    The weights w minimise, over photos i with mean opinion o, versions v of one photo with latent loss l, and
    undegraded versions u, all less their means,

        sum (w x_i - o_i)^2 + degraded sum (w x_v + opinion_lost l_v)^2 + undegraded sum (w x_u)^2 + ridge |w|^2.

    A face's features are those of its own views; the opinion is the photo's, the latent loss the face's.

    Args:
        network: with its standardisation set.
        features: of every sample; held-out ones are left out.
        settings: the factors.
    """
    if network.linear is not None:
        _fit(network.linear, network, network.views, features, ~features.val, settings)
    if network.face_linear is not None:
        own, rows = replace(features, loss=features.face_loss), ~features.val & features.has_face
        _fit(network.face_linear, network, network.face_views, own, rows, settings)


def _fit(
    reader: LinearReader,
    network: DualBranchNet,
    views: tuple[ViewConfig, ...],
    features: FeatureSet,
    rows: Tensor,
    settings: LinearSettings,
) -> None:
    known = features.photo_severities[:, 0].isfinite() & rows
    rated = features.opinion.isfinite() & ~known & rows
    width = reader.weight.shape[0]
    inner, outer = settings.ridge * torch.eye(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64)
    center = torch.zeros_like(outer)

    def seen(chosen: Tensor) -> Tensor:
        """Standardised features of the views, float64 (N, F)."""
        parts = [network.standardise[v.cut](features.features[v.cut][chosen].float()) for v in views]
        return torch.cat(parts, dim=1).double()

    if rated.any():
        x, opinion = seen(rated), features.opinion[rated].double()
        center = x.mean(dim=0)
        inner += (x - center).T @ (x - center)
        outer += (x - center).T @ (opinion - opinion.mean())
    for apart, lost in _within_photos(seen, features, known):
        inner += settings.degraded * apart.T @ apart
        outer -= settings.degraded * settings.opinion_lost * apart.T @ lost
    for apart, _ in _within_photos(seen, features, known & (features.loss == 0) & features.opinion.isnan()):
        inner += settings.undegraded * apart.T @ apart
    weight = settings.raw * torch.linalg.solve(inner, outer)
    reader.weight.copy_(weight)
    reader.bias.copy_(-(center @ weight)[None])


def _within_photos(
    seen: Callable[[Tensor], Tensor], features: FeatureSet, rows: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    """Features (N, F) and latent losses (N,) of the versions of some photos, less the mean of each photo's."""
    for photos in torch.split(features.photo[rows].unique(), PHOTOS_AT_ONCE):  # type: ignore[no-untyped-call]
        chosen = rows & torch.isin(features.photo, photos)
        group = torch.searchsorted(photos, features.photo[chosen])
        yield (
            _apart(seen(chosen), group, len(photos)),
            _apart(features.loss[chosen, None].double(), group, len(photos))[:, 0],
        )


def _apart(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """(N, F) less the mean over each row's group."""
    sums = values.new_zeros(groups, values.shape[1]).index_add_(0, group, values)
    return values - (sums / group.bincount(minlength=groups)[:, None])[group]
