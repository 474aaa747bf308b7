"""Frozen heads against fine-tuning on people's opinions: python -m benchmarks.opinions DATA [--fine-tuned].

DATA is a folder with `labels.csv` (image, score) as ../shared/biq2021. A fifth is held out by the names of the files;
SRCC and PLCC are measured there, and for each fine-tuning the 95 % interval of its SRCC less that of the frozen heads
(percentile bootstrap over the held-out photos, the same ones for both). Training starts from ImageNet: the embedded
model was trained on the other fifths, so that validation photos taken from them could not judge it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from piqa_training.fit.observer import Observer
from piqa_training.fit.report import PREDICTIONS_FILE
from piqa_training.fit.run import train
from piqa_training.manifest import Manifest
from piqa_training.settings import TrainSettings, load_settings
from piqa_training.sources import split_of

FROZEN = {"run.freeze_backbone": True, "run.views": 2}
FINE_TUNED = {
    "run.epochs": 5,
    "run.frozen_stages": 2,
    "optimiser.learning_rate": 3e-4,
    "optimiser.head_factor": 3.0,
    "optimiser.ema": 0.98,
}
RESAMPLES = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fine-tuned", action="store_true", help="also train most stages from there (an hour)")
    parser.add_argument("--new-heads", action="store_true", help="also train the same from new heads (an hour)")
    parser.add_argument("--epochs", type=int, default=10, help="times that the frozen heads are judged")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="use only this many photos")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cache-dir", type=Path, help="where faces and features are kept (else nothing is)")
    parser.add_argument("--output", type=Path, help="folder for the runs (else they are not kept)")
    options = parser.parse_args()
    manifest = opinions(options.data, options.limit)
    with tempfile.TemporaryDirectory() as scratch:
        runs = options.output or Path(scratch) / "runs"
        cache = str(options.cache_dir or Path(scratch) / "cache")
        common = {"data.workers": options.workers, "run.cache_dir": cache, "run.seed": options.seed}
        imagenet = {"network.pretrained": "timm"}
        there = {"network.pretrained": str(runs / "frozen" / "model")}
        trained = {"frozen ImageNet features": ("frozen", {**FROZEN, **imagenet, "run.epochs": options.epochs})}
        if options.fine_tuned:
            trained["fine-tuned from there"] = ("tuned", {**FINE_TUNED, **there})
        if options.new_heads:
            trained["fine-tuned, new heads"] = ("new_heads", {**FINE_TUNED, **imagenet})
        rows = [
            measured(name, load_settings("piqa-lite", None, {**common, **changes}), manifest, runs / folder)
            for name, (folder, changes) in trained.items()
        ]
        gains = [difference(runs / "frozen", runs / folder) for folder, _ in trained.values()]
    show(rows, gains, manifest)


def opinions(folder: Path, limit: int | None) -> Manifest:
    """The labels as one scene, a fifth of them test."""
    frame = pl.read_csv(folder / "labels.csv", glob=False).head(limit or 1_000_000)
    names = frame["image"].to_list()
    return Manifest(
        frame.select(
            image=pl.Series([str((folder / name).absolute()) for name in names]),
            score=pl.col("score").cast(pl.Float64),
            std=pl.lit(None, dtype=pl.Float64),
            scene=pl.lit("all"),
            split=pl.Series(["test" if split_of(Path(name).name) == "val" else "train" for name in names]),
            dataset=pl.lit("biq2021"),
        )
    )


def measured(name: str, settings: TrainSettings, manifest: Manifest, run: Path) -> tuple[str, ...]:
    began = time.monotonic()
    result = train(settings, manifest, run, Observer())
    mean = result["test"]["mean"]
    before = result["before"]["test"]["mean.srcc"] if result["before"] else None
    figures = (before, mean["srcc"], mean["plcc"])
    return (name, *("-" if x is None else f"{x:.3f}" for x in figures), f"{(time.monotonic() - began) / 60:.1f}")


def difference(frozen: Path, tuned: Path) -> str:
    """SRCC of a run less that of the frozen one on the test photos, as a 95 % interval."""
    if frozen == tuned:
        return "-"
    tables = [pl.read_parquet(run / PREDICTIONS_FILE).filter(pl.col("split") == "test") for run in (frozen, tuned)]
    both = tables[0].join(tables[1].select("image", other="predicted"), on="image", validate="1:1")
    label, before, after = (both[name].to_numpy() for name in ("label", "predicted", "other"))
    drawn = np.random.default_rng(0).integers(0, len(label), size=(RESAMPLES, len(label)))
    gains = [
        spearmanr(label[rows], after[rows]).statistic - spearmanr(label[rows], before[rows]).statistic for rows in drawn
    ]
    low, high = np.percentile(gains, [2.5, 97.5])
    return f"{low:+.3f} to {high:+.3f}"


def show(rows: list[tuple[str, ...]], gains: list[str], manifest: Manifest) -> None:
    counts = {split: len(manifest.part(split)) for split in ("train", "test")}
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{counts['train']} photos to learn from, {counts['test']} held out; {machine}")
    found = [(*row[:3], gain, *row[3:]) for row, gain in zip(rows, gains, strict=True)]
    table = [("", "SRCC before", "SRCC", "95 % of the gain", "PLCC", "minutes"), *found]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        cells = zip(row, widths, strict=True)
        print("  ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(cells)))


if __name__ == "__main__":
    main()
