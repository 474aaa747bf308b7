from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from skimage import data

from piqa_cli.errors import UsageError
from piqa_cli.model.preprocess import cut_views, normalise
from piqa_cli.photos.decode import decode
from piqa_training import frozen_features as module
from piqa_training.facts import PhotoFacts
from piqa_training.fit.observer import Observer
from piqa_training.fit.predict import headline, measured
from piqa_training.frozen import predict_frozen, train_frozen
from piqa_training.frozen_features import SCORING, frozen_features, training_versions
from piqa_training.frozen_heads import Heads
from piqa_training.manifest import Manifest
from piqa_training.settings import load_settings
from tests.model import tiny

COUNT = 24


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch):
    monkeypatch.setattr("piqa_training.frozen_heads.STEPS", 24)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Parts of portraits and scenes in two scenes; the darker, the lower the score."""
    folder = tmp_path_factory.mktemp("frozen")
    rng = np.random.default_rng(0)
    rows = []
    for index in range(COUNT):
        whole = data.astronaut() if index % 2 else data.coffee()
        top, left = rng.integers(0, 200), rng.integers(0, 200)
        light = rng.uniform(0.2, 1.0)
        path = folder / f"{index}.png"
        Image.fromarray((whole[top : top + 120, left : left + 120] * light).astype(np.uint8)).save(path)
        split = "val" if index % 4 in (0, 1) and index > 3 else "train"
        rows.append((str(path), 5 * light + 3 * (index % 2), None, str(index % 2), split, "own"))
    columns = ["image", "score", "std", "scene", "split", "dataset"]
    return Manifest(pl.DataFrame(rows, columns, orient="row", schema_overrides={"std": pl.Float64}))


@pytest.fixture(scope="module")
def facts(photos):
    images = photos.frame["image"]
    return {
        path: PhotoFacts((10.0, 10.0, 80.0, 90.0) if i % 2 else None, 120, 120, f"{i}") for i, path in enumerate(images)
    }


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """For trainings of the heads, whichever features another one has left there."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("config", [tiny.LITE, tiny.CROPPED], ids=["squash", "crops"])
def test_features_are_those_of_the_network(photos, facts, config, tmp_path):
    network = tiny.network(config)
    paths = photos.frame["image"].to_list()[:3]
    found = frozen_features(network, paths, facts, [SCORING], tmp_path)[SCORING]
    for row, path in enumerate(paths):
        image = decode(tmp_path / path, max_side=config.preprocess.working_side).image
        views = cut_views(image, facts[path].face, config.preprocess)
        batch = normalise({cut: pixels[None] for cut, pixels in views.items()}, config.preprocess)
        with torch.inference_mode():
            wanted = network.features(batch)
        for cut, values in wanted.items():
            assert found[cut].dtype == torch.float16
            assert torch.allclose(found[cut][row].float(), values[0], atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("config", [tiny.LITE, tiny.CROPPED], ids=["squash", "crops"])
def test_versions_come_in_pairs_of_mirror_images(photos, facts, config, tmp_path):
    network = tiny.network(config)
    versions = training_versions(network, 4)
    assert versions == (
        ["scoring", "mirrored"] if config is tiny.LITE else ["crop-0", "crop-0-mirrored", "crop-1", "crop-1-mirrored"]
    )
    order = module._Order(photos.frame["image"][1], facts[photos.frame["image"][1]], tuple(versions))
    views = module._Photos([order], network, runs=False)[0].views
    for plain, mirrored in zip(versions[::2], versions[1::2], strict=True):
        assert all(torch.equal(views[plain][cut].flip(3), views[mirrored][cut]) for cut in views[plain])


def test_many_photos_need_no_mirror_images():
    network = tiny.network(tiny.LITE)
    assert training_versions(network, 4, module.FEW) == ["scoring", "mirrored"]
    assert training_versions(network, 4, module.FEW + 1) == ["scoring"]
    assert training_versions(network, 1, module.FEW + 1, mirrored=True) == ["scoring", "mirrored"]


def test_features_are_computed_once_for_a_content_and_weights(photos, facts, tmp_path, monkeypatch):
    network, paths = tiny.network(tiny.LITE), photos.frame["image"].to_list()[:2]
    first = frozen_features(network, paths, facts, [SCORING], tmp_path)
    runs = []
    run = module._run
    monkeypatch.setattr(module, "_run", lambda network, made: runs.append(made.path) or run(network, made))
    again = frozen_features(network, [*reversed(paths)], facts, [SCORING], tmp_path)
    assert not runs
    assert torch.equal(first[SCORING]["frame"].flip(0), again[SCORING]["frame"])
    frozen_features(network, paths, facts, [SCORING, "mirrored"], tmp_path)
    assert runs == paths  # the mirrored ones only
    network.head[0].weight.data.zero_()
    frozen_features(network, paths, facts, [SCORING], tmp_path)
    assert len(runs) == 2  # heads do not matter
    frozen_features(tiny.network(tiny.LITE, seed=1), paths, facts, [SCORING], tmp_path)
    assert len(runs) == 4


def test_workers_compute_the_same(photos, facts, tmp_path):
    network, paths = tiny.network(tiny.CROPPED), photos.frame["image"].to_list()[:4]
    versions = training_versions(network, 3)
    alone = frozen_features(network, paths, facts, versions, tmp_path / "alone")
    shared = frozen_features(network, paths, facts, versions, tmp_path / "shared", workers=2)
    for version in versions:
        for cut in alone[version]:
            assert torch.allclose(alone[version][cut].float(), shared[version][cut].float(), atol=1e-3)


def test_broken_photos_are_named_together(photos, facts, tmp_path):
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    paths = [str(tmp_path / "torn.png"), str(tmp_path / "gone.png"), photos.frame["image"][0]]
    known = {path: PhotoFacts(None, 1, 1, path) for path in paths}
    with pytest.raises(UsageError, match="2 photos cannot be used"):
        frozen_features(tiny.network(tiny.LITE), paths, known, [SCORING], tmp_path)


def settings(**more):
    return load_settings("piqa-lite", None, {"run.epochs": 3, "run.views": 2, "data.workers": 0, "run.seed": 3, **more})


class Watching(Observer):
    def __init__(self):
        self.records, self.notes = [], []

    def epoch(self, record):
        self.records.append(record)

    def note(self, message):
        self.notes.append(message)


def test_heads_learn_and_the_rest_stays(photos, facts, cache):
    network = tiny.network(tiny.LITE)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    watching = Watching()
    records = train_frozen(network, settings(), photos, facts, cache, watching)
    assert watching.records == records
    assert [record["epoch"] for record in records] == [1, 2, 3]
    assert records[-1]["train"]["loss"] < records[0]["train"]["loss"]
    assert max(record["val"]["mean.srcc"] for record in records) > 0.75
    changed = {
        name.split(".")[0] for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])
    }
    assert changed == {"head", "face_head"}
    assert not network.training
    best = [record for record in records if record["best"]][-1]
    val = photos.part("val").frame
    said = predict_frozen(network, val["image"].to_list(), facts, cache).raw
    ranks = [pl.Series(x).rank() for x in (said.double().numpy(), val["score"])]
    by_scene = pl.DataFrame({"scene": val["scene"], "a": ranks[0], "b": ranks[1]}).group_by("scene")
    srcc = by_scene.agg(pl.corr("a", "b", method="spearman"))["a"].mean()
    assert srcc == pytest.approx(best["val"]["mean.srcc"], abs=1e-6)


@pytest.mark.parametrize("loss", [{}, {"loss.consistency": 1.0, "loss.monotone": True}], ids=["fidelity", "with more"])
@pytest.mark.parametrize("config", [tiny.LITE, tiny.CROPPED], ids=["squash", "crops"])
def test_training_is_repeatable(photos, facts, config, loss, cache):
    states = []
    for _ in range(2):
        network = tiny.network(config)
        train_frozen(network, settings(**{"run.epochs": 1, "run.views": 3, **loss}), photos, facts, cache, Observer())
        states.append(network.state_dict())
    assert all(torch.equal(states[0][name], tensor) for name, tensor in states[1].items())


def test_no_time_goes_into_what_is_not_trained(photos, facts, cache, monkeypatch):
    tries = []
    monkeypatch.setattr("piqa_training.frozen.Heads", lambda *of: tries.append(Heads(*of)) or tries[-1])
    train_frozen(tiny.network(tiny.LITE), settings(**{"run.epochs": 1}), photos, facts, cache, Observer())
    for heads in tries:
        named = heads.network.named_parameters()
        assert {name.split(".")[0] for name, p in named if p.grad is not None} == {"head", "face_head"}


@pytest.mark.parametrize(("handicap", "heads"), [(-10.0, "new"), (10.0, "start")])
def test_heads_from_nothing_do_without_what_the_start_adds(photos, facts, cache, monkeypatch, handicap, heads):
    monkeypatch.setattr("piqa_training.frozen.CLEARLY_BETTER", handicap)
    network = tiny.network(tiny.LITE)
    added = [network.linear.weight, network.cost.each, network.face_linear.weight, network.face_cost.each]
    for buffer in added:
        buffer.fill_(0.75)
    records = train_frozen(network, settings(**{"run.epochs": 1}), photos, facts, cache, Observer())
    assert [record["heads"] for record in records] == [heads]
    assert all(bool((buffer == (0.75 if heads == "start" else 0)).all()) for buffer in added)
    val = photos.part("val")
    said = predict_frozen(network, val.frame["image"].to_list(), facts, cache).raw
    assert headline(measured(val, said)) == pytest.approx(records[0]["val"])  # what was judged is what stays


def test_test_photos_are_not_looked_at(photos, facts, cache):
    hidden = photos.frame.with_columns(split=pl.when(pl.col("split") == "val").then(pl.lit("test")).otherwise("split"))
    missing = hidden.with_columns(
        image=pl.when(pl.col("split") == "test").then(pl.lit("/nowhere/") + pl.col("scene")).otherwise("image")
    )
    network = tiny.network(tiny.LITE)
    records = train_frozen(network, settings(**{"run.epochs": 1}), Manifest(missing), facts, cache, Observer())
    assert records[0]["val"] == {}
    assert records[0]["heads"] == "start"


def test_no_epoch_is_the_best_one_unless_it_beats_the_start(photos, facts, cache):
    network = tiny.network(tiny.LITE)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    records = train_frozen(network, settings(), photos, facts, cache, Observer(), to_beat=1.0)
    assert not any(record["best"] for record in records)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_patience_ends_training(photos, facts, cache):
    options = settings(**{"run.epochs": 50, "run.patience": 2})
    records = train_frozen(tiny.network(tiny.LITE), options, photos, facts, cache, Observer())
    assert len(records) < 50
    assert not any(record["best"] for record in records[-2:])
    assert records[-3]["best"]


@pytest.mark.parametrize("changes", [{"keep.face": 0.0}, {}], ids=["not wanted", "no faces"])
def test_a_face_head_that_hears_of_no_face_stays(photos, facts, cache, changes):
    if not changes:
        facts = {path: replace(fact, face=None) for path, fact in facts.items()}
    network = tiny.network(tiny.LITE)
    before = {name: tensor.clone() for name, tensor in network.face_head.state_dict().items()}
    train_frozen(network, settings(**changes), photos, facts, cache, Observer())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.face_head.state_dict().items())


def test_the_loss_on_faces_is_that_of_all_batches(photos, facts, cache, monkeypatch):
    """It was forgotten at a batch without a face."""
    said = iter([{"fidelity": 3.0, "face": 4.0}, {"fidelity": 1.0}] * 12)
    monkeypatch.setattr("piqa_training.frozen_heads.PHOTOS", 8)
    monkeypatch.setattr("piqa_training.frozen_heads.SCENE_PHOTOS", 8)
    monkeypatch.setattr("piqa_training.frozen_heads.Heads._step", lambda heads, rows: next(said))
    unjudged = Manifest(photos.frame.with_columns(split=pl.lit("train")).head(12))  # two scenes, a batch each
    record, *_ = train_frozen(
        tiny.network(tiny.LITE), settings(**{"run.epochs": 1}), unjudged, facts, cache, Observer()
    )
    assert record["train"] == {"fidelity": 2.0, "face": 2.0, "loss": 4.0}


def test_settings_that_make_no_difference_are_named(photos, facts, cache):
    watching = Watching()
    given = settings(**{"optimiser.learning_rate": 1e-5, "data.pairs": 2, "run.epochs": 1})
    train_frozen(tiny.network(tiny.LITE), given, photos, facts, cache, watching)
    (note,) = [note for note in watching.notes if "not used" in note]
    assert "optimiser.learning_rate" in note and "data.pairs" in note
    assert "optimiser.weight_decay" not in note and "run.epochs" not in note
