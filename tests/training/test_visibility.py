"""The heads learn severities on a scale on which mild damage is not next to none."""

import pytest
import torch

from piqa_cli.model.network import statistics_part
from piqa_cli.records import DEFECTS
from piqa_training.features import FeatureSet
from piqa_training.heads import truth_of
from piqa_training.measures import measure
from piqa_training.readers import ReaderSettings, train_readers
from piqa_training.visibility import visibility
from tests.model import tiny


def test_none_and_all_stay_and_mild_damage_is_far_from_none():
    found = visibility(torch.tensor([0.0, 0.01, 0.25, 1.0, float("nan")]))
    assert torch.allclose(found[:4], torch.tensor([0.0, 0.1, 0.5, 1.0]), atol=1e-5)
    assert found[4].isnan()


def test_heads_are_trained_on_it():
    severities = torch.rand(4, len(DEFECTS), generator=torch.Generator().manual_seed(0))
    nothing, no = torch.zeros(4), torch.zeros(4, dtype=torch.bool)
    features = FeatureSet({}, severities, severities / 2, nothing, nothing, nothing, torch.arange(4), no, no)
    truth = truth_of(features, torch.tensor([2, 0]))
    assert torch.equal(truth.photo_severities, visibility(severities[[2, 0]]))
    assert torch.equal(truth.face_severities, visibility(severities[[2, 0]] / 2))


def test_readers_are_trained_on_it():
    network, count = tiny.network(tiny.LITE), 256
    mild, no = torch.full((count, len(DEFECTS)), 0.25), torch.zeros(count, dtype=torch.bool)
    views = {view.cut: torch.zeros(count, network.view_width(view)) for view in network.views}
    nothing = torch.zeros(count)
    features = FeatureSet(views, mild, mild, nothing, nothing, nothing, torch.arange(count), no, no)
    torch.manual_seed(0)
    train_readers(network, views, features, ReaderSettings(epochs=60, batch=64), torch.Generator().manual_seed(0))
    for reader, seen in ((network.photo_reader, network.views), (network.face_reader, network.face_views)):
        with torch.inference_mode():
            found = reader.eval()(statistics_part({c: v[:1, None] for c, v in views.items()}, seen))
        assert torch.allclose(found[:, : len(DEFECTS)].sigmoid(), torch.tensor(0.5), atol=0.05)


def test_estimates_are_measured_against_it():
    network, count = tiny.network(tiny.LITE).eval(), 6
    mild, nothing = torch.full((count, len(DEFECTS)), 0.25), torch.zeros(count)
    views = {view.cut: torch.zeros(count, network.view_width(view)) for view in network.views}
    held_out = torch.ones(count, dtype=torch.bool)
    features = FeatureSet(views, mild, mild, nothing, nothing, nothing, torch.arange(count), held_out, held_out)
    with torch.inference_mode():
        for module in (network.photo_defects[-1], network.photo_reader[-1]):
            module.weight.zero_()
            module.bias.zero_()  # estimates of one half
    assert measure(network, views, features).defects == pytest.approx(1.0)
