"""Backbones: the only module that imports timm."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import piqa_cli.quick_start  # noqa: F401 - before timm

# isort: split
import timm
import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from piqa_cli.errors import ModelError
from piqa_cli.model.config import BackboneConfig

VARIANCE_EPS = 1e-6
NO_BACKBONE = "none"  # name of the branch that a network for pre-training the other one does without


class Backbone(nn.Module):
    """A timm network without its classifier: float32 (B, 3, S, S), normalised -> float32 (B, `width`)."""

    width: int
    net: nn.Module

    def __init__(self, config: BackboneConfig, size: int) -> None:
        super().__init__()
        self.pooling = config.pooling
        if config.name == NO_BACKBONE:
            self.net, self.width = nn.Identity(), 0
            return
        self.net = _create(config, size)
        if config.pooling == "stages":
            channels = cast("list[int]", self.net.feature_info.channels())  # type: ignore[union-attr, operator]
            self.width = 2 * sum(channels)
        else:
            self.width = cast("int", self.net.head_hidden_size)  # what timm returns without a classifier

    def forward(self, images: Tensor) -> Tensor:
        """One vector for each image."""
        if self.pooling == "last":
            return cast("Tensor", self.net(images)).float()
        return torch.cat([_mean_and_std(stage) for stage in self.net(images)], dim=1)  # (B, 2 x channels of all stages)


def clip_image_tower(width: int) -> nn.Module:
    """CLIP's ViT-B/32 with QuickGELU: float32 (B, 3, 224, 224), normalised -> (B, `width`), projected, not scaled.

    timm's transformer runs fused attention, and its layers are OpenAI's under other names (`published_liqe`).
    """
    net: nn.Module = timm.create_model("vit_base_patch32_clip_quickgelu_224", pretrained=False, num_classes=0)
    net.head = nn.Linear(cast("int", net.head_hidden_size), width, bias=False)
    return net


def _create(config: BackboneConfig, size: int) -> nn.Module:
    if ":" in config.name or not timm.is_model(config.name):  # timm would fetch what stands behind `hf-hub:`
        message = f"backbone {config.name!r} cannot be built: timm knows no such network"
        raise ModelError(message, hint="see timm.list_models()")
    options: dict[str, Any] = {"features_only": True} if config.pooling == "stages" else {"num_classes": 0}
    if "img_size" in _fixed_size_arguments(config.name):
        options["img_size"] = size
    try:
        net: nn.Module = timm.create_model(config.name, pretrained=False, **options)
        return net
    except (RuntimeError, ValueError, TypeError) as error:
        raise ModelError(f"backbone {config.name!r} cannot be built: {error}", hint="see timm.list_models()") from error


def _fixed_size_arguments(name: str) -> set[str]:
    """Transformers are built for one input size; convolutional networks take any."""
    return {"img_size"} if name.startswith(("swin", "vit", "deit", "beit", "eva", "maxvit", "cait")) else set()


def fuse_batch_norms(module: nn.Module) -> None:
    """Fold every batch norm that directly follows a convolution into it, in place; for evaluation only.

    The outputs stay the same up to float32 rounding, and a convolutional backbone takes about two thirds of the time.
    """
    children = list(module.named_children())
    for (name, layer), (next_name, norm) in pairwise(children):
        if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(layer, norm))
            setattr(module, next_name, norm.act if isinstance(norm, BatchNormAct2d) else nn.Identity())
    for _, child in children:
        fuse_batch_norms(child)


def _mean_and_std(maps: Tensor) -> Tensor:
    """Channel means and standard deviations over the image: (B, C, H, W) -> (B, 2C)."""
    if maps.is_contiguous(memory_format=torch.channels_last):  # side by side: three plain passes are faster
        rows = maps.float().permute(0, 2, 3, 1).flatten(1, 2)  # (B, H*W, C)
        mean = rows.mean(dim=1)
        variance = (rows - mean[:, None]).square().mean(dim=1)
    else:
        variance, mean = torch.var_mean(maps.float().flatten(2), dim=2, correction=0)
    return torch.cat([mean, (variance + VARIANCE_EPS).sqrt()], dim=1)
