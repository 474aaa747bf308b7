"""Frozen heads against fine-tuning on people's opinions: python -m benchmarks.opinions DATA [--fine-tuned] [--fresh].

DATA is a folder with `labels.csv` (image, score) as ../shared/biq2021. A fifth is held out by the names of the files;
SRCC and PLCC are measured there. Training starts from ImageNet: the embedded model was trained on the other fifths,
so that validation photos taken from them could not judge it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import polars as pl

from piqa_training.fit.observer import Observer
from piqa_training.fit.run import train
from piqa_training.manifest import Manifest
from piqa_training.settings import TrainSettings, load_settings
from piqa_training.sources import split_of

FROZEN = {"run.freeze_backbone": True, "run.views": 2}
FINE_TUNED = {"run.epochs": 2, "run.frozen_stages": 3}
FRESH = {
    "run.epochs": 5,
    "run.frozen_stages": 2,
    "optimiser.learning_rate": 3e-4,
    "optimiser.head_factor": 3.0,  # these heads have everything to learn
    "optimiser.ema": 0.98,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fine-tuned", action="store_true", help="also train the last stages (half an hour)")
    parser.add_argument("--fresh", action="store_true", help="also train more stages with new heads (an hour)")
    parser.add_argument("--epochs", type=int, default=10, help="times that the heads are judged")
    parser.add_argument("--limit", type=int, help="use only this many photos")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cache-dir", type=Path, help="where features are kept (else nothing is)")
    options = parser.parse_args()
    manifest = opinions(options.data, options.limit)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        common = {"data.workers": options.workers, "run.cache_dir": str(options.cache_dir or Path(scratch) / "cache")}
        imagenet = {"run.epochs": options.epochs, "network.pretrained": "timm"}
        frozen = load_settings("piqa-lite", None, {**common, **FROZEN, **imagenet})
        rows.append(measured("frozen ImageNet features", frozen, manifest, Path(scratch) / "frozen"))
        if options.fine_tuned:
            start = str(Path(scratch) / "frozen" / "model")
            tuned = load_settings("piqa-lite", None, {**common, **FINE_TUNED, "network.pretrained": start})
            rows.append(measured("fine-tuned from there", tuned, manifest, Path(scratch) / "tuned"))
        if options.fresh:
            fresh = load_settings("piqa-lite", None, {**common, **FRESH, "network.pretrained": "timm"})
            rows.append(measured("fine-tuned, new heads", fresh, manifest, Path(scratch) / "fresh"))
    show(rows, manifest)


def opinions(folder: Path, limit: int | None) -> Manifest:
    """The labels as one scene, a fifth of them test."""
    frame = pl.read_csv(folder / "labels.csv").head(limit or 1_000_000)
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


def show(rows: list[tuple[str, ...]], manifest: Manifest) -> None:
    counts = {split: len(manifest.part(split)) for split in ("train", "test")}
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{counts['train']} photos to learn from, {counts['test']} held out; {machine}")
    table = [("", "SRCC before", "SRCC", "PLCC", "minutes"), *rows]
    widths = [max(len(row[i]) for row in table) for i in range(5)]
    for row in table:
        print(
            "  ".join(
                cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
        )


if __name__ == "__main__":
    main()
