"""`piqa train`: what its options mean, and that every mistake is one message and changes nothing."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from piqa_cli.commands import train_run
from piqa_cli.commands.console_train import epoch_row
from piqa_cli.commands.train_view import result_lines
from piqa_training.datasets.open import open_dataset
from tests.training.fitting import make_data, make_start


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    make_data(folder)
    make_start(folder / "start")
    return folder


class Called(Exception):
    """Training would begin now."""


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stop at the call of `train` and keep what it was called with."""
    seen: dict[str, Any] = {}

    def keep(settings, manifest, output, view):
        seen.update(settings=settings, manifest=manifest, output=output)
        return {"test": None, "val": None, "before": None, "model": str(output / "model")}

    monkeypatch.setattr(train_run, "train", keep)
    return seen


def table(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "labels.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def photos_of(data: Path) -> list[Path]:
    return sorted((data / "PIQ23" / "Overall").iterdir())


def test_the_command_of_the_issue(piqa, data, tmp_path, called):
    result = piqa(
        "train", "--dataset", "piq23", "--root", data / "PIQ23", "--attribute", "Overall", "--split", "scene",
        "--preset", "piqa-lite", "--epochs", "2", "--output", tmp_path / "run",
    )  # fmt: skip
    assert result.code == 0, result.err
    assert called["settings"].run.epochs == 2
    assert called["settings"].network.preset == "piqa-lite"
    assert called["manifest"].datasets == ["piq23"]
    assert called["output"] == tmp_path / "run"
    assert str(tmp_path / "run" / "model") in result.out


OPTIONS = [
    (("--preset", "dn-piqa"), "network.preset", "dn-piqa"),
    (("--backbone", "resnet18"), "network.backbone", "resnet18"),
    (("--pretrained", "none"), "network.pretrained", "none"),
    (("--auxiliary", "none"), "network.auxiliary", "none"),
    (("--liqe", "m"), "network.liqe", "m"),
    (("--pairs", "8"), "data.pairs", 8),
    (("--workers", "0"), "data.workers", 0),
    (("--learning-rate", "0.5"), "optimiser.learning_rate", 0.5),
    (("--schedule", "cosine"), "optimiser.schedule", "cosine"),
    (("--ema", "0"), "optimiser.ema", 0.0),
    (("--use-std",), "loss.use_std", True),
    (("--monotone",), "loss.monotone", True),
    (("--loss", "plcc=0.5"), "loss.plcc", 0.5),
    (("--freeze-backbone",), "run.freeze_backbone", True),
    (("--precision", "bf16"), "run.precision", "bf16"),
    (("--save-every", "3"), "run.save_every", 3),
    (("--set", "optimiser.step_epochs=5"), "optimiser.step_epochs", 5),
    (("--set", "run.best_by=pair_accuracy"), "run.best_by", "pair_accuracy"),
]


@pytest.mark.parametrize(("arguments", "key", "value"), OPTIONS, ids=lambda x: str(x))
def test_options_become_settings(piqa, data, tmp_path, called, arguments, key, value):
    result = piqa("train", "--dataset", "piq23", "--root", data / "PIQ23", "--output", tmp_path / "run", *arguments)
    assert result.code == 0, result.err
    section, name = key.split(".")
    assert getattr(getattr(called["settings"], section), name) == value


def test_several_manifests_are_joined(piqa, data, tmp_path, called):
    photos = photos_of(data)
    first = table(tmp_path, [{"image": p, "score": i} for i, p in enumerate(photos[:12])])
    (tmp_path / "b").mkdir()
    second = table(tmp_path / "b", [{"image": p, "score": 9 * i} for i, p in enumerate(photos[12:])])
    second = second.rename(second.with_name("other.csv"))
    result = piqa("train", "--manifest", first, "--manifest", second, "--monotone", "--output", tmp_path / "run")
    assert result.code == 0, result.err
    assert len(called["manifest"].datasets) == 2
    assert len(called["manifest"]) == len(photos)


def test_any_seed_holds_out_the_photos_that_evaluate_asks_about(piqa, data, tmp_path, called):
    rows = [{"image": photo, "score": number % 5} for number, photo in enumerate(photos_of(data))]
    labels, wanted = table(tmp_path, rows), set()
    for seed in ("0", "1", "2"):
        assert piqa("train", "--manifest", labels, "--seed", seed, "--output", tmp_path / "run").code == 0
        wanted.add(tuple(called["manifest"].part("test").frame["image"]))
    assert wanted == {tuple(open_dataset("manifest", labels).part("test").frame["image"])}
    assert len(next(iter(wanted))) > 0


def test_ratings_train_heads_only_unless_told_otherwise(piqa, data, tmp_path, called, monkeypatch):
    from tests.training.fitting import manifest_of

    monkeypatch.setattr(train_run, "read_ratings", lambda folder, **more: manifest_of(data / "PIQ23"))
    assert piqa("train", "--from-ratings", data, "--output", tmp_path / "run").code == 0
    assert called["settings"].run.freeze_backbone
    assert called["settings"].network.preset == "piqa-lite"
    assert piqa("train", "--from-ratings", data, "--no-freeze-backbone", "--output", tmp_path / "run").code == 0
    assert not called["settings"].run.freeze_backbone


@pytest.mark.parametrize(
    ("written", "heads_only"),
    [("[run]\nepochs = 3\n", True), ("[run]\nfreeze_backbone = false\n", False), ("[data]\npairs = 3\n", True)],
    ids=["of something else", "says so", "of the batch"],
)
def test_a_settings_file_changes_what_it_names_only(piqa, data, tmp_path, called, monkeypatch, written, heads_only):
    """With a file of any kind the backbones were trained on one's few ratings."""
    from tests.training.fitting import manifest_of

    monkeypatch.setattr(train_run, "read_ratings", lambda folder, **more: manifest_of(data / "PIQ23"))
    (tmp_path / "own.toml").write_text(written)
    asked = ("train", "--from-ratings", data, "--config", tmp_path / "own.toml", "--output", tmp_path / "run")
    assert piqa(*asked).code == 0
    assert called["settings"].run.freeze_backbone == heads_only
    assert piqa(*asked, "--set", "run.freeze_backbone=false").code == 0
    assert not called["settings"].run.freeze_backbone


def test_models_are_found_by_name_wherever_they_are_named(piqa, data, tmp_path, called):
    (tmp_path / "own.toml").write_text('[network]\nliqe = "start"\n')
    asked = (
        "train",
        "--dataset",
        "piq23",
        "--root",
        data / "PIQ23",
        "--models-dir",
        data,
        "--output",
        tmp_path / "run",
    )
    named = ("--config", tmp_path / "own.toml", "--set", "network.full_from=start", "--face-from", "start")
    result = piqa(*asked, *named, "--pretrained", "none")
    assert result.code == 0, result.err
    network = called["settings"].network
    assert {network.liqe, network.full_from, network.face_from} == {str((data / "start").resolve())}
    assert network.pretrained == "none"


def test_check_counts_photos_by_scene_and_split(piqa, data, tmp_path):
    result = piqa("train", "--dataset", "piq23", "--root", data / "PIQ23", "--split", "scene", "--check")
    assert result.code == 0, result.err
    assert "no photo was decoded" in result.err
    lines = result.out.splitlines()
    assert lines[0].split() == ["data", "set", "scene", "train", "val", "test"]
    assert len(lines) == 1 + 4 + 1
    numbers = [[int(n) for n in line.split()[-3:]] for line in lines[1:]]
    assert [sum(column) for column in zip(*numbers[:-1], strict=True)] == numbers[-1]


def test_check_is_said_once_under_torchrun(piqa, data, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    result = piqa("train", "--dataset", "piq23", "--root", data / "PIQ23", "--split", "scene", "--check")
    assert (result.code, result.out, result.err) == (0, "", "")


MISTAKES = [
    ((), "--output is missing"),
    (("--output", "OUT"), "nothing to learn from"),
    (("--output", "OUT", "--dataset", "piq23"), "--dataset and --root go together"),
    (("--output", "OUT", "--manifest", "DATA", "--split", "scene"), "--split goes with --dataset"),
    (("--output", "OUT", "--manifest", "DATA", "--attribute", "Details"), "--attribute goes with --dataset"),
    (("--output", "OUT", "--manifest", "DATA", "--scenes", "folder"), "--scenes goes with --from-ratings"),
    (("--output", "OUT", "--dataset", "ava", "--root", "."), "no data set is called 'ava'"),
    (("--output", "OUT", "--dataset", "piq23", "--root", "gone"), "gone"),
    (("--output", "OUT", "--manifest", "gone.csv"), "gone.csv"),
    (("--output", "OUT", "--manifest", "DATA", "--preset", "huge"), "no preset 'huge'"),
    (("--output", "OUT", "--manifest", "DATA", "--schedule", "sine"), "optimiser.schedule is 'sine'"),
    (("--output", "OUT", "--manifest", "DATA", "--loss", "mse"), "--loss 'mse': wanted NAME=VALUE"),
    (("--output", "OUT", "--manifest", "DATA", "--loss", "l1=1"), "loss.l1"),
    (("--output", "OUT", "--manifest", "DATA", "--set", "run.colour=1"), "run.colour"),
    (("--output", "OUT", "--manifest", "DATA", "--set", "data=5"), "'data' is no setting"),
    (("--output", "OUT", "--manifest", "DATA", "--set", f"run.epochs={'[' * 5000}"), "run.epochs is '[["),
    (("--output", "OUT", "--manifest", "DATA", "--config", "gone.toml"), "gone.toml"),
    (("--output", "OUT", "--manifest", "DATA", "--pretrained", "gone"), "no model 'gone'"),
    (("--output", "OUT", "--manifest", "DATA", "--size", "32", "--pretrained", "START"), "another architecture"),
    (("--output", "OUT", "--manifest", "DATA", "--preset", "dn-piqa", "--backbone", "lcnet_035", "--pooling", "stages",
      "--pretrained", "none"), "LIQE"),
    (("--output", "OUT", "--manifest", "DATA", "--device", "abacus"), "abacus"),
    (("--output", "FULL", "--manifest", "DATA"), "not empty; nothing was changed"),
    (("--resume", "gone"), "no run to resume here"),
    (("--resume", "FULL", "--epochs", "3"), "leave out --epochs"),
    (("--resume", "FULL", "--seed", "0", "--no-freeze-backbone", "--set", "run.epochs=3"),
     "leave out --set, --no-freeze-backbone, --seed"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=[words for _, words in MISTAKES])
def test_a_mistake_is_one_message_and_changes_nothing(piqa, data, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine")
    labels = table(tmp_path, [{"image": p, "score": i} for i, p in enumerate(photos_of(data))])
    places = {"OUT": tmp_path / "out", "FULL": full, "DATA": labels, "START": data / "start"}
    result = piqa("train", *(places.get(argument, argument) for argument in arguments))
    assert result.code == 2
    assert words in result.err
    assert "Traceback" not in result.err
    assert result.out == ""
    assert len([line for line in result.err.splitlines() if not line.startswith(("hint:", "piqa: error:"))]) == 0
    assert not (tmp_path / "out").exists()
    assert (full / "thesis.txt").read_text() == "mine"
    assert list(full.iterdir()) == [full / "thesis.txt"]


@pytest.mark.parametrize(
    ("begun", "words"),
    [
        ("checkpoint/state.pt", "piqa train --resume '{run}'"),
        ("settings.toml", "the same command with another folder"),
        (None, "the same command again"),
    ],
)
def test_an_interrupted_run_says_how_to_go_on(piqa, data, tmp_path, monkeypatch, begun, words):
    def interrupted(settings, manifest, output, view):
        if begun:
            (output / begun).parent.mkdir(parents=True)
            (output / begun).touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(train_run, "train", interrupted)
    run = tmp_path / "my run"
    result = piqa("train", "--dataset", "piq23", "--root", data / "PIQ23", "--output", run)
    assert result.code == 130
    assert result.err.splitlines()[-1] == f"piqa: interrupted; to go on: {words.format(run=run)}"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has", "too little memory"),
        ("[enforce fail] DefaultCPUAllocator: can't allocate memory", "too little memory"),
        ("DataLoader worker (pid 7) is killed by signal: Killed. ", "a process that prepares photos is gone"),
        ("DataLoader worker (pid(s) 7, 8) exited unexpectedly", "a process that prepares photos is gone"),
    ],
)
def test_too_little_memory_is_two_lines(piqa, data, tmp_path, monkeypatch, said, words):
    def fails(*_):
        raise RuntimeError(said)

    monkeypatch.setattr(train_run, "train", fails)
    result = piqa("train", "--dataset", "piq23", "--root", data / "PIQ23", "--output", tmp_path / "run")
    error, hint = result.err.splitlines()[-2:]
    assert (result.code, hint.startswith("hint: ")) == (2, True)
    assert words in error


BAD_ROWS = [
    ({"image": "gone.jpg"}, "gone.jpg"),
    ({"score": "nan"}, "score"),
    ({"score": "good"}, "score"),
    ({"split": "maybe"}, "split"),
]


@pytest.mark.parametrize(("change", "words"), BAD_ROWS, ids=[str(change) for change, _ in BAD_ROWS])
def test_bad_labels_name_file_and_row(piqa, data, tmp_path, change, words):
    rows = [{"image": p, "score": i, "split": "train"} for i, p in enumerate(photos_of(data))]
    labels = table(tmp_path, [*rows[:3], {**rows[3], **change}, *rows[4:]])
    for more in (("--check",), ("--output", tmp_path / "out")):
        result = piqa("train", "--manifest", labels, *more)
        assert result.code == 2
        assert labels.name in result.err
        assert words in result.err
    assert not (tmp_path / "out").exists()


def test_an_epoch_as_cells():
    record = {"epoch": 3, "train": {"loss": 0.25}, "val": {"mean.srcc": None, "pair_accuracy": 0.75}, "lr": 1e-5,
              "seconds": 2.0, "best": True}  # fmt: skip
    assert epoch_row(record) == ("3", "0.2500", "-", "0.750", "1e-05", "2.0", "best")


@pytest.mark.parametrize(("before", "worse"), [(0.6, True), (0.5, False), (0.4, False), (None, False)])
def test_held_out_photos_in_worse_order_than_before_are_said_to_be(before: float | None, worse: bool) -> None:
    measures = {"median.srcc": 0.1, "mean.srcc": 0.1, "n": 13}
    val = {**measures, "pair_accuracy": 0.5}
    result = {"before": {"val": {**measures, "pair_accuracy": before}}, "val": val, "test": None, "model": "/m"}
    lines = ["".join(text for text, _ in line) for line in result_lines(result)]
    assert [line.split()[0] for line in lines] == ["before", "after", "model", *(["worse"] if worse else [])]
