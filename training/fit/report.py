"""What a run writes down for people and programs: metrics.jsonl, TensorBoard, predictions.parquet, result.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from piqa_training.fit.state import written
from piqa_training.manifest import Manifest

METRICS_FILE, PREDICTIONS_FILE, RESULT_FILE = "metrics.jsonl", "predictions.parquet", "result.json"


def write_metrics(history: Sequence[dict[str, Any]], run: Path) -> None:
    """All epochs so far, one JSON object on each line: a resumed run writes none twice."""
    text = "".join(json.dumps(record, allow_nan=False) + "\n" for record in history)
    written(run / METRICS_FILE, lambda path: path.write_text(text, encoding="utf-8"))


def write_tensorboard(records: Sequence[dict[str, Any]], run: Path) -> None:
    """Some epochs as TensorBoard events, where the package is installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return
    with SummaryWriter(str(run / "tensorboard")) as writer:
        for record in records:
            for group in ("train", "val"):
                for name, value in record[group].items():
                    if value is not None:
                        writer.add_scalar(f"{group}/{name}", value, record["epoch"])
            writer.add_scalar("lr", record["lr"], record["epoch"])


def write_predictions(parts: Sequence[tuple[Manifest, pl.Series]], run: Path) -> None:
    """Held-out photos with what was predicted: columns dataset, split, scene, image, label, predicted.

    Frames of clips have one column more: clip.
    """
    columns = ["dataset", "split", "scene", "image"]
    columns += ["clip"] if any("clip" in manifest.frame.columns for manifest, _ in parts) else []
    frames = [
        manifest.frame.select(*columns, label="score").with_columns(predicted=scores) for manifest, scores in parts
    ]
    if frames:
        written(run / PREDICTIONS_FILE, pl.concat(frames).write_parquet)


def write_result(result: dict[str, Any], run: Path) -> None:
    """The outcome as one JSON object."""
    text = json.dumps(result, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    written(run / RESULT_FILE, lambda path: path.write_text(text, encoding="utf-8"))
