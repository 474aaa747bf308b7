"""The whole chain on one portrait and a tiny backbone: samples -> features -> heads -> a model that ranks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from piqa_cli.errors import OutputError, UsageError
from piqa_cli.model import statistics
from piqa_training.facts import photo_facts
from piqa_training.features import FeatureSet, Versions, extract
from piqa_training.heads import STATISTICS_SCALE, HeadSettings, fit_standardisation, standardise, train_heads
from piqa_training.samples import make_samples, sample_versions
from piqa_training.sources import Source
from tests.model import tiny


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """One portrait cut in several ways: enough for a network to learn what more blur or noise looks like."""
    folder = tmp_path_factory.mktemp("originals")
    portrait = Image.fromarray(data.astronaut())
    found = []
    for index, (left, top) in enumerate([(0, 0), (40, 0), (80, 20), (20, 30), (60, 10), (30, 5)]):
        path = folder / f"{index}.png"
        portrait.crop((left, top, left + 400, top + 400)).save(path)
        found.append(Source(path, "photos", "val" if index == 5 else "train", pristine=True))
    return found


@pytest.fixture(scope="module")
def faces(sources, tmp_path_factory):
    paths = [source.path for source in sources]
    facts = photo_facts(map(str, paths), tiny.LITE, tmp_path_factory.mktemp("cache"))
    return {path: facts[str(path)].face for path in paths}


def test_versions_come_with_certain_order(sources):
    recipes = sample_versions(np.random.default_rng(0), 11, has_face=True)
    assert recipes[0].steps == ()
    for stronger, milder in zip(recipes[1::2], recipes[2::2], strict=True):
        assert stronger.seed == milder.seed
        assert all(a.severity > b.severity for a, b in zip(stronger.steps, milder.steps, strict=True))


def test_samples_are_the_same_for_the_same_seed(sources, faces):
    first, again, other = (make_samples(sources[0], faces[sources[0].path], tiny.LITE, 4, seed) for seed in (7, 7, 8))
    assert all(torch.equal(a.views["frame"], b.views["frame"]) for a, b in zip(first, again, strict=True))
    assert [a.loss for a in first] == [b.loss for b in again] != [c.loss for c in other]
    assert first[0].loss == 0
    assert all(s.loss > 0 for s in first[1:])


@pytest.fixture(scope="module")
def features(sources, faces):
    network = tiny.network(tiny.LITE)
    return extract(network, Versions(sources, faces, tiny.LITE, 9, seed=0), workers=0)


def test_features_survive_the_disk(features, tmp_path):
    features.save(tmp_path / "f.safetensors")
    loaded = FeatureSet.load(tmp_path / "f.safetensors")
    assert torch.equal(loaded.features["detail"], features.features["detail"])
    assert torch.equal(loaded.val, features.val)
    assert loaded.opinion.isnan().all()


def test_features_that_cannot_be_kept_are_named(features, tmp_path):
    with pytest.raises(OutputError, match=r"f\.safetensors: cannot be written"):
        features.save(tmp_path / "nowhere" / "f.safetensors")


@pytest.mark.parametrize("content", [b"", bytes(100)])
def test_damaged_features_are_named(tmp_path, content):
    (tmp_path / "f.safetensors").write_bytes(content)
    with pytest.raises(UsageError, match=r"f\.safetensors: not readable as features") as caught:
        FeatureSet.load(tmp_path / "f.safetensors")
    assert "delete it" in caught.value.hint


def test_what_the_pixels_say_stands_out_among_the_features(features):
    network = tiny.network(replace(tiny.LITE, statistics=True))
    drawn = {
        view.cut: torch.randn(200, network.view_width(view), generator=torch.Generator().manual_seed(1)) * 3 + 5
        for view in network.views
    }
    known = replace(features, features=drawn, val=torch.arange(200) % 5 == 0)
    fit_standardisation(network, known)
    for cut, values in drawn.items():
        seen = network.standardise[cut](values[~known.val])
        assert seen.mean(dim=0).abs().max() < 1e-3
        assert torch.allclose(seen[:, : -statistics.WIDTH].std(dim=0), torch.tensor(1.0), atol=1e-3)
        assert torch.allclose(seen[:, -statistics.WIDTH :].std(dim=0), torch.tensor(STATISTICS_SCALE), atol=1e-2)


def test_a_feature_that_never_changes_is_left_small(features):
    constant = replace(features, features={**features.features, "frame": features.features["frame"].clone()})
    constant.features["frame"][:, 3] = 0.25
    network = tiny.network(tiny.LITE)
    fit_standardisation(network, constant)
    constant.features["frame"][0, 3] = 0.5  # a photo in which it is another
    assert float(standardise(network, constant)["frame"][0, 3]) == pytest.approx(0.25, abs=1e-3)


def test_heads_learn_the_order(features):
    network = tiny.network(tiny.LITE)
    fit_standardisation(network, features)
    seen = []
    settings = HeadSettings(epochs=25, photos_per_batch=5, feature_dropout=0.0)
    train_heads(network, features, settings, lambda epoch, losses, measured: seen.append(sum(losses.values())))
    assert seen[-1] < 0.6 * seen[0]


def test_training_is_repeatable(features):
    results = []
    for _ in range(2):
        network = tiny.network(tiny.LITE)
        fit_standardisation(network, features)
        train_heads(network, features, HeadSettings(epochs=2, photos_per_batch=5), lambda *_: None)
        results.append(network.state_dict())
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


def test_photos_with_opinions_are_mixed_in_training(features):
    rated = torch.arange(len(features.opinion)) % 9 == 0
    known = replace(
        features,
        opinion=torch.where(rated, torch.linspace(0, 1, len(rated)), torch.nan),
        photo_severities=features.photo_severities.masked_fill(rated[:, None], torch.nan),
        face_severities=features.face_severities.masked_fill(rated[:, None], torch.nan),
    )
    first = []
    for mixing in (0.0, 0.5):
        network = tiny.network(tiny.LITE)
        fit_standardisation(network, known)
        settings = HeadSettings(epochs=1, photos_per_batch=50, feature_dropout=0.0, mixing=mixing)
        train_heads(network, known, settings, lambda _epoch, losses, _measured: first.append(losses))
    assert first[0]["opinion"] != pytest.approx(first[1]["opinion"])
    assert first[0]["same_photo"] == pytest.approx(first[1]["same_photo"])
