"""Reading a published checkpoint file without running anything that it may contain."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from piqa_cli.errors import ModelError

WRAPPERS = ("state_dict", "model", "params", "model_state_dict")  # keys under which training programs put a state dict
PARALLEL_PREFIX = "module."  # added by DataParallel
_WANTED = "wanted is a state dict: the file as its authors published it, or torch.save(model.state_dict(), FILE)"


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.pt` or `.pth` file, on the CPU, mapped from the file where its format allows.

    Only `weights_only=True` is ever used. A state dict inside of a training program's record is taken out of it, and
    the prefix that data-parallel training puts before every name is taken off.

    Raises:
        ModelError: the file is not there, is no checkpoint, holds a program or objects, or no state dict.
    """
    try:
        if not path.is_file():
            raise ModelError(f"{path}: no such file", path=path)
        _refuse_other_files(path)
        state = _unwrapped(_load(path))
    except ModelError:
        raise
    except Exception as error:  # a damaged file fails anywhere in torch, pickle or zipfile, in their many ways
        raise ModelError(f"{path}: not readable as a checkpoint: {_reason(error)}", path=path) from error
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)} if state else {}
    if not tensors:
        raise ModelError(f"{path}: holds no state dict (names and tensors)", path=path, hint=_WANTED)
    if odd := [name for name, tensor in tensors.items() if tensor.layout != torch.strided or tensor.is_meta]:
        raise ModelError(f"{path}: {odd[0]} is a sparse tensor or one without values", path=path, hint=_WANTED)
    if all(name.startswith(PARALLEL_PREFIX) for name in tensors):
        tensors = {name.removeprefix(PARALLEL_PREFIX): tensor for name, tensor in tensors.items()}
    return tensors


def _refuse_other_files(path: Path) -> None:
    """A TorchScript archive is code with weights, and loading one would run it; the rest is for a better message."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                message = f"{path}: a TorchScript archive holds a program, and piqa runs none from a checkpoint"
                raise ModelError(message, path=path, hint=_WANTED)
        return
    with path.open("rb") as stream:
        if stream.read(1) != pickle.PROTO:
            raise ModelError(f"{path}: not a PyTorch checkpoint, or damaged", path=path, hint=_WANTED)


def _load(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's doubts about formats; what matters is an error
            # Files older than torch 1.6 are no zip archives and cannot be mapped.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        message = f"{path}: needs more than weights to be loaded, so it was refused: {_reason(error)}"
        raise ModelError(message, path=path, hint=_WANTED) from error


def _reason(error: BaseException) -> str:
    """The one sentence of torch's explanation that says what is in the way."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.split(r"WeightsUnpickler error: |from a trusted source\. ", text)[-1]
    return re.split(r"\.? Please | Check the documentation", text)[0][:200]


def _unwrapped(loaded: Any) -> Mapping[str, Any] | None:
    if not isinstance(loaded, Mapping):
        return None
    for key in WRAPPERS:
        if isinstance(loaded.get(key), Mapping):
            return _named(loaded[key])
    return _named(loaded)


def _named(state: Mapping[Any, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in state.items() if isinstance(name, str)}
