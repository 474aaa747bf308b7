"""Fine-tuning of the face branch's backbone on degraded views."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from piqa_cli.errors import UsageError
from piqa_cli.model.checkpoint import load_model
from piqa_training.features import FeatureSet, Versions, describe_views, extract, render_views
from piqa_training.fit.observer import Observer
from piqa_training.heads import HeadSettings
from piqa_training.pretrain_synthetic import SyntheticSettings, folder_sources, pretrain_synthetic
from piqa_training.tune import TuneSettings, tune_backbone
from piqa_training.tune_photos import TunePhotos, truth_of_batch
from tests.model import tiny

SETTINGS = TuneSettings(epochs=8, photos_per_batch=3, side=40)


class Told(Observer):
    def __init__(self):
        self.losses, self.stages = [], []

    def note(self, message):
        if "loss" in message:
            self.losses.append(float(message.rpartition(" ")[2]))

    def progress(self, stage, done, total):
        self.stages.append((stage, done, total))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    pictures = (data.astronaut(), data.coffee(), data.chelsea(), data.rocket())
    for index in range(8):
        picture = Image.fromarray(np.ascontiguousarray(pictures[index % 4][: 300 - 10 * index]))
        picture.resize((200, 160)).save(folder / f"{index}.png")
    return folder_sources(folder)


@pytest.fixture(scope="module")
def faces(sources):
    return dict.fromkeys((source.path for source in sources), (40.0, 30.0, 100.0, 105.0))


@pytest.fixture(scope="module")
def views(sources, faces, tmp_path_factory):
    """Two files of views."""
    folder = tmp_path_factory.mktemp("views")
    parts = []
    for number, half in enumerate((sources[:4], sources[4:])):
        parts.append(folder / f"{number}.safetensors")
        render_views(Versions(half, faces, tiny.NARROW, 7, number), workers=0).save(parts[-1])
    return parts


def network_of(views):
    """A network whose batch norms have seen such views; without weights of a trained one, nothing else helps."""
    network = tiny.network(tiny.NARROW)
    with TunePhotos(views, ["detail"]) as photos, torch.no_grad():
        seen = torch.cat([photos.read(index).views["detail"][:, 0] for index in range(len(photos))])
        network.face.train()
        for _ in range(30):
            network.face(seen.float() / 255 - 0.5)
    return network.eval()


def test_views_on_the_disk_have_the_features_that_rendering_gives(sources, faces, views):
    network = tiny.network(tiny.NARROW)
    there = describe_views(network, FeatureSet.load(views[0]))
    rendered = extract(network, Versions(sources[:4], faces, tiny.NARROW, 7, 0), workers=0)
    assert all(torch.allclose(there.features[c], rendered.features[c], atol=1e-2) for c in rendered.features)
    assert there.features["face"].dtype == rendered.features["face"].dtype == torch.float16
    assert torch.equal(there.loss, rendered.loss) and torch.equal(there.photo, rendered.photo)


def test_held_out_photos_are_not_learnt_from(sources, views):
    with TunePhotos(views, ["face", "detail"]) as photos:
        assert len(photos) == sum(source.split == "train" for source in sources) < len(sources)
        photo = photos.read(0)
        assert photo.views["detail"].shape == (7, 1, 3, 64, 64) and set(photo.views) == {"face", "detail"}
        assert not any(bool(photos.read(i).truth["val"].any()) for i in range(len(photos)))


def test_all_versions_of_a_photo_are_cut_at_one_place(views):
    with TunePhotos(views, ["detail"]) as photos:
        whole, cut = photos.read(1), photos.read_cut(1, 40, torch.Generator().manual_seed(3))
    found = [
        place
        for place in range(25 * 25 * 2)
        if torch.equal(_placed(whole.views["detail"], place)[0], cut.views["detail"][0])
    ]
    assert any(torch.equal(_placed(whole.views["detail"], place), cut.views["detail"]) for place in found)
    assert torch.equal(cut.truth["loss"], whole.truth["loss"])


def _placed(view, place):
    flipped, top, left = place // 625, place % 625 // 25, place % 25
    there = view[..., top : top + 40, left : left + 40]
    return there.flip(-1) if flipped else there


def test_small_views_are_taken_whole(views):
    with TunePhotos(views, ["face"]) as photos:
        assert photos.read_cut(0, 192, torch.Generator()).views["face"].shape == (7, 1, 3, 48, 48)


def test_the_versions_of_each_photo_are_a_group(views):
    with TunePhotos(views, ["face"]) as photos:
        truth = truth_of_batch([photos.read(0), photos.read(1)])
    assert truth.photo.tolist() == [0] * 7 + [1] * 7
    assert truth.photo_severities.shape == (14, 9)


def test_the_face_backbone_learns_and_nothing_else_changes(views):
    network = network_of(views)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    told = Told()
    tune_backbone(network, views, SETTINGS, told)
    assert len(told.losses) == 8 and told.losses[-1] < 0.8 * told.losses[0]
    assert told.stages[-1][1:] == (2, 2)
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed and all(name.startswith("face.net.") for name in changed)
    assert not any("conv_stem" in name or "blocks.0." in name or "running" in name for name in changed)


def test_the_same_seed_gives_the_same_backbone(views):
    one, other, third = (tiny.network(tiny.NARROW) for _ in range(3))
    for network, seed in ((one, 0), (other, 0), (third, 1)):
        tune_backbone(network, views, TuneSettings(epochs=1, photos_per_batch=3, side=40, seed=seed), Observer())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), third.parameters(), strict=True))


def test_too_few_photos_are_refused(views):
    with pytest.raises(UsageError, match="3 photos to learn from, a batch takes 6"):
        tune_backbone(tiny.network(tiny.NARROW), views[:1], TuneSettings(), Observer())


def test_the_whole_chain_and_a_second_run_goes_on_where_it_stopped(sources, faces, tmp_path, monkeypatch):
    heads = HeadSettings(epochs=2, photos_per_batch=8)
    options = SyntheticSettings(versions=5, workers=0, heads=heads, tune=SETTINGS)

    def made():
        pretrain_synthetic(tiny.network(tiny.NARROW), sources, [], faces, options, tmp_path, Observer())
        return load_model(tmp_path / "model")

    first = made()
    untuned = tiny.network(tiny.NARROW).face.parameters()
    assert not all(torch.allclose(a, b, atol=1e-3) for a, b in zip(first.face.parameters(), untuned, strict=True))
    assert sorted(path.name.partition("-")[0] for path in tmp_path.iterdir()) == [
        "features",
        "log.json",
        "metrics.jsonl",
        "model",
        "report.html",
        "tensorboard",
        "tuned",
    ]
    monkeypatch.setattr("piqa_training.pretrain_synthetic.tune_backbone", lambda *_: pytest.fail("tuned again"))
    monkeypatch.setattr("piqa_training.pretrain_synthetic.render_views", lambda *_, **__: pytest.fail("rendered again"))
    second = made()
    assert all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


def test_further_photos_are_for_the_heads_alone(sources, faces, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("piqa_training.pretrain_synthetic.tune_backbone", lambda _, parts, *__: seen.extend(parts))
    heads = HeadSettings(epochs=1, photos_per_batch=8)
    options = SyntheticSettings(versions=5, workers=0, heads=heads, tune=SETTINGS, further_passes=2, further_versions=3)
    network, originals = tiny.network(tiny.NARROW), [replace(source, opinion=0.8) for source in sources[:5]]
    pretrain_synthetic(network, originals, originals[3:], faces, options, tmp_path, Observer(), further=sources[5:])
    assert [path.stem.rpartition("-")[0] for path in seen] == ["pass-0-0"]
    files = (tmp_path / "features-tuned").iterdir()
    parts = {path.stem.rpartition("-")[0]: FeatureSet.load(path) for path in files}
    toned = parts.pop("tones-0")
    assert len(toned.photo.unique()) == 5 and 15 <= len(toned.loss) <= 20
    assert parts["pass-0-0"].opinion.isfinite().sum() == 5 and parts["rated-0"].opinion.isfinite().all()
    assert not toned.loss.any() and not toned.photo_severities.any() and toned.opinion.isnan().all()
    assert {name: len(part.loss) for name, part in parts.items()} == {
        "pass-0-0": 25,
        "further-0-0": 9,
        "further-1-0": 9,
        "rated-0": 4,
    }
    assert not torch.equal(parts["further-0-0"].features["face"], parts["further-1-0"].features["face"])


def test_too_few_versions_are_refused():
    with pytest.raises(UsageError, match="1 passes of 2 versions: at least 1 pass and 3 versions"):
        SyntheticSettings(further_versions=2)
