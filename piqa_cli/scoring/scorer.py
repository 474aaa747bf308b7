"""A model ready to score: its networks on the device, in the layout and precision that run fastest there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from piqa_cli.model.backbone import fuse_batch_norms
from piqa_cli.model.checkpoint import load_model
from piqa_cli.model.config import Cut, ModelConfig
from piqa_cli.model.liqe import Liqe, load_liqe
from piqa_cli.model.network import DualBranchNet, FaceOutput, NetworkOutput
from piqa_cli.model.preprocess import normalise, on_device
from piqa_cli.model.store import ModelFolder
from piqa_cli.model.swin import fuse_swin_blocks
from piqa_cli.model.unfilled import Unfilled
from piqa_cli.scoring.devices import choose_device
from piqa_cli.scoring.fused import can_fuse, fuse_convolutions, has_float16
from piqa_cli.scoring.options import EngineOptions, Precision, variant
from piqa_cli.scoring.prepare import Inputs
from piqa_cli.threads import limit_threads

HEAVY_WEIGHTS = 50_000_000


@dataclass(frozen=True, slots=True)
class Scorer:
    """Networks and where they run. Inputs arrive as uint8; all that follows happens on the device."""

    network: DualBranchNet
    liqe: Liqe | None
    device: torch.device
    precision: Precision
    model_id: str

    @classmethod
    def load(cls, model: ModelFolder, options: EngineOptions) -> Scorer:
        """The model on the device that the options name.

        Raises:
            ModelError: the model folder cannot be loaded.
            UsageError: the device is unknown or not there, or the model has no crops to choose from.
        """
        device = choose_device(options.device)
        limit_threads()
        model_id = variant(model, options).id
        with Unfilled():
            network = load_model(model.path)
        liqe = load_liqe(model.path) if network.config.auxiliary == "liqe" else None
        plain_cpu = device.type == "cpu" and options.precision is not Precision.BF16
        quick = options.precision is Precision.AUTO and liqe is None and has_float16()
        for backbone in (network.full, network.face):
            fuse_batch_norms(backbone)
            fuse_swin_blocks(backbone)
            if plain_cpu and can_fuse():
                fuse_convolutions(backbone, half=quick and backbone.pooling == "stages")
        network = network.to(device).to(memory_format=torch.channels_last)
        return cls(network, None if liqe is None else liqe.to(device), device, options.precision, model_id)

    @property
    def config(self) -> ModelConfig:
        """The model's configuration."""
        return self.network.config

    @property
    def heavy(self) -> bool:
        """Whether the network is so large that everything else takes little time beside it."""
        return sum(weights.numel() for weights in self.network.parameters()) > HEAVY_WEIGHTS

    def features(self, views: Mapping[Cut, Tensor]) -> dict[Cut, Tensor]:
        """Backbone features of uint8 (B, K, 3, S, S) views, all crops of all photos in one pass: float32 (B, K, F)."""
        with torch.inference_mode(), self._precision():
            return self.network.features(normalise(self.move(views), self.config.preprocess))

    def move(self, views: Mapping[Cut, Tensor]) -> dict[Cut, Tensor]:
        """The views on the device."""
        return {cut: on_device(pixels, self.device) for cut, pixels in views.items()}

    def auxiliary(self, inputs: Inputs) -> Tensor | None:
        """LIQE's logits, float32 (B, 495), for models that need them."""
        if self.liqe is None or inputs.patches is None:
            return None
        with torch.inference_mode(), self._precision():
            logits: Tensor = self.liqe(on_device(inputs.patches, self.device))
            return logits.float()

    def photos(self, inputs: Inputs) -> tuple[NetworkOutput, FaceOutput | None]:
        """Outputs of B photos, and of their main faces where these come along for nothing (models with a face head)."""
        features, liqe = self.features(inputs.views), self.auxiliary(inputs)
        with torch.inference_mode():
            main = self.network.faces_from_features(features) if self.network.face_head is not None else None
            return self.network.from_features(features, liqe), main

    def faces(self, inputs: Inputs) -> FaceOutput | None:
        """Outputs of B single faces, from what `cut_face` made for this model; None for none."""
        if not len(inputs):
            return None
        return self.judged(self.features(inputs.views), self.auxiliary(inputs))

    def judged(self, features: Mapping[Cut, Tensor], liqe: Tensor | None) -> FaceOutput:
        """Outputs of B single faces, from the features of such inputs."""
        with torch.inference_mode():
            if self.network.face_head is not None:
                return self.network.faces_from_features(features)
            output = self.network.from_features(features, liqe)
            return FaceOutput(output.raw, output.photo_defects)

    def _precision(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision is Precision.BF16)
