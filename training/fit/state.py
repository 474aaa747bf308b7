"""The checkpoint: all that a killed run needs to go on, apart from the released model, written whole or not at all.

There is no state of random number generators in it: every random number of training follows from the seed, the epoch
and the batch, and of those the checkpoint knows where the run stands.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from piqa_cli.errors import OutputError, UsageError
from piqa_cli.model.config import CONFIG_FILE
from piqa_cli.model.tensors import read_tensors

FORMAT = 1
FOLDER = "checkpoint"
STATE_FILE = "state.pt"
START_FILE = "start.safetensors"  # the model that training started from, for comparison


@dataclass(slots=True)
class Standing:
    """How far a run has come."""

    epoch: int = 0  # epochs finished
    batch: int = 0  # batches of the next one finished
    steps: int = 0  # of the optimiser, in all
    sums: dict[str, float] = field(default_factory=dict)  # loss part -> sum over the batches of this epoch
    seconds: float = 0.0  # spent in this epoch
    best_value: float | None = None  # on the validation part
    best_epoch: int | None = None
    since_best: int = 0  # epochs
    history: list[dict[str, Any]] = field(default_factory=list)  # the lines of metrics.jsonl


@dataclass(slots=True)
class State:
    """What the checkpoint holds; later parts are None until the run has come to them."""

    network: dict[str, Tensor]
    from_model: bool
    liqe: str | None = None  # folder with LIQE's weights
    prepared: bool = False  # the features are standardised
    start: dict[str, Tensor] | None = None  # what the starting model says of the training photos
    optimiser: dict[str, Any] | None = None
    objective: dict[str, Tensor] | None = None
    ema: dict[str, Tensor] | None = None
    ema_steps: int = 0
    standing: Standing = field(default_factory=Standing)


def save_state(state: State, run: Path) -> None:
    """Write `run/checkpoint/state.pt` under another name, to the disk, and then in place of the old one."""
    content = {name: getattr(state, name) for name in State.__slots__ if name != "standing"}
    content |= {"format": FORMAT, "standing": asdict(state.standing)}
    written(run / FOLDER / STATE_FILE, lambda path: torch.save(content, path))


def save_start(weights: dict[str, Tensor], run: Path) -> None:
    """Keep the starting model's weights in full precision, beside the state."""
    kept = {name: tensor.contiguous() for name, tensor in weights.items()}
    written(run / FOLDER / START_FILE, lambda path: save_file(kept, path))


def start_weights(network: nn.Module, run: Path) -> dict[str, Tensor]:
    """The weights that `save_start` kept.

    Raises:
        ModelError: they are missing, damaged, or of another network.
    """
    return read_tensors(run / FOLDER / START_FILE, network.state_dict(), CONFIG_FILE)


def load_state(run: Path) -> State:
    """The last state that was written in full, on the CPU.

    Raises:
        UsageError: there is none, it is damaged, or another version of piqa wrote it.
    """
    path = run / FOLDER / STATE_FILE
    if not path.is_file():
        raise UsageError(f"{run}: no run to resume here ({FOLDER}/{STATE_FILE} is missing)", hint="start it anew")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content.pop("format") != FORMAT:
            raise ValueError("another version of piqa wrote it")
        return State(standing=Standing(**content.pop("standing")), **content)
    except Exception as error:  # pickle raises whatever it likes on a damaged file
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UsageError(f"{path}: not usable as a checkpoint: {reason}", hint="start the run anew") from error


def written(path: Path, write: Any) -> None:
    """Have a file written under a temporary name, flush it to the disk, and put it in place.

    Raises:
        OutputError: the disk is full or the folder cannot be written to.
    """
    unfinished = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(unfinished)
        with unfinished.open("rb+") as stream:
            os.fsync(stream.fileno())
        unfinished.replace(path)
    except (OSError, RuntimeError, SafetensorError) as error:  # torch reports a full disk as a RuntimeError
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)  # what there is of it fills the disk
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise OutputError(f"{path}: cannot be written: {reason}", path=path) from error
