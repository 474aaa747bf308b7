"""The linear reader learns opinions from photos and defects from their versions, and no tone."""

from dataclasses import replace

import pytest
import torch

from piqa_training.features import FeatureSet
from piqa_training.linear import LinearSettings, fit_linear_reader
from tests.model import tiny

NARROW = replace(tiny.NARROW, statistics=False, reader=0)
LIKED, BLUR, TONE = 0, 1, 2  # the feature that opinions, the degree of damage, and the tone of a photo show in
VERSIONS = 4
PHOTOS = 400  # of each kind: rated, degraded, in other tones
SETTINGS = LinearSettings(ridge=5.0, degraded=1.0)


def samples(network):
    """Noise, but for three features of the frame; what people like is at times a tone."""
    generator = torch.Generator().manual_seed(5)
    opinion = torch.rand(PHOTOS, generator=generator)
    lost = torch.rand(PHOTOS * VERSIONS, generator=generator)
    lost[::VERSIONS] = 0
    count = PHOTOS * (1 + 2 * VERSIONS)
    features = {v.cut: torch.randn(count, network.view_width(v), generator=generator) * 0.3 for v in network.views}
    rated, degraded = slice(0, PHOTOS), slice(PHOTOS, PHOTOS * (1 + VERSIONS))
    features["frame"][rated, LIKED] += 4 * opinion
    features["frame"][rated, TONE] += 2 * opinion
    features["frame"][degraded, BLUR] += 4 * lost
    features["frame"][degraded.stop :, TONE] += 4 * torch.rand(PHOTOS * VERSIONS, generator=generator)
    nothing, nan = torch.zeros(PHOTOS), float("nan")
    loss = torch.cat([nothing, lost, torch.zeros(PHOTOS * VERSIONS)])
    severities = loss[:, None].repeat(1, 9)
    severities[rated] = nan
    photo = torch.cat([torch.arange(PHOTOS), torch.arange(PHOTOS, 3 * PHOTOS).repeat_interleave(VERSIONS)])
    return FeatureSet(
        features,
        photo_severities=severities,
        face_severities=severities,
        loss=loss,
        face_loss=loss,
        opinion=torch.cat([opinion, torch.full((2 * PHOTOS * VERSIONS,), nan)]),
        photo=photo,
        has_face=torch.ones(count, dtype=torch.bool),
        val=photo % 5 == 0,
    )


@pytest.fixture(scope="module")
def features():
    return samples(tiny.network(NARROW))


def fitted(features, settings=SETTINGS):
    network = tiny.network(NARROW)
    fit_linear_reader(network, features, settings)
    return network


@pytest.fixture(scope="module")
def network(features):
    return fitted(features)


def read(network, features, rows):
    seen = torch.cat([features.features[view.cut][rows] for view in network.views], dim=1)
    return network.linear(seen[None])[0]


def test_held_out_photos_are_read_as_people_judge_them(network, features):
    rows = features.val & features.opinion.isfinite()
    found = torch.stack([read(network, features, rows), features.opinion[rows]])
    assert found.corrcoef()[0, 1] > 0.75
    assert float(read(network, features, features.opinion.isfinite()).mean()) == pytest.approx(0, abs=0.05)
    assert 0.5 * SETTINGS.raw < found[0].std() / found[1].std() < SETTINGS.raw


def test_damage_costs_what_the_settings_say(network, features):
    rows = features.val & (features.loss > 0)
    found = torch.stack([read(network, features, rows), features.loss[rows]])
    slope = found.cov()[0, 1] / found[1].var()
    assert float(slope) == pytest.approx(-SETTINGS.raw * SETTINGS.opinion_lost, rel=0.3)


def test_tones_of_an_undegraded_photo_hardly_matter(network, features):
    toned = abs(float(network.linear.weight[TONE]))
    free = fitted(features, replace(SETTINGS, undegraded=0.0, degraded=0.0))
    assert toned < 0.3 * abs(float(free.linear.weight[TONE]))
    degraded_alone = fitted(features, replace(SETTINGS, undegraded=0.0))
    assert toned < 0.7 * abs(float(degraded_alone.linear.weight[TONE]))
    assert toned < 0.1 * float(network.linear.weight[LIKED])


def test_held_out_samples_teach_nothing(network, features):
    wrong = torch.where(features.val, 1 - features.opinion, features.opinion)
    lost = torch.where(features.val, 1 - features.loss, features.loss)
    misled = fitted(replace(features, opinion=wrong, loss=lost))
    assert torch.equal(network.linear.weight, misled.linear.weight)


def test_without_opinions_it_learns_the_damage_alone(features):
    network = fitted(replace(features, opinion=torch.full_like(features.opinion, float("nan"))))
    weight = network.linear.weight
    assert weight[BLUR] < 0
    assert weight.abs().argmax() == BLUR
    assert float(network.linear.bias) == 0


def test_a_network_without_one_stays_as_it_is():
    plain = tiny.network(replace(NARROW, linear=False, face_linear=False))
    before = {name: tensor.clone() for name, tensor in plain.state_dict().items()}
    fit_linear_reader(plain, samples(plain), SETTINGS)
    assert all(torch.equal(before[name], tensor) for name, tensor in plain.state_dict().items())


def test_the_reader_of_faces_learns_from_faces_alone(features):
    liked = {**features.features, "face": features.features["frame"]}
    network = fitted(replace(features, features=liked, face_loss=features.loss))
    weight = network.face_linear.weight
    assert weight[LIKED] > 0.3 < -weight[BLUR]
    assert weight[network.view_width(network.views[1]) :].abs().max() < 0.3
    without = fitted(replace(features, features=liked, has_face=torch.zeros_like(features.has_face)))
    assert without.face_linear.weight.abs().max() == 0


def test_the_reader_of_faces_learns_the_damage_of_the_face(features):
    own = {**features.features, "face": features.features["frame"]}
    spared = fitted(replace(features, features=own, face_loss=torch.zeros_like(features.loss)))
    assert abs(float(spared.face_linear.weight[BLUR])) < 0.05
    assert spared.linear.weight[BLUR] < -0.1
