"""LIQE (Zhang et al., CVPR 2023): what CLIP ViT-B/32 says of quality, scene and distortion, as DN-PIQA reads it.

The image side only: the texts never change, so their features are stored beside the weights.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import normalize

from piqa_cli.errors import ModelError
from piqa_cli.model.backbone import clip_image_tower
from piqa_cli.model.network import LIQE_WIDTH
from piqa_cli.model.preprocess import mirrored
from piqa_cli.model.store import LIQE_FILE
from piqa_cli.model.tensors import read_tensors, write_tensors
from piqa_cli.model.unfilled import Unfilled

PATCHES = 15
SIDE = 224
STRIDE = 32
CLIP_WIDTH = 512
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def patch_corners(width: int, height: int) -> list[tuple[int, int]]:
    """Left upper corners of the 15 patches of an image, as the published program takes them.

    All 224 x 224 patches at stride 32, in row-major order, would be numbered 0 to count - 1; taken are 0, s, 2s, ...
    with s = floor(count / 15). With fewer than 15 of them s is 0: the first one counts fifteen times. A side under 224
    has one position.
    """
    columns, rows = (max(side - SIDE, 0) // STRIDE + 1 for side in (width, height))
    step = columns * rows // PATCHES
    numbers = (i * step for i in range(PATCHES))
    return [(STRIDE * (n % columns), STRIDE * (n // columns)) for n in numbers]


def cut_patches(image: Image.Image) -> Tensor:
    """The 15 patches that LIQE reads: RGB image, upright, full resolution -> uint8 (15, 3, 224, 224).

    They are cut directly, so memory does not grow with the image. A side under 224 is continued by mirroring on both
    ends: enlarging the image would change the very sharpness that is judged (the published program fails there).
    """
    width, height = image.size
    boxes = [(x, y, min(x + SIDE, width), min(y + SIDE, height)) for x, y in patch_corners(width, height)]
    patches = np.stack([np.asarray(mirrored(image.crop(box), SIDE)) for box in boxes])
    return torch.from_numpy(patches).permute(0, 3, 1, 2).contiguous()


class Liqe(nn.Module):
    """CLIP's image tower against stored text features.

    The 495 logits are ordered quality (bad to perfect) x scene x distortion, quality slowest; see `prompts`.
    """

    text: Tensor
    logit_scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.image = clip_image_tower(CLIP_WIDTH)
        self.register_buffer("text", torch.zeros(LIQE_WIDTH, CLIP_WIDTH))  # unit length
        self.register_buffer("logit_scale", torch.zeros(()))  # natural logarithm

    def forward(self, patches: Tensor) -> Tensor:
        """Logits, averaged over the patches: (B, 15, 3, 224, 224) -> float32 (B, 495).

        `patches` are uint8 in 0-255 or floating point in [0, 1], RGB, not normalised.
        """
        pixels = patches.flatten(0, 1)  # (B*15, 3, 224, 224)
        pixels = pixels.float() / 255 if pixels.dtype == torch.uint8 else pixels
        mean, std = (pixels.new_tensor(values).view(3, 1, 1) for values in (MEAN, STD))
        features = normalize(self.image((pixels - mean) / std).float(), dim=1)  # (B*15, 512)
        logits: Tensor = self.logit_scale.float().exp() * features @ self.text.float().t()  # (B*15, 495)
        return logits.view(len(patches), -1, LIQE_WIDTH).mean(dim=1)


def load_liqe(folder: Path) -> Liqe:
    """LIQE of a model folder, float32 on the CPU, in evaluation mode.

    Raises:
        ModelError: `liqe.safetensors` is missing, damaged, or holds other tensors than LIQE's.
    """
    path = folder / LIQE_FILE
    if not path.is_file():
        hint = "import the model again with the LIQE checkpoint: piqa models import --liqe FILE"
        raise ModelError(f"{folder}: this model needs LIQE, but there is no {LIQE_FILE}", path=path, hint=hint)
    with Unfilled():  # the file brings every value
        network = Liqe()
    network.load_state_dict(read_tensors(path, network.state_dict(), "LIQE"), strict=True, assign=True)
    return network.eval().requires_grad_(False)


def save_liqe(liqe: Liqe, folder: Path) -> None:
    """Write `liqe.safetensors` into a model folder, every tensor in its own precision."""
    write_tensors(liqe.state_dict(), folder / LIQE_FILE)
