"""What training starts from: a model, pretrained backbones, a file of weights, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from piqa_cli.errors import ModelError, UsageError
from piqa_cli.model.backbone import NO_BACKBONE, Backbone
from piqa_cli.model.checkpoint import load_branch, load_model
from piqa_cli.model.config import (
    BRANCHES,
    LEAST_FOR_STATISTICS,
    BackboneConfig,
    Branch,
    ModelConfig,
    PreprocessConfig,
)
from piqa_cli.model.network import HEADS, DualBranchNet
from piqa_cli.model.presets import PRESETS
from piqa_cli.model.published_file import read_state_dict
from piqa_cli.model.store import DEFAULT_MODEL, LIQE_FILE, find_model, is_starting
from piqa_training.initial import load_timm
from piqa_training.settings import NetworkSettings

WEIGHT_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
_PROBE = 1  # images that a new backbone is tried on


@dataclass(frozen=True, slots=True)
class Start:
    """A network to train, and where it comes from."""

    network: DualBranchNet
    from_model: bool  # its heads and its 0-100 map mean something already
    liqe: Path | None = None  # a folder with LIQE's weights, where the network reads LIQE


def starting_point(settings: NetworkSettings, seed: int) -> Start:
    """Build the network that the settings describe.

    Raises:
        ModelError: a model, file or backbone is missing, damaged or of another architecture.
        UsageError: LIQE is needed and not there.
    """
    source = settings.pretrained or default_source(settings)
    torch.manual_seed(seed)
    for name in filter(None, (settings.full_from, settings.face_from)):
        find_model(name)  # before weights are fetched
    if source in ("timm", "none") or _is_weights_file(source):
        _liqe_folder(configuration(settings), settings, None)  # likewise
        network, folder = _from_preset(settings, source), None
    elif is_starting(find_model(source).path):
        network, folder = _from_branches(settings, source), None
    else:
        folder = find_model(source).path
        network = _adapted(load_model(folder), settings, source)
    free = settings.pretrained in ("", "timm", "none")  # else a model or file says what the network is
    for branch in BRANCHES:
        if name := getattr(settings, f"{branch}_from"):
            _take_branch(network, branch, name, free=free)
    return Start(network, folder is not None, _liqe_folder(network.config, settings, folder))


def default_source(settings: NetworkSettings) -> str:
    """The embedded model where nothing else is asked for, else timm's pretrained backbones."""
    own = not (settings.backbone or settings.pooling or settings.size or settings.auxiliary)
    return DEFAULT_MODEL if own and settings.preset == DEFAULT_MODEL else "timm"


def configuration(settings: NetworkSettings) -> ModelConfig:
    """The preset's configuration with the changes that the settings ask for.

    Heads that name defects are there only if they are asked for: scores alone do not teach them what a defect is, so
    without a starting model they would say nothing (`piqa pretrain synthetic` teaches them).

    Raises:
        UsageError: the views are too small for the preset's network.
    """
    config = PRESETS[settings.preset]
    if config.statistics and 0 < settings.size < LEAST_FOR_STATISTICS:
        hint = f"give --size {LEAST_FOR_STATISTICS} or more"
        raise UsageError(f"network.size = {settings.size}: {settings.preset} cannot read so small a view", hint=hint)
    auxiliary = settings.auxiliary or ("none" if config.auxiliary == "defects" else config.auxiliary)
    dropout = settings.dropout if settings.dropout >= 0 else config.dropout
    preprocess = _resized(config.preprocess, settings.size)
    return replace(
        config,
        full=_backbone(config.full, settings),
        face=_backbone(config.face, settings),
        auxiliary=auxiliary,
        dropout=dropout,
        preprocess=preprocess,
    )


def load_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` or PyTorch file, without running anything that the file may contain.

    Raises:
        ModelError: the file is missing, damaged, or holds more than tensors.
    """
    if path.suffix != ".safetensors":
        return read_state_dict(path)
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: not readable: {error}", path=path) from error


def load_backbone(backbone: Backbone, stored: Mapping[str, Tensor], where: str) -> None:
    """Fill a backbone from weights that carry timm's names; what belongs to a classifier is left out.

    Raises:
        ModelError: a tensor is missing or has another shape: the weights are of another architecture.
    """
    known = {_plain(name): tensor for name, tensor in stored.items()}
    wanted = backbone.net.state_dict()
    missing = [name for name in wanted if _plain(name) not in known]
    shapes = [n for n, t in wanted.items() if n not in missing and known[_plain(n)].shape != t.shape]
    if missing or shapes:
        first = f"{missing[0]} is missing" if missing else _shape_words(shapes[0], known, wanted)
        raise ModelError(
            f"{where}: weights of another architecture: {len(missing) + len(shapes)} of {len(wanted)} tensors of the"
            f" backbone do not fit, as {first}",
            hint="--backbone names the architecture",
        )
    backbone.net.load_state_dict({name: known[_plain(name)].to(wanted[name].dtype) for name in wanted})


def _from_preset(settings: NetworkSettings, source: str) -> DualBranchNet:
    """The preset's network, with weights from `source` in each branch that no model is named for."""
    config = configuration(settings)
    network = DualBranchNet(config)
    for branch in BRANCHES:
        backbone: Backbone = getattr(network, branch)
        size = max(view.size for view in config.preprocess.views if view.branch == branch)
        _try(backbone, getattr(config, branch), size)
        if getattr(settings, f"{branch}_from"):
            continue
        if source == "timm":
            load_timm(backbone, getattr(config, branch), size)
        elif source != "none":
            load_backbone(backbone, load_weights(Path(source).expanduser()), source)
    return network


def _from_branches(settings: NetworkSettings, name: str) -> DualBranchNet:
    """The preset's network with both branches of imported starting weights."""
    network = DualBranchNet(configuration(settings))
    for branch in BRANCHES:
        _take_branch(network, branch, name)
    return network


def _try(backbone: Backbone, config: BackboneConfig, size: int) -> None:
    """A new backbone must give the features that it promises; some keep their channels elsewhere."""
    with torch.inference_mode():
        width = backbone.eval()(torch.zeros(_PROBE, 3, size, size)).shape[1]
    if width != backbone.width:
        raise ModelError(
            f"backbone {config.name!r} gives {width} features where {backbone.width} were expected",
            hint="another --pooling (last or stages) may suit it",
        )


def _adapted(network: DualBranchNet, settings: NetworkSettings, source: str) -> DualBranchNet:
    """A loaded model as it is; only its dropout may change."""
    config = network.config
    changed = replace(
        config,
        full=_backbone(config.full, settings),
        face=_backbone(config.face, settings),
        auxiliary=settings.auxiliary or config.auxiliary,
        preprocess=_resized(config.preprocess, settings.size),
    )
    for name in ("full", "face", "auxiliary", "preprocess"):
        if getattr(changed, name) != getattr(config, name):
            raise ModelError(
                f"model {source!r} is of another architecture than asked for: its {name} is {getattr(config, name)}",
                hint="start from this model without --backbone, --pooling, --size and --auxiliary, or from timm",
            )
    if settings.dropout >= 0:
        network.config = replace(config, dropout=settings.dropout)
        heads = [head for name in HEADS if (head := getattr(network, name)) is not None]
        for module in (module for head in heads for module in head.modules()):
            if isinstance(module, torch.nn.Dropout):
                module.p = settings.dropout
    return network


def _take_branch(network: DualBranchNet, branch: Branch, name: str, *, free: bool = True) -> None:
    """One branch from a model or from imported starting weights; from a model its views' standardisation as well.

    `free`: options can ask for another network.
    """
    folder = find_model(name).path
    found, weights = load_branch(folder, branch)
    wanted: BackboneConfig = getattr(network.config, branch)
    if wanted != found:
        raise ModelError(
            f"model {name!r} is of another architecture: its {branch} branch is {found.name} ({found.pooling}),"
            f" wanted {wanted.name} ({wanted.pooling})",
            hint=options_for(branch, found) if free and found.name != NO_BACKBONE else None,
        )
    getattr(network, branch).load_state_dict(weights)
    if is_starting(folder):
        return
    other = load_model(folder)
    for view in network.views:
        if view.branch == branch and view.cut in other.standardise:
            network.standardise[view.cut].load_state_dict(other.standardise[view.cut].state_dict())


def options_for(branch: Branch, backbone: BackboneConfig) -> str:
    """What to type for a network with the backbone of a model that does not fit, for a hint."""
    preset = next((name for name, config in PRESETS.items() if getattr(config, branch) == backbone), None)
    options = f"--preset {preset}" if preset else f"--backbone {backbone.name} --pooling {backbone.pooling}"
    return f"{options} asks for the one of that model"


def _liqe_folder(config: ModelConfig, settings: NetworkSettings, model: Path | None) -> Path | None:
    if config.auxiliary != "liqe":
        return None
    folder = find_model(settings.liqe).path if settings.liqe else model
    if folder is None or not (folder / LIQE_FILE).is_file():
        where = f"{folder} has no {LIQE_FILE}" if folder else "no model with LIQE's weights was named"
        raise UsageError(
            f"this network reads LIQE features, and {where}",
            hint="--liqe NAME_OR_FOLDER names an imported model that has them; --auxiliary none trains without",
        )
    return folder


def _backbone(config: BackboneConfig, settings: NetworkSettings) -> BackboneConfig:
    return BackboneConfig(settings.backbone or config.name, settings.pooling or config.pooling)


def _resized(config: PreprocessConfig, size: int) -> PreprocessConfig:
    """All views at one size; what is cropped keeps the ratio of crop to photo."""
    if not size:
        return config
    views = [replace(v, size=size, resize_to=round(v.resize_to * size / v.size)) for v in config.views]
    return replace(config, views=tuple(views))


def _is_weights_file(source: str) -> bool:
    path = Path(source).expanduser()
    return path.suffix in WEIGHT_SUFFIXES and not path.is_dir()


def _plain(name: str) -> str:
    """timm writes `stages.0` in one wrapper and `stages_0` in another."""
    return name.replace(".", "_")


def _shape_words(name: str, known: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    return f"{name} is {tuple(known[_plain(name)].shape)}, wanted {tuple(wanted[name].shape)}"
