"""What a run of degradation ranking tells of its epochs, and leaves of them: metrics.jsonl, TensorBoard, the page."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from piqa_training.fit.observer import Observer
from piqa_training.fit.report import write_metrics, write_tensorboard
from piqa_training.heads import HeadSettings
from piqa_training.measures import Measures
from piqa_training.page import write_page


class Epochs:
    """The epochs so far; call it with each that ends, as `train_heads` does."""

    def __init__(self, settings: HeadSettings, observer: Observer) -> None:
        self.history: list[dict[str, Any]] = []  # for the run's log
        self._records: list[dict[str, Any]] = []  # the same in the words of `piqa train`
        self._measured: list[Measures] = []
        self._settings = settings
        self._observer = observer
        self._ended = time.monotonic()

    def __call__(self, epoch: int, losses: dict[str, float], measured: Measures) -> None:
        """Epoch number `epoch`, from 0, is over."""
        better = all(measured.overall > earlier.overall for earlier in self._measured)
        known = {"loss": plain(losses), "held_out": plain(asdict(measured)), "overall": measured.overall}
        self.history.append({"epoch": epoch, **known})
        self._measured.append(measured)
        falling = (1 + math.cos(math.pi * epoch / self._settings.epochs)) / 2
        began, self._ended = self._ended, time.monotonic()
        times = {"lr": self._settings.learning_rate * falling, "seconds": round(self._ended - began, 3)}
        self._records.append({**_record(epoch, losses, measured), **times})
        self._observer.epoch({**self._records[-1], "best": better})

    def write(self, best: Measures, run: Path) -> None:
        """Write all of them down.

        Args:
            best: the measures of the epoch that was kept, or of the heads as they were before the first.
            run: the folder of the run.

        Raises:
            UsageError: a package of the extra `train` is missing.
            OutputError: something cannot be written.
        """
        records = [{**record, "train": plain(record["train"])} for record in self._records]
        write_metrics(records, run)
        write_tensorboard(records, run)
        kept = next((number for number, measured in enumerate(self._measured, 1) if measured is best), 0)
        self._observer.note(f"report: {write_page(run, kept)}")


def _record(epoch: int, losses: dict[str, float], measured: Measures) -> dict[str, Any]:
    """An epoch, from 1, in the words of `piqa train`: SRCC with the latent quality, accuracy on pairs of one photo."""
    known = plain(asdict(measured))
    val = {"mean.srcc": known["across"], "median.srcc": known["across"], "pair_accuracy": known["same_photo"]}
    return {"epoch": epoch + 1, "train": {**losses, "loss": sum(losses.values())}, "val": val}


def plain(figures: Mapping[str, float]) -> dict[str, float | None]:
    """For JSON, which knows no NaN: None where there was nothing to measure."""
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}
