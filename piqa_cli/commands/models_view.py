"""How models look to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from piqa_cli.commands.console import Line, safe_text
from piqa_cli.model.config import ModelConfig, ViewConfig
from piqa_cli.model.store import DEFAULT_MODEL, ModelEntry, ModelFolder

_CUTS = {"frame": "whole photo", "face": "face", "detail": "detail on the face", "inner": "the inner face"}
_AUXILIARY = {
    "none": "none",
    "defects": "nine named defects, which the model estimates",
    "liqe": "LIQE, 495 logits",
}
_BETWEEN = "  "


def table(entries: Sequence[ModelEntry]) -> list[Line]:
    """One line for each model, the path last."""
    names = [safe_text(entry.name) for entry in entries]
    width = max(map(len, ["model", *names]))
    kinds = [_kind(entry) for entry in entries]
    kind_width = max(map(len, ["kind", *kinds]))
    lines: list[Line] = [((f"{'model':<{width}}  {'kind':<{kind_width}}  {'size':>8}  path", "dim"),)]
    for entry, name, kind in zip(entries, names, kinds, strict=True):
        facts = f"{_BETWEEN}{kind:<{kind_width}}{_BETWEEN}{entry.size / 1e6:>5,.0f} MB{_BETWEEN}"
        lines.append(((f"{name:<{width}}", "bold"), (facts, ""), (safe_text(str(entry.path)), "cyan")))
    return lines


def facts(model: ModelFolder, config: ModelConfig, source: Mapping[str, object] | None) -> list[Line]:
    """What a model is made of."""
    score_map = config.score_map
    pairs = [
        ("model", model.id),
        ("folder", str(model.path)),
        ("full branch", config.full.name),
        ("face branch", config.face.name),
        *(("" if i else "reads", _view(view)) for i, view in enumerate(config.preprocess.views)),
        ("resolution", _resolution(config)),
        ("auxiliary", _AUXILIARY[config.auxiliary]),
        ("face scores", "yes" if config.face_head or config.auxiliary != "liqe" else "by piqa explain only"),
        ("score", f"100 / (1 + exp(-(raw - {score_map.center:g}) / {score_map.scale:g}))"),
        *_origin(source or {}),
    ]
    width = max(len(heading) for heading, _ in pairs)
    return [((f"{heading:<{width}}  ", "bold"), (safe_text(text), "")) for heading, text in pairs]


def _kind(entry: ModelEntry) -> str:
    kinds = ["comes with piqa"] if entry.embedded else []
    kinds += ["starting weights"] if entry.starting else []
    kinds += ["the default"] if entry.name == DEFAULT_MODEL else []
    return ", ".join(kinds) or "yours"


def _view(view: ViewConfig) -> str:
    size = f"{view.size} x {view.size}"
    how = f"five crops of {size} from a short side of {view.resize_to}" if view.fit == "crops" else size
    return f"{_CUTS[view.cut]}: {how}, by the {view.branch} branch"


def _resolution(config: ModelConfig) -> str:
    side = config.preprocess.working_side
    return "full" if side is None else f"long side reduced to {side} pixels"


def _origin(source: Mapping[str, object]) -> list[tuple[str, str]]:
    parts = source.get("parts")
    if not isinstance(parts, dict):
        return []
    return [("" if i else "made of", f"{part}: {where}") for i, (part, where) in enumerate(parts.items())]
