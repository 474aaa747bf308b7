"""Small data and a small model for tests of training: seconds, not minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import torch

from piqa_cli.model.checkpoint import save_model
from piqa_cli.model.config import ModelConfig
from piqa_training.datasets.piq23 import read_piq23
from piqa_training.fit.observer import Observer
from piqa_training.manifest import Manifest
from piqa_training.settings import TrainSettings, load_settings
from tests.model import tiny
from tests.training.made_piq23 import make_piq23

QUICK: dict[str, Any] = {
    "data.workers": 0,
    "data.pairs": 4,
    "data.scene_photos": 4,
    "optimiser.learning_rate": 1e-3,
    "run.epochs": 2,
    "run.device": "cpu",
}


def make_data(folder: Path, *, scenes: int = 4, per_scene: int = 6) -> Path:
    return make_piq23(
        folder,
        scenes=scenes,
        per_scene=per_scene,
        kinds=("fade", "dark"),
        attributes=("Overall",),
        shared=False,
        seed=0,
    )


def manifest_of(root: Path, split: str = "scene") -> Manifest:
    return read_piq23(root, attribute="Overall", split=split)


def make_start(folder: Path, config: ModelConfig = tiny.LITE, seed: int = 1) -> Path:
    save_model(tiny.network(config, seed), folder, half=False)
    return folder


def quick_settings(start: Path, cache: Path, **changes: Any) -> TrainSettings:
    overrides = {**QUICK, "network.pretrained": str(start), "run.cache_dir": str(cache)}
    overrides |= {name.replace("__", "."): value for name, value in changes.items()}
    return load_settings("piqa-lite", overrides=overrides)


class Interrupted(Exception):
    """Stands for whatever stops a run."""


class StopsAt(Observer):
    """Stops the run when it is told of batch `batch` of epoch `epoch`."""

    def __init__(self, epoch: int, batch: int) -> None:
        self.stage, self.batch = f"epoch {epoch}", batch

    def progress(self, stage: str, done: int, total: int) -> None:
        if stage == self.stage and done == self.batch:
            raise Interrupted


class StopsIn(Observer):
    """Stops the run when it is first told of a stage."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def progress(self, stage: str, done: int, total: int) -> None:
        if stage == self.stage:
            raise Interrupted


def same_weights(first: Path, second: Path) -> bool:
    from safetensors.torch import load_file

    a, b = load_file(first / "model" / "model.safetensors"), load_file(second / "model" / "model.safetensors")
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def predictions(run: Path) -> pl.DataFrame:
    return pl.read_parquet(run / "predictions.parquet")
