"""LIQE's 495 texts and their CLIP features; the only module that imports open_clip.

Texts are encoded once, when a checkpoint is imported; scoring needs neither open_clip nor the text tower.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import normalize

from piqa_cli.errors import ModelError
from piqa_cli.model.unfilled import Unfilled

if TYPE_CHECKING:
    from open_clip.transformer import TextTransformer

QUALITIES = ("bad", "poor", "fair", "good", "perfect")
SCENES = ("animal", "cityscape", "human", "indoor", "landscape", "night", "plant", "still_life", "others")
DISTORTIONS = (
    "jpeg2000 compression",
    "jpeg compression",
    "noise",
    "blur",
    "color",
    "contrast",
    "overexposure",
    "underexposure",
    "spatial",
    "quantization",
    "other",
)
CONTEXT = 77  # tokens that CLIP's text tower was made for
CHUNK = 45  # prompts encoded at once


def prompts() -> list[str]:
    """The texts in the order of LIQE's logits: quality x scene x distortion, quality slowest."""
    return [
        f"a photo of a {scene} with {distortion} artifacts, which is of {quality} quality"
        for quality, scene, distortion in product(QUALITIES, SCENES, DISTORTIONS)
    ]


def text_layout() -> dict[str, Tensor]:
    """Names and shapes of CLIP's text tower in an OpenAI state dict; what the tensors hold means nothing.

    Raises:
        ModelError: open_clip is not installed.
    """
    return dict(_text_tower(CONTEXT).state_dict())


def encode_prompts(text: Mapping[str, Tensor]) -> Tensor:
    """Unit-length features of the 495 prompts: OpenAI text tower of any precision -> float32 (495, 512).

    A token sees only those before it, so the padding behind the longest prompt cannot change a feature and is cut off:
    the same numbers in a third of the time.

    Raises:
        ModelError: open_clip is not installed.
    """
    tokens = tokenize(prompts())  # (495, 77)
    longest = int(tokens.argmax(dim=1).max()) + 1  # the end token has the highest number
    tower = _text_tower(longest)
    weights = {name: tensor.float() for name, tensor in text.items()}
    weights["positional_embedding"] = weights["positional_embedding"][:longest]
    tower.load_state_dict(weights, strict=True, assign=True)
    with torch.inference_mode():
        chunks = torch.split(tokens[:, :longest], CHUNK)
        features = torch.cat([tower(chunk) for chunk in chunks])
    return normalize(features, dim=1)


def tokenize(texts: list[str]) -> Tensor:
    """CLIP's byte-pair tokens, padded with zeros: -> int64 (len(texts), 77).

    Raises:
        ModelError: open_clip is not installed.
    """
    try:
        import open_clip
    except ImportError:
        raise _not_installed() from None
    tokens: Tensor = open_clip.tokenize(texts, context_length=CONTEXT)
    return tokens


def _text_tower(context: int) -> TextTransformer:
    """CLIP ViT-B/32's text transformer for `context` tokens, with OpenAI's layer names, without values."""
    try:
        from open_clip.transformer import QuickGELU, TextTransformer
    except ImportError:
        raise _not_installed() from None
    with Unfilled():
        return TextTransformer(context_length=context, act_layer=QuickGELU).eval()


def _not_installed() -> ModelError:
    return ModelError("encoding LIQE's texts needs open_clip", hint="pip install 'piqa-cli[liqe]'")
