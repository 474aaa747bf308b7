"""Weights that earlier builds wrote, so that a model of one's own outlives an update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from piqa_cli.model import echoes, statistics
from piqa_cli.model.network import DualBranchNet


def with_echoes(stored: Mapping[str, Tensor], network: DualBranchNet) -> Mapping[str, Tensor]:
    """The tensors of a model whose statistics had no echoes yet, with weights of zero for them: it scores as it did.

    Args:
        stored: tensors of a file; others than of such a model are returned as they are.
        network: of the file's configuration.
    """
    first = "head.0.weight"
    wanted = network.state_dict()
    added = len(network.views) * echoes.WIDTH
    if not network.config.statistics or first not in stored or stored[first].dim() != wanted[first].dim():
        return stored
    if stored[first].shape[-1] != wanted[first].shape[-1] - added:
        return stored
    return {
        name: _widened(tensor, list(_places(network, name)), ones=name.endswith(".std"))
        for name, tensor in stored.items()
    }


def _places(network: DualBranchNet, name: str) -> Iterator[int]:
    """Where the columns of echoes are missing in a tensor without them."""
    module, _, rest = name.partition(".")
    if module == "standardise":
        views = [view for view in network.views if rest in (f"{view.cut}.mean", f"{view.cut}.std")]
    elif rest == "0.weight" and module in ("head", "photo_defects", "photo_reader"):
        views = list(network.views)
    elif rest == "0.weight" and module in ("face_head", "face_defects", "face_reader"):
        views = list(network.face_views)
    else:
        return
    start = 0
    for view in views:
        own = 0 if module.endswith("reader") else network.view_width(view) - statistics.WIDTH
        yield start + own + statistics.ECHOES_AT
        start += own + statistics.WIDTH - echoes.WIDTH


def _widened(tensor: Tensor, places: list[int], *, ones: bool) -> Tensor:
    if not places:
        return tensor
    missing = (tensor.new_ones if ones else tensor.new_zeros)((*tensor.shape[:-1], echoes.WIDTH))
    first, *others = tensor.tensor_split(places, dim=-1)
    return torch.cat([first, *(part for other in others for part in (missing, other))], dim=-1)
