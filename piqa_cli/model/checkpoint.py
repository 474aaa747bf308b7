"""Model folders on disk: `config.json` beside `model.safetensors`, read and written strictly."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from torch import Tensor

from piqa_cli.errors import ModelError
from piqa_cli.model.config import CONFIG_FILE, BackboneConfig, Branch, load_config
from piqa_cli.model.earlier import with_echoes
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.store import STARTING_FILE, WEIGHTS_FILE, is_starting
from piqa_cli.model.tensors import read_tensors, write_tensors
from piqa_cli.model.unfilled import Unfilled


def load_model(folder: Path) -> DualBranchNet:
    """The network of a model folder, float32 on the CPU, in evaluation mode.

    Raises:
        ModelError: a file is missing or damaged, its tensors are not exactly those that the configuration needs, or
            the folder holds weights to start training from.
    """
    if is_starting(folder):
        message = f"{folder}: weights to start training from; without a trained head they cannot score"
        raise ModelError(message, path=folder, hint="piqa train takes them: --full-from, --face-from")
    network = DualBranchNet(load_config(folder))
    update = partial(with_echoes, network=network)
    tensors = read_tensors(folder / WEIGHTS_FILE, network.state_dict(), CONFIG_FILE, update)
    network.load_state_dict(tensors, strict=True)
    return network.eval()


def load_branch(folder: Path, branch: Branch) -> tuple[BackboneConfig, dict[str, Tensor]]:
    """One backbone of a complete model or of starting weights: what it is, and the state dict of its `Backbone`.

    Raises:
        ModelError: a file is missing or damaged, or its tensors are not those of the configured backbone.
    """
    config = load_config(folder)
    path = folder / (STARTING_FILE if is_starting(folder) else WEIGHTS_FILE)
    with Unfilled():
        network = DualBranchNet(config)
    wanted = network.state_dict()
    if is_starting(folder):
        wanted = {name: tensor for name, tensor in wanted.items() if name.startswith(("full.", "face."))}
    prefix = f"{branch}."
    tensors = read_tensors(path, wanted, CONFIG_FILE, partial(with_echoes, network=network))
    backbone: BackboneConfig = getattr(config, branch)
    return backbone, {n.removeprefix(prefix): tensor for n, tensor in tensors.items() if n.startswith(prefix)}


def save_model(network: DualBranchNet, folder: Path, *, half: bool = True) -> None:
    """Write a model folder.

    Args:
        network: its configuration is written beside its weights.
        folder: made where it is missing; files of an older model in it are replaced.
        half: keep matrices and kernels in half precision, vectors (norms, statistics) in float32; False keeps
            everything as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: _narrow(t) if half else t for name, t in network.state_dict().items()}
    write_tensors(tensors, folder / WEIGHTS_FILE)
    (folder / CONFIG_FILE).write_text(network.config.to_json(), encoding="utf-8")


def _narrow(tensor: Tensor) -> Tensor:
    return tensor.half() if tensor.is_floating_point() and tensor.dim() > 1 else tensor
