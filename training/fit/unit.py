"""The network as training runs it: one table of numbers for each photo, dropout that does not depend on processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from piqa_cli.model.backbone import Backbone
from piqa_cli.model.config import Cut
from piqa_cli.model.network import HEADS, READERS, DualBranchNet
from piqa_cli.model.preprocess import normalise
from piqa_cli.records import DEFECTS
from piqa_training.fit.sampler import mixed
from piqa_training.fit.stages import modules_of_stages, stage_of_parameters
from piqa_training.settings import TrainSettings

RAW, FLIPPED, FACE = 0, 1, 2
PHOTO_DEFECTS = slice(3, 3 + len(DEFECTS))
FACE_DEFECTS = slice(3 + len(DEFECTS), 3 + 2 * len(DEFECTS))
COLUMNS = 3 + 2 * len(DEFECTS)

Views = dict[Cut, Tensor]


class Unit(nn.Module):
    """One call for everything that the loss reads, so that DistributedDataParallel sees one forward pass.

    The network's weights are put channels last, in place: on a CPU a step of a convolutional one then takes two thirds
    of the time.
    """

    def __init__(self, network: DualBranchNet) -> None:
        super().__init__()
        self.network: DualBranchNet = network.to(memory_format=torch.channels_last)

    def forward(self, views: Views, flipped: Views, liqe: Tensor | None) -> Tensor:
        """uint8 views -> float32 (B, COLUMNS): raw score, that of the mirrored photo, of the face, severities.

        Columns that the network does not have are 0.
        """
        network = self.network
        features = network.features(normalise(views, network.config.preprocess))
        output = network.from_features(features, liqe)
        count = len(output.raw)
        mirrored = network(normalise(flipped, network.config.preprocess), liqe).raw if flipped else None
        face = network.faces_from_features(features).raw if network.face_head is not None else None
        columns = [
            *(_column(values, count, 1, output.raw) for values in (output.raw, mirrored, face)),
            *(
                _column(values, count, len(DEFECTS), output.raw)
                for values in (output.photo_defects, output.face_defects)
            ),
        ]
        return torch.cat(columns, dim=1).float()


def _column(values: Tensor | None, count: int, width: int, like: Tensor) -> Tensor:
    return like.new_zeros(count, width) if values is None else values.reshape(count, width)


@dataclass(slots=True)
class Place:
    """Where training is: what the dropout masks of a batch follow from."""

    seed: int = 0
    start: int = 0  # first row of this process in the global batch
    total: int = 1  # rows of the global batch


class SharedDropout(nn.Dropout):
    """Dropout whose mask belongs to the global batch: it is the same however many processes share the batch."""

    def __init__(self, p: float, place: Place, number: int) -> None:
        super().__init__(p)
        self.place, self.number = place, number

    def forward(self, values: Tensor) -> Tensor:
        """(B, ...) -> (B, ...)."""
        if not self.training or self.p == 0:
            return values
        generator = torch.Generator().manual_seed(mixed(self.place.seed, self.number))
        kept = torch.rand((self.place.total, *values.shape[1:]), generator=generator) >= self.p
        rows = (self.place.start + torch.arange(len(values))).clamp(max=self.place.total - 1)
        return values * (kept[rows].to(values) / (1 - self.p))


def share_dropout(network: DualBranchNet, place: Place) -> None:
    """Replace the heads' dropout, in place; the weights are not concerned."""
    number = 0
    for name in (*HEADS, *READERS):
        head = getattr(network, name)
        for key, module in list(head.named_children()) if head is not None else []:
            if isinstance(module, nn.Dropout):
                setattr(head, key, SharedDropout(module.p, place, number))
                number += 1


def freeze(network: DualBranchNet, settings: TrainSettings) -> None:
    """Take away the gradients of frozen stages, and of a face head that no loss concerns."""
    for backbone in (network.full, network.face):
        for name, stage in stage_of_parameters(backbone.net).items():
            backbone.net.get_parameter(name).requires_grad_(stage >= settings.run.frozen_stages)
    if network.face_head is not None and settings.keep.face == 0:
        network.face_head.requires_grad_(False)


def training_mode(network: DualBranchNet, settings: TrainSettings, *, frozen_norms: bool) -> None:
    """Training mode, except for frozen stages and, where asked for, the statistics of batch norms."""
    network.train()
    network.hearing.eval()  # its draws would differ from process to process
    for backbone in (network.full, network.face):
        for module in modules_of_stages(backbone.net, settings.run.frozen_stages):
            module.eval()
        for module in backbone.modules() if frozen_norms else ():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()


def checkpoint_activations(network: DualBranchNet) -> None:
    """Keep the activations between backbone stages only and compute the others twice."""
    for backbone in (network.full, network.face):
        _checkpoint(backbone)


def _checkpoint(backbone: Backbone) -> None:
    net = cast("Any", backbone.net)
    if backbone.pooling == "last" and hasattr(net, "set_grad_checkpointing"):
        net.set_grad_checkpointing(True)  # timm's own, block by block
        return
    forward = backbone.net.forward

    def recomputed(images: Tensor) -> Any:
        if not torch.is_grad_enabled():
            return forward(images)
        return checkpoint(forward, images, use_reentrant=False)

    net.forward = recomputed
