"""DN-PIQA's checkpoint and its pre-trained branches: from the published names to this project's.

The published program was made with timm 0.6.7: there a Swin stage ends with its downsampling, today the next one
starts with it, and masks and index tables that follow from the sizes were saved with the weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from piqa_cli.errors import ModelError
from piqa_cli.model.config import Branch, ModelConfig
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.tensors import differences, summary
from piqa_cli.model.unfilled import Unfilled

COMPUTED = ("attn_mask", "relative_position_index")  # last part of the name of entries that timm computes itself
FIRST_LAYER = "patch_embed.proj.weight"
PREFIXES = {
    "full.net.": "feature_extraction.feature_extraction.",
    "face.net.": "feature_extraction_face.feature_extraction.feature_extraction.",
    "head.": "quality.",
}
"""Part of `DualBranchNet` -> where the published network has it."""


def network_tensors(state: Mapping[str, Tensor], path: Path, config: ModelConfig) -> dict[str, Tensor]:
    """All tensors of a `DualBranchNet` from a published DN-PIQA state dict.

    Raises:
        ModelError: a key is missing, unknown or of another shape; the message has the file's own names.
    """
    wanted = _layout(config)
    names = {name: _published_name(name, _is_old(state)) for name in wanted}
    stored = {name: tensor for name, tensor in state.items() if not _is_computed(name)}
    found = differences({names[name]: tensor for name, tensor in wanted.items()}, stored)
    if found:
        raise ModelError(f"{path}: not a DN-PIQA checkpoint: {summary(found)}", path=path)
    return {name: stored[published] for name, published in names.items()}


def branch_tensors(
    state: Mapping[str, Tensor], path: Path, branch: Branch, config: ModelConfig
) -> tuple[dict[str, Tensor], list[str]]:
    """One branch of a `DualBranchNet` from a pre-trained network, and what of that network is left out.

    The file may put any prefix before timm's names: the program saves the LSVQ network's backbone as
    `feature_extraction.`, GFIQA's as `feature_extraction.feature_extraction.`. Heads beside the backbone are left out.

    Raises:
        ModelError: not exactly one Swin network in the file, or its tensors do not fit the branch.
    """
    prefix = _only_prefix(state, path)
    wanted = {n: t for n, t in _layout(config).items() if n.startswith(f"{branch}.net.")}
    names = {name: prefix + _timm_name(name.removeprefix(f"{branch}.net."), _is_old(state)) for name in wanted}
    inside = {n: t for n, t in state.items() if n.startswith(prefix) and not _is_computed(n)}
    stored = {n: t for n, t in inside.items() if not n.removeprefix(prefix).startswith(("head.", "quality."))}
    if found := differences({names[name]: tensor for name, tensor in wanted.items()}, stored):
        backbone = getattr(config, branch).name
        raise ModelError(f"{path}: does not hold the weights of {backbone}: {summary(found)}", path=path)
    dropped = [n for n in state if n not in stored and not _is_computed(n)]
    return {name: stored[published] for name, published in names.items()}, dropped


def _only_prefix(state: Mapping[str, Tensor], path: Path) -> str:
    prefixes = [name.removesuffix(FIRST_LAYER) for name in state if name.endswith(FIRST_LAYER)]
    if not prefixes:
        first = ", ".join(list(state)[:3])
        raise ModelError(f"{path}: no Swin network in it (no {FIRST_LAYER}); it holds {first}, ...", path=path)
    if len(prefixes) > 1:
        message = f"{path}: holds {len(prefixes)} networks ({', '.join(p + '*' for p in prefixes)}), wanted is one"
        raise ModelError(message, path=path, hint="a whole DN-PIQA checkpoint is imported with --dn-piqa")
    return prefixes[0]


def _layout(config: ModelConfig) -> dict[str, Tensor]:
    """Names and shapes of the network's tensors; what they hold means nothing."""
    with Unfilled():
        return dict(DualBranchNet(config).state_dict())


def _published_name(name: str, old: bool) -> str:
    ours, published = next((a, b) for a, b in PREFIXES.items() if name.startswith(a))
    return published + _timm_name(name.removeprefix(ours), old)


def _timm_name(name: str, old: bool) -> str:
    """Today's name of a Swin tensor, or the one of timm before 0.9."""
    return re.sub(r"^layers\.(\d)\.downsample", lambda m: f"layers.{int(m[1]) - 1}.downsample", name) if old else name


def _is_old(state: Mapping[str, Tensor]) -> bool:
    return any("layers.0.downsample." in name for name in state)


def _is_computed(name: str) -> bool:
    return name.rsplit(".", 1)[-1] in COMPUTED
