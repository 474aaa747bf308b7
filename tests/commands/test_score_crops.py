"""`--crops` and `--precision` of `piqa score`."""

from __future__ import annotations

import csv
import io

import pytest

from piqa_cli.model.checkpoint import save_model
from piqa_cli.scoring.options import EngineOptions, Precision
from tests.model import tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    save_model(tiny.network(tiny.CROPPED), folder / "crops")
    save_model(tiny.network(tiny.LITE), folder / "lite")
    return folder


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--crops", 1], EngineOptions(crops=1)),
        (["--crops", 5], EngineOptions(crops=5)),
        (["--precision", "bf16"], EngineOptions(precision=Precision.BF16)),
        (["--precision", "float32"], EngineOptions(precision=Precision.FLOAT32)),
        (["--precision", "auto"], EngineOptions()),
    ],
    ids=str,
)
def test_they_reach_the_engine(piqa, photos, engine, folder, args, expected) -> None:
    assert piqa("score", photos, "--no-cache", "--model", "crops", "--models-dir", folder, *args).code == 0
    assert engine.options == expected


@pytest.mark.parametrize(
    ("model", "args", "message"),
    [
        ("lite", ["--crops", 1], "the model lite reads whole photos and has no crops to choose from"),
        ("lite", ["--crops", 5], "the model lite reads whole photos and has no crops to choose from"),
        ("crops", ["--crops", 2], "2 is neither 1 nor 5"),
        ("crops", ["--precision", "int8"], "'int8' is not one of"),
    ],
    ids=str,
)
def test_wrong_usage(piqa, photos, engine, folder, model, args, message) -> None:
    result = piqa("score", photos, "--model", model, "--models-dir", folder, *args)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert not engine.seen


def test_every_setting_has_its_own_results(piqa, photos, engine, folder, tmp_path) -> None:
    def models(*args):
        result = piqa(
            "score", photos, "--model", "crops", "--models-dir", folder, "--cache-dir", tmp_path / "cache",
            "--format", "csv", "--quiet", *args,
        )  # fmt: skip
        return len(engine.seen), {row["model"] for row in csv.DictReader(io.StringIO(result.out))}

    count = len(list(photos.iterdir()))
    five = models()
    assert five[0] == count
    assert models("--crops", 1)[0] == 2 * count
    assert models("--precision", "bf16")[0] == 3 * count
    assert models("--crops", 5) == (3 * count, five[1])
