"""Motion features of LSVQ's clips: read beside the frames in pre-training, dropped from the released model.

During training they take the place of LIQE's logits, which pre-training does not use: 256 numbers, and zeros behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from piqa_cli.model.checkpoint import load_model, save_model
from piqa_cli.model.network import LIQE_WIDTH, DualBranchNet
from piqa_training.facts import PhotoFacts
from piqa_training.manifest import Manifest

COLUMN = "features"


def has_motion(manifest: Manifest) -> bool:
    """Whether every row names the motion features of its clip."""
    frame = manifest.frame
    return COLUMN in frame.columns and frame.height > 0 and frame[COLUMN].null_count() == 0


def with_motion(facts: Mapping[str, PhotoFacts], manifest: Manifest) -> dict[str, PhotoFacts]:
    """The facts, each with its clip's motion features in the place of LIQE's logits: float32 (495,)."""
    rows = manifest.frame.select("image", COLUMN).iter_rows()
    files = {image: file for image, file in rows if file is not None}
    return {path: replace(fact, liqe=_padded(files[path])) if path in files else fact for path, fact in facts.items()}


def drop_motion(folder: Path, manifest: Manifest) -> bool:
    """Rewrite a model folder without motion features, as if every photo had the train clips' mean -> was there any."""
    if not has_motion(manifest):
        return False
    network = load_model(folder)
    if network.config.auxiliary != "liqe":
        return False
    files = manifest.part("train").frame[COLUMN].unique().sort()
    mean = torch.stack([_padded(file) for file in files]).mean(dim=0)  # (495,)
    plain = DualBranchNet(replace(network.config, auxiliary="none"))
    state = network.state_dict()
    weight = state["head.0.weight"]  # (hidden, F + 495)
    state["head.0.weight"] = weight[:, :-LIQE_WIDTH].contiguous()
    state["head.0.bias"] = state["head.0.bias"] + weight[:, -LIQE_WIDTH:] @ mean
    plain.load_state_dict(state)
    save_model(plain, folder)
    return True


@cache
def _padded(file: str) -> Tensor:
    values = np.load(file, allow_pickle=False).astype(np.float32).reshape(-1)
    return nn.functional.pad(torch.from_numpy(values), (0, LIQE_WIDTH - len(values)))
