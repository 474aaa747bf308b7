"""Model folders on disk: `config.json` beside `model.safetensors`, read and written strictly."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from piqa_cli.errors import ModelError
from piqa_cli.model.config import CONFIG_FILE, load_config
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.store import WEIGHTS_FILE

SHOWN_DIFFERENCES = 3


def load_model(folder: Path) -> DualBranchNet:
    """The network of a model folder, float32 on the CPU, in evaluation mode.

    Raises:
        ModelError: a file is missing or damaged, or its tensors are not exactly those that the configuration needs.
    """
    network = DualBranchNet(load_config(folder))
    path = folder / WEIGHTS_FILE
    try:
        stored = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: not readable as safetensors: {error}", path=path) from error
    if differences := _differences(network.state_dict(), stored):
        shown = "; ".join(differences[:SHOWN_DIFFERENCES])
        more = f" and {len(differences) - SHOWN_DIFFERENCES} more" if len(differences) > SHOWN_DIFFERENCES else ""
        raise ModelError(f"{path}: weights do not fit {CONFIG_FILE}: {shown}{more}", path=path)
    network.load_state_dict({name: _widen(tensor) for name, tensor in stored.items()}, strict=True)
    return network.eval()


def save_model(network: DualBranchNet, folder: Path) -> None:
    """Write a model folder; matrices and kernels in half precision, vectors (norms, statistics) in float32."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: _narrow(tensor.detach().cpu()) for name, tensor in network.state_dict().items()}
    unfinished = folder / f"{WEIGHTS_FILE}.tmp"
    save_file(tensors, unfinished)
    unfinished.chmod(0o644)  # the library makes it private
    unfinished.replace(folder / WEIGHTS_FILE)
    (folder / CONFIG_FILE).write_text(network.config.to_json(), encoding="utf-8")


def _differences(wanted: dict[str, Tensor], stored: dict[str, Tensor]) -> list[str]:
    missing = [f"{name} is missing" for name in wanted if name not in stored]
    foreign = [f"{name} is not known" for name in stored if name not in wanted]
    shapes = [
        f"{name} is {tuple(stored[name].shape)}, wanted {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in stored and stored[name].shape != tensor.shape
    ]
    return missing + foreign + shapes


def _narrow(tensor: Tensor) -> Tensor:
    return (tensor.half() if tensor.is_floating_point() and tensor.dim() > 1 else tensor).contiguous()


def _widen(tensor: Tensor) -> Tensor:
    return tensor.to(torch.float32) if tensor.is_floating_point() else tensor
