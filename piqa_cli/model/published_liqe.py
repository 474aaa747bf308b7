"""LIQE's checkpoint, an OpenAI CLIP ViT-B/32 state dict: image tower renamed, texts encoded, text tower left behind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from piqa_cli.errors import ModelError
from piqa_cli.model.liqe import Liqe
from piqa_cli.model.prompts import encode_prompts, text_layout
from piqa_cli.model.tensors import differences, summary
from piqa_cli.model.unfilled import Unfilled

SIZES = ("input_resolution", "context_length", "vocab_size")  # numbers in OpenAI's archives that are no weights
SCALE = "logit_scale"
IMAGE = "visual."
RENAMED = (
    (r"patch_embed\.proj\.weight", "conv1.weight"),
    (r"cls_token", "class_embedding"),
    (r"pos_embed", "positional_embedding"),
    (r"head\.weight", "proj"),
    (r"norm_pre\.(.*)", r"ln_pre.\1"),
    (r"norm\.(.*)", r"ln_post.\1"),
    (r"blocks\.(\d+)\.norm(.*)", r"transformer.resblocks.\1.ln_\2"),
    (r"blocks\.(\d+)\.attn\.qkv\.(.*)", r"transformer.resblocks.\1.attn.in_proj_\2"),
    (r"blocks\.(\d+)\.attn\.proj\.(.*)", r"transformer.resblocks.\1.attn.out_proj.\2"),
    (r"blocks\.(\d+)\.mlp\.fc1\.(.*)", r"transformer.resblocks.\1.mlp.c_fc.\2"),
    (r"blocks\.(\d+)\.mlp\.fc2\.(.*)", r"transformer.resblocks.\1.mlp.c_proj.\2"),
)
"""timm's name of a tensor -> OpenAI's, under `visual.`"""


def liqe_tensors(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """All tensors of a `Liqe` from an OpenAI CLIP state dict; weights keep their precision, text features are float32.

    Raises:
        ModelError: a key is missing, unknown or of another shape; or open_clip is not installed.
    """
    with Unfilled():
        image = Liqe().image.state_dict()
    text = text_layout()
    wanted = {_openai_name(name): _openai_form(name, tensor) for name, tensor in image.items()}
    wanted |= {**text, SCALE: torch.empty((), device="meta")}
    stored = {name: tensor for name, tensor in state.items() if name not in SIZES}
    if found := differences(wanted, stored):
        raise ModelError(f"{path}: not a LIQE checkpoint (CLIP ViT-B/32): {summary(found)}", path=path)
    tensors = {f"image.{name}": _timm_form(name, stored[_openai_name(name)]) for name in image}
    return {**tensors, SCALE: stored[SCALE], "text": encode_prompts({name: stored[name] for name in text})}


def _openai_name(name: str) -> str:
    for pattern, replacement in RENAMED:
        if match := re.fullmatch(pattern, name):
            return IMAGE + match.expand(replacement)
    raise AssertionError(f"no OpenAI name for {name}")


def _openai_form(name: str, tensor: Tensor) -> Tensor:
    """OpenAI keeps embeddings without a batch dimension, and the projection input by output."""
    if name == "head.weight":
        return tensor.t()
    return {"cls_token": tensor[0, 0], "pos_embed": tensor[0]}.get(name, tensor) if tensor.dim() == 3 else tensor


def _timm_form(name: str, tensor: Tensor) -> Tensor:
    if name == "head.weight":
        return tensor.t()
    return {"cls_token": tensor[None, None], "pos_embed": tensor[None]}.get(name, tensor)
