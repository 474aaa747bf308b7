"""A network small enough for tests: the same class, the same code path, a few hundred thousand weights."""

from dataclasses import replace

import torch

from piqa_cli.model.config import BackboneConfig, ModelConfig, PreprocessConfig, ViewConfig
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.presets import PIQA_LITE

BACKBONE = BackboneConfig("lcnet_035", pooling="stages")
LITE = replace(
    PIQA_LITE,
    name="tiny",
    full=BACKBONE,
    face=BACKBONE,
    preprocess=replace(
        PIQA_LITE.preprocess,
        views=(ViewConfig("frame", "full", 64), ViewConfig("face", "face", 48), ViewConfig("detail", "face", 64)),
    ),
)
NARROW_BACKBONE = BackboneConfig("test_efficientnet", pooling="stages")
NARROW = replace(LITE, name="narrow", full=NARROW_BACKBONE, face=NARROW_BACKBONE)
"""With half the features: what solves a system of equations for all of them takes a quarter of the time."""
CROPPED = ModelConfig(
    name="tiny-crops",
    full=BackboneConfig("lcnet_035"),
    face=BackboneConfig("lcnet_035"),
    preprocess=PreprocessConfig(
        views=(
            ViewConfig("frame", "full", 48, fit="crops", resize_to=56),
            ViewConfig("face", "face", 48, fit="crops", resize_to=56),
        ),
        working_side=None,
    ),
)


def network(config: ModelConfig, seed: int = 0) -> DualBranchNet:
    torch.manual_seed(seed)
    return DualBranchNet(config).eval()
