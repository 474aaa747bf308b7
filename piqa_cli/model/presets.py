"""The two named configurations: the paper's network and the embedded default."""

from __future__ import annotations

from piqa_cli.model.config import BackboneConfig, ModelConfig, PreprocessConfig, ViewConfig

_SWIN = BackboneConfig("swin_base_patch4_window12_384")
_LITE = BackboneConfig("tf_efficientnet_lite0", pooling="stages")

DN_PIQA = ModelConfig(
    name="dn-piqa",
    full=_SWIN,
    face=_SWIN,
    auxiliary="liqe",
    preprocess=PreprocessConfig(
        views=(
            ViewConfig("frame", "full", 384, fit="crops", resize_to=448),
            ViewConfig("face", "face", 384, fit="crops", resize_to=448),
        ),
        working_side=None,
    ),
)
"""DN-PIQA as published (Sun et al. 2024): two Swin-B at 384 px, five crops, LIQE's 495 logits, no face head."""

PIQA_LITE = ModelConfig(
    name="piqa-lite",
    full=_LITE,
    face=_LITE,
    auxiliary="defects",
    face_head=True,
    statistics=True,
    reader=256,
    linear=True,
    face_linear=True,
    defect_cost=True,
    preprocess=PreprocessConfig(
        views=(
            ViewConfig("frame", "full", 320),
            ViewConfig("face", "face", 256),
            ViewConfig("detail", "face", 384),
            ViewConfig("inner", "face", 192),
        ),
        working_side=2000,
        face_margin_px=0.0,
        face_margin_share=0.2,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    ),
)
"""The embedded default: small enough for a laptop, reads the frame, the face, and native detail around and in it."""

PRESETS: dict[str, ModelConfig] = {config.name: config for config in (DN_PIQA, PIQA_LITE)}
