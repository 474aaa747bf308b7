"""The best epoch: what it is judged by, and its weights on disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn

from piqa_cli.model.config import CONFIG_FILE
from piqa_cli.model.tensors import read_tensors
from piqa_training.fit.state import FOLDER, written
from piqa_training.settings import TrainSettings

Measures = dict[str, float | int | None]
_PAIRS = "pair_accuracy"


def chosen_by(vals: Iterable[Measures], settings: TrainSettings) -> str | None:
    """The measure that epochs are judged by: `best_by`, the pair accuracy where no epoch has that, or none."""
    known = [name for val in vals for name, value in val.items() if value is not None]
    return next((name for name in (settings.run.best_by, _PAIRS) if name in known), None)


def chosen_value(val: Measures, settings: TrainSettings) -> float | None:
    """What an epoch is judged by: `best_by`, the pair accuracy where that is undefined, or nothing.

    Instead of a correlation the pair accuracy counts from -1 to 1: an epoch whose scores are all equal, which has no
    correlation, is then as good as a correlation of 0, not of 0.5.
    """
    value = val.get(settings.run.best_by)
    pairs = val.get(_PAIRS)
    return value if value is not None or pairs is None else 2 * pairs - 1


def keep_best(network: nn.Module, run: Path, epoch: int) -> None:
    """Write the weights of an epoch, 0 being the start, under its number; the one before stays for now.

    Raises:
        OutputError: they cannot be written.
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    written(_best_file(run, epoch), lambda path: save_file(weights, path))


def best_weights(network: nn.Module, run: Path, epoch: int) -> dict[str, Tensor]:
    """The weights that `keep_best` wrote.

    Raises:
        ModelError: they are missing, damaged, or of another network.
    """
    return read_tensors(_best_file(run, epoch), network.state_dict(), CONFIG_FILE)


def forget_others(run: Path, epoch: int | None) -> None:
    """Delete the weights of epochs that are not the best one any more; call it once the checkpoint names that one."""
    for path in (run / FOLDER).glob("best-*.safetensors"):
        if epoch is not None and path != _best_file(run, epoch):
            path.unlink()


def _best_file(run: Path, epoch: int) -> Path:
    return run / FOLDER / f"best-{epoch:04}.safetensors"
