import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from skimage import data

from piqa_cli.commands.app import run as piqa
from piqa_cli.errors import ModelError, UsageError
from piqa_cli.model.checkpoint import load_model, save_model
from piqa_cli.model.presets import PIQA_LITE
from piqa_cli.records import PhotoFile
from piqa_training.facts import PhotoFacts
from piqa_training.fit.observer import Observer
from piqa_training.heads import HeadSettings
from piqa_training.manifest import Manifest
from piqa_training.pretrain import branch_config, pretrain_branch, resume_branch, start_branch
from piqa_training.pretrain_motion import drop_motion, has_motion, with_motion
from piqa_training.pretrain_synthetic import SyntheticSettings, folder_sources, pretrain_synthetic
from piqa_training.settings import load_settings
from tests.model import tiny


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Eight faces of known sharpness: the more often a photo was shrunk, the lower its score."""
    folder = tmp_path_factory.mktemp("photos")
    portrait = Image.fromarray(data.astronaut())
    for index in range(8):
        left, top = 10 * (index % 3), 12 * (index // 3)
        crop = portrait.crop((left + 60, top, left + 380, top + 320))
        side = 160 // (index + 1)
        crop.resize((side, side)).resize((160, 160)).save(folder / f"{index}.png")
    return folder


def manifest(photos, **more):
    names = sorted(str(path) for path in photos.glob("*.png"))
    columns = {
        "image": names,
        "score": [float(-index) for index in range(len(names))],
        "std": [None] * len(names),
        "scene": ["all"] * len(names),
        "split": ["train"] * 6 + ["test"] * 2,
        "dataset": ["gfiqa"] * len(names),
        **more,
    }
    return Manifest(pl.DataFrame(columns, schema_overrides={"std": pl.Float64}))


def settings(tmp_path, **more):
    network = {
        "network.backbone": "lcnet_035",
        "network.pooling": "stages",
        "network.size": 64,
        "network.pretrained": "none",
    }
    run = {
        "run.epochs": 1,
        "run.cache_dir": str(tmp_path / "cache"),
        "run.device": "cpu",
        "data.workers": 0,
        "data.pairs": 3,
    }
    return load_settings("dn-piqa", None, {**network, **run, "data.scene_photos": 2, "data.validation": 0.0, **more})


def test_a_branch_alone_is_a_model_that_scores(photos, tmp_path):
    from piqa_cli.model.store import find_model
    from piqa_cli.scoring.engine import score_files
    from piqa_cli.scoring.options import EngineOptions

    result = pretrain_branch("face", settings(tmp_path), manifest(photos), tmp_path / "run", Observer())
    assert result["test"]["photos"] == 2
    network = load_model(tmp_path / "run/model")
    assert [view.cut for view in network.views] == ["face"]
    assert network.full.width == 0
    files = [PhotoFile(path) for path in sorted(photos.glob("*.png"))[:2]]
    model = find_model(str(tmp_path / "run/model"))
    scores = [s for batch in score_files(files, model, EngineOptions("cpu", None, 0)) for s in batch]
    assert all(score.score is not None for score in scores)


def test_the_face_branch_starts_from_the_full_one(photos, tmp_path):
    first = pretrain_branch("full", settings(tmp_path), manifest(photos), tmp_path / "lsvq", Observer())
    assert first["test"]["photos"] == 2
    wanted = load_model(tmp_path / "lsvq/model").full.state_dict()
    network = tiny.network(branch_config(tiny.LITE, "face"), seed=1)
    start_branch(network, "face", str(tmp_path / "lsvq"))
    started = network.face.state_dict()
    assert started.keys() == wanted.keys()
    assert all(torch.equal(wanted[name], tensor) for name, tensor in started.items())
    other = tiny.network(branch_config(tiny.CROPPED, "face"))  # pooled by its last layer
    with pytest.raises(ModelError, match="another architecture"):
        start_branch(other, "face", str(tmp_path / "lsvq"))


def test_a_missing_run_is_named(tmp_path):
    (tmp_path / "run/checkpoint").mkdir(parents=True)
    network = tiny.network(branch_config(tiny.CROPPED, "face"))
    with pytest.raises(UsageError, match="no model yet"):
        start_branch(network, "face", str(tmp_path / "run"))
    with pytest.raises(ModelError, match="no model"):
        start_branch(network, "face", str(tmp_path / "nothing"))


@pytest.fixture
def motion(photos, tmp_path):
    rng = np.random.default_rng(0)
    files = []
    for index in range(8):
        files.append(str(tmp_path / f"{index}.npy"))
        np.save(files[-1], rng.random(256, dtype=np.float32))
    return manifest(photos, features=files)


def test_motion_takes_the_place_of_liqe(photos, motion):
    facts = {path: PhotoFacts(None, 160, 160, "d") for path in motion.frame["image"]}
    filled = with_motion(facts, motion)
    first = motion.frame.row(0, named=True)
    logits = filled[first["image"]].liqe
    assert torch.equal(logits[:256], torch.from_numpy(np.load(first["features"])))
    assert logits.shape == (495,)
    assert not logits[256:].any()
    assert has_motion(motion)
    assert not has_motion(manifest(photos))


def test_dropping_motion_leaves_the_score_of_the_mean_clip(motion, tmp_path):
    network = tiny.network(branch_config(tiny.CROPPED, "full", motion=True))
    save_model(network, tmp_path / "model")
    assert drop_motion(tmp_path / "model", motion)
    plain = load_model(tmp_path / "model")
    assert plain.config.auxiliary == "none"
    files = motion.part("train").frame["features"]
    mean = np.stack([np.load(file) for file in files]).mean(axis=0)
    liqe = torch.nn.functional.pad(torch.from_numpy(mean), (0, 495 - 256))[None]
    views = {"frame": torch.rand(1, 5, 3, 48, 48, generator=torch.Generator().manual_seed(0))}
    with torch.inference_mode():
        assert torch.allclose(plain(views).raw, network(views, liqe).raw, atol=2e-3)  # weights are stored in halves
        assert not torch.allclose(plain(views).raw, network(views, 3 * liqe).raw, atol=2e-3)
    assert not drop_motion(tmp_path / "model", motion)


def test_motion_is_read_in_training_and_gone_afterwards(motion, tmp_path):
    pretrain_branch("full", settings(tmp_path), motion, tmp_path / "run", Observer())
    assert load_model(tmp_path / "run/model").config.auxiliary == "none"


def test_motion_is_gone_as_well_where_piqa_train_goes_on(motion, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("piqa_training.pretrain.drop_motion", lambda *_: pytest.fail("stopped"))
        with pytest.raises(pytest.fail.Exception, match="stopped"):
            pretrain_branch("full", settings(tmp_path), motion, tmp_path / "run", Observer())
    assert load_model(tmp_path / "run/model").config.auxiliary == "liqe"
    (tmp_path / "run/result.json").unlink()
    assert piqa(["train", "--resume", str(tmp_path / "run"), "-q"]) == 0
    assert load_model(tmp_path / "run/model").config.auxiliary == "none"


def test_any_folder_of_photos_will_do(photos, tmp_path):
    sources = folder_sources(photos)
    assert len(sources) == 8
    assert {source.split for source in sources} == {"train", "val"}
    (tmp_path / "few").mkdir()
    with pytest.raises(UsageError, match="0 photos found, at least 5"):
        folder_sources(tmp_path / "few")


def test_degradation_ranking_learns_and_goes_on_where_it_stopped(photos, tmp_path, monkeypatch):
    sources = folder_sources(photos)
    faces = dict.fromkeys((source.path for source in sources), (40.0, 30.0, 100.0, 105.0))
    options = SyntheticSettings(
        versions=5, workers=0, heads=HeadSettings(epochs=15, photos_per_batch=8, feature_dropout=0.0)
    )
    epochs = []

    class Watching(Observer):
        def epoch(self, record):
            epochs.append(record["train"]["loss"])

    def made(run, options=options):
        return pretrain_synthetic(tiny.network(tiny.NARROW), sources, [], faces, options, run, Watching())

    log = made(tmp_path / "first")
    assert epochs[-1] < 0.8 * epochs[0]
    assert log["best"]["same_photo"] > 0.5 and log["final"]["same_photo"] > 0.5
    lines = [json.loads(line) for line in (tmp_path / "first/metrics.jsonl").read_text().splitlines()]
    assert [line["train"]["loss"] for line in lines] == epochs
    kept = next(e["epoch"] + 1 for e in log["history"] if e["held_out"] == log["best"])
    assert lines[kept - 1]["val"]["pair_accuracy"] == log["best"]["same_photo"]
    assert f"15 epochs, epoch {kept} kept" in (tmp_path / "first/report.html").read_text()
    assert any((tmp_path / "first/tensorboard").iterdir())
    first = load_model(tmp_path / "first/model")
    assert first.linear.weight.any()
    assert float(first.cost.each) == options.defect_cost and float(first.face_cost.each) > 0
    (tmp_path / "second").mkdir()
    (tmp_path / "first/features").rename(tmp_path / "second/features")
    monkeypatch.setattr("piqa_training.pretrain_synthetic.extract", lambda *_, **__: pytest.fail("rendered again"))
    made(tmp_path / "second")
    second = load_model(tmp_path / "second/model").state_dict()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.state_dict().items())
    (tmp_path / "second/features").rename(tmp_path / "first/features")
    made(tmp_path / "first", replace(options, defect_cost=0.0))
    free = load_model(tmp_path / "first/model")
    assert torch.equal(
        free.head[0].weight, first.head[0].weight
    )  # the heads do not know what defects cost by themselves
    assert float(free.cost.each) == 0 and free.config.score_map != first.config.score_map


class Rendered(Exception):
    """Features would be made now."""


def test_features_of_something_else_are_not_taken(photos, tmp_path, monkeypatch):
    sources, box = folder_sources(photos), (40.0, 30.0, 100.0, 105.0)
    settings = SyntheticSettings(versions=3, workers=0, heads=HeadSettings(epochs=1, photos_per_batch=8))

    def made(sources=sources, box=box, settings=settings, seed=1):
        faces = dict.fromkeys((source.path for source in sources), box)
        return pretrain_synthetic(tiny.network(tiny.NARROW, seed), sources, [], faces, settings, tmp_path, Observer())

    made()
    monkeypatch.setattr("piqa_training.pretrain_synthetic.extract", lambda *_, **__: raised(Rendered()))
    made()  # nothing has changed
    for changed in (
        {"sources": sources[1:]},
        {"box": (40.0, 30.0, 100.0, 106.0)},
        {"seed": 2},  # of the backbone
        {"settings": replace(settings, versions=4)},
        {"settings": replace(settings, heads=replace(settings.heads, seed=1))},
    ):
        with pytest.raises(Rendered):
            made(**changed)


def raised(error):
    raise error


def test_backbones_that_are_not_pooled_over_stages_are_refused(photos, tmp_path):
    config = replace(tiny.NARROW, face=replace(tiny.NARROW.face, pooling="last"))
    with pytest.raises(UsageError, match="pooled over stages"):
        pretrain_synthetic(
            tiny.network(config), folder_sources(photos), [], {}, SyntheticSettings(), tmp_path, Observer()
        )


def test_a_network_without_defect_heads_is_refused(photos, tmp_path):
    network = tiny.network(tiny.CROPPED)
    with pytest.raises(UsageError, match="defect heads"):
        pretrain_synthetic(network, folder_sources(photos), [], {}, SyntheticSettings(), tmp_path, Observer())
    assert PIQA_LITE.face_head


def test_what_stays_of_motion_is_the_mean_without_validation_clips(motion, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("piqa_training.pretrain.drop_motion", lambda _, manifest: seen.append(manifest) or True)
    given = settings(tmp_path, **{"data.validation": 0.4})
    pretrain_branch("full", given, motion, tmp_path / "run", Observer())
    resume_branch(tmp_path / "run", Observer())
    first, resumed = seen
    assert len(first.part("val")) and first.frame.equals(resumed.frame)
