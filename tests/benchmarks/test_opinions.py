"""The interval that `benchmarks.opinions` prints for what fine-tuning gains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import opinions
from piqa_training.fit.report import PREDICTIONS_FILE

COUNT = 200


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opinions, "RESAMPLES", 200)


def write_run(run: Path, noise: float, order: int = 1) -> Path:
    """A run whose test predictions follow the labels as far as the noise lets them; its validation part is useless."""
    rng = np.random.default_rng(7)
    label = rng.uniform(size=COUNT)
    test = pl.DataFrame(
        {
            "split": "test",
            "image": [f"{i}.jpg" for i in range(COUNT)],
            "label": label,
            "predicted": label + noise * rng.normal(size=COUNT),
        }
    )[::order]
    val = test.with_columns(split=pl.lit("val"), predicted=-pl.col("label"))
    run.mkdir()
    pl.concat([val, test]).write_parquet(run / PREDICTIONS_FILE)
    return run


def bounds(interval: str) -> tuple[float, float]:
    low, _, high = interval.split()
    return float(low), float(high)


def test_clear_gain_lies_above_zero_and_a_loss_below(tmp_path: Path) -> None:
    worse, better = write_run(tmp_path / "worse", 1.0), write_run(tmp_path / "better", 0.1)
    low, high = bounds(opinions.difference(worse, better))
    assert 0.1 < low < high < 1
    lost = bounds(opinions.difference(better, worse))
    assert lost == pytest.approx((-high, -low), abs=0.002)  # the same resamples


def test_equal_predictions_in_another_order_gain_nothing(tmp_path: Path) -> None:
    first, second = write_run(tmp_path / "first", 0.5), write_run(tmp_path / "second", 0.5, order=-1)
    assert bounds(opinions.difference(first, second)) == (0, 0)
    assert opinions.difference(first, first) == "-"
