"""Safetensors files that must hold exactly the tensors that a network needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from piqa_cli.errors import ModelError, OutputError

SHOWN_DIFFERENCES = 3


def read_tensors(
    path: Path,
    wanted: Mapping[str, Tensor],
    by: str,
    update: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = dict,
) -> dict[str, Tensor]:
    """The tensors of a file, floating-point ones as float32, after a check of every name and shape.

    Args:
        path: a safetensors file.
        wanted: tensors of the right names and shapes; their values do not matter.
        by: what sets the names and shapes, for the message.
        update: makes tensors of an earlier build those of this one, before they are checked.

    Raises:
        ModelError: the file is missing or damaged, or does not hold exactly the tensors of `wanted`.
    """
    try:
        stored = update(load_file(path))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: not readable as safetensors: {error}", path=path) from error
    if found := differences(wanted, stored):
        raise ModelError(f"{path}: weights do not fit {by}: {summary(found)}", path=path)
    return {name: _widen(tensor) for name, tensor in stored.items()}


def write_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write a safetensors file under a temporary name and put it in place when it is complete.

    Tensors that share memory, as tied weights do, are written once each: the library refuses them as they are.

    Raises:
        OutputError: no space, no permission, no such folder.
    """
    unfinished = path.with_name(f"{path.name}.tmp")
    try:
        save_file(_apart({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}), unfinished)
        unfinished.chmod(0o644)  # the library makes it private
        unfinished.replace(path)
    except (OSError, SafetensorError) as error:
        unfinished.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {error}", path=path) from error


def differences(wanted: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> list[str]:
    """What keeps `stored` from being loaded in the place of `wanted`, one phrase for each tensor."""
    missing = [f"{name} is missing" for name in wanted if name not in stored]
    foreign = [f"{name} is not known" for name in stored if name not in wanted]
    both = [name for name in wanted if name in stored]
    shapes = [
        f"{name} is {tuple(stored[name].shape)}, wanted {tuple(wanted[name].shape)}"
        for name in both
        if stored[name].shape != wanted[name].shape
    ]
    kinds = [
        f"{name} is {str(stored[name].dtype).removeprefix('torch.')}, wanted floating point"
        for name in both
        if wanted[name].is_floating_point() and not stored[name].is_floating_point()
    ]
    return missing + foreign + shapes + kinds


def summary(found: list[str]) -> str:
    """The first few differences on one line, and how many more there are."""
    more = f" and {len(found) - SHOWN_DIFFERENCES} more" if len(found) > SHOWN_DIFFERENCES else ""
    return "; ".join(found[:SHOWN_DIFFERENCES]) + more


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same, with copies of those whose memory another one before has."""
    places: set[int] = set()
    found = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        found[name] = tensor.clone() if place in places else tensor
        places.add(place)
    return found


def _widen(tensor: Tensor) -> Tensor:
    return tensor.to(torch.float32) if tensor.is_floating_point() else tensor
