"""The whole chain as a new user runs it: train on a PIQ23 look-alike, evaluate, score with the result."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest

from piqa_cli.commands.app import run as command_line
from tests.model import tiny
from tests.training.fitting import make_start
from tests.training.made_piq23 import make_piq23

MARGIN = 0.4  # of SRCC on held-out scenes, over the untrained model
LEAST = 0.6


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    make_piq23(folder, scenes=8, per_scene=10, kinds=("fade", "dark"), attributes=("Overall",), shared=False)
    # Statistics of pixels are standardised from training data, which an untrained network has not seen.
    make_start(folder / "untrained", replace(tiny.LITE, statistics=False))
    return folder


def piqa(*arguments):
    assert command_line(list(map(str, arguments))) == 0


@pytest.fixture(scope="module")
def run(place):
    piqa(
        "train", "--dataset", "piq23", "--root", place / "PIQ23", "--attribute", "Overall", "--split", "scene",
        "--preset", "piqa-lite", "--pretrained", place / "untrained", "--epochs", 8, "--learning-rate", 3e-3,
        "--ema", 0.9, "--layer-decay", 1, "--set", "run.batch_norm=train", "--validation", 0.2, "--pairs", 8,
        "--workers", 0, "--output", place / "run",
    )  # fmt: skip
    return place / "run"


@pytest.mark.slow
def test_training_helps_on_scenes_it_never_saw(run):
    result = json.loads((run / "result.json").read_text())
    before, after = result["before"]["test"]["mean.srcc"], result["test"]["mean"]["srcc"]
    assert after > before + MARGIN
    assert after > LEAST
    losses = [json.loads(line)["train"]["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.slow
def test_the_model_scores_after_reload_as_it_did_in_training(place, run):
    how = ("--model", run / "model", "--no-cache", "--precision", "float32", "-q")
    piqa("score", place / "PIQ23" / "Overall", *how, "-o", place / "scores.csv")
    scored = pl.read_csv(place / "scores.csv").select(image="path", raw="raw_score")
    both = pl.read_parquet(run / "predictions.parquet").join(scored, on="image")
    assert both.height == pl.read_parquet(run / "predictions.parquet").height
    spread = both["predicted"].max() - both["predicted"].min()
    # Scoring fuses batch norms and finds faces on its own: the same up to rounding.
    assert (both["predicted"] - both["raw"]).abs().max() < 1e-3 * spread


@pytest.mark.slow
def test_evaluation_says_what_training_said(place, run):
    piqa(
        "evaluate", "--dataset", "piq23", "--root", place / "PIQ23", "--attribute", "Overall", "--split", "scene",
        "--model", run / "model", "--json", place / "out.json",
    )  # fmt: skip
    found, result = json.loads((place / "out.json").read_text()), json.loads((run / "result.json").read_text())
    assert found["median"]["srcc"] == pytest.approx(result["test"]["median"]["srcc"], abs=0.02)
    assert {scene["scene"] for scene in found["scenes"]} == {scene["scene"] for scene in result["test"]["scenes"]}
