"""The readers of pixel statistics, beside heads that see everything."""

from dataclasses import replace

import pytest
import torch

from piqa_cli.model.checkpoint import load_model, save_model
from piqa_cli.model.network import READER_SHARE, DualBranchNet
from piqa_cli.model.reader import OUTPUTS, REACH, STATISTICS_SCALE, PixelReader
from piqa_cli.model.statistics import WIDTH
from tests.model import tiny


def features_of(network, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {v.cut: torch.randn(3, 1, network.view_width(v), generator=generator) for v in network.views}


@pytest.fixture
def network():
    return tiny.network(tiny.LITE)


def test_a_reader_sees_no_farther_than_its_reach():
    torch.manual_seed(0)
    reader = PixelReader(2, 16).eval()
    seen = torch.randn(4, 2 * WIDTH) * STATISTICS_SCALE
    far, farther = seen.clone(), seen.clone()
    far[:, 3], farther[:, 3] = REACH * STATISTICS_SCALE, 1e6
    with torch.inference_mode():
        assert reader(seen).shape == (4, OUTPUTS)
        assert torch.equal(reader(far), reader(farther))
        assert not torch.allclose(reader(far), reader(seen))


def test_severities_are_log_odds_of_head_and_reader(network):
    features = features_of(network)
    with torch.inference_mode():
        before = network.from_features(features)
        network.photo_reader[-1].bias[2] += 2.0
        after = network.from_features(features)
    moved = after.photo_defects.logit() - before.photo_defects.logit()
    assert torch.allclose(moved[:, 2], torch.tensor(2.0 * READER_SHARE), atol=1e-3)
    assert torch.allclose(moved[:, [0, 1, 3, 4, 5, 6, 7, 8]], torch.tensor(0.0), atol=1e-4)
    assert torch.equal(after.face_defects, before.face_defects)
    assert not torch.allclose(after.raw, before.raw)  # the score hears of it


def test_the_score_hears_of_the_quality_that_a_reader_misses(network):
    features = features_of(network)
    with torch.inference_mode():
        before, face_before = network.from_features(features), network.faces_from_features(features)
        network.face_reader[-1].bias[-1] += 2.0
        after, face_after = network.from_features(features), network.faces_from_features(features)
    assert torch.equal(after.photo_defects, before.photo_defects)
    assert torch.equal(face_after.defects, face_before.defects)
    assert not torch.allclose(after.raw, before.raw)
    assert not torch.allclose(face_after.raw, face_before.raw)


def test_the_reader_of_the_face_does_not_see_the_frame(network):
    features = features_of(network)
    frame = {**features, "frame": features["frame"] + 5}
    face = {**features, "face": features["face"] + 5}
    with torch.inference_mode():
        plain = network.from_features(features).face_defects
        assert torch.equal(network.from_features(frame).face_defects, plain)
        assert not torch.allclose(network.from_features(face).face_defects, plain)


def test_a_reader_sees_the_statistics_and_nothing_else(network):
    features = features_of(network)
    backbone = {cut: values.clone() for cut, values in features.items()}
    for values in backbone.values():
        values[..., :-WIDTH] += 5
    pixels = {cut: values.clone() for cut, values in features.items()}
    for values in pixels.values():
        values[..., -WIDTH:] += 5
    for head in (network.photo_defects, network.face_defects):
        torch.nn.init.zeros_(head[0].weight)  # they see nothing: only the readers speak
    with torch.inference_mode():
        plain = network.from_features(features).photo_defects
        assert torch.equal(network.from_features(backbone).photo_defects, plain)
        assert not torch.allclose(network.from_features(pixels).photo_defects, plain)


@pytest.mark.parametrize("without", [{"reader": 0}, {"statistics": False}, {"auxiliary": "none"}], ids=str)
def test_there_are_none_where_nothing_is_to_be_read_or_named(without):
    network = DualBranchNet(replace(tiny.LITE, **without))
    assert network.photo_reader is None
    assert network.face_reader is None
    with torch.inference_mode():
        assert network.eval().from_features(features_of(network)).raw.isfinite().all()


def test_readers_are_kept_with_the_model(network, tmp_path):
    save_model(network, tmp_path, half=False)
    features = features_of(network)
    with torch.inference_mode():
        assert torch.equal(load_model(tmp_path).from_features(features).raw, network.from_features(features).raw)


def test_in_training_the_score_is_at_times_without_the_readers_and_severities_never(network):
    features = {cut: values[:1].expand(64, -1, -1) for cut, values in features_of(network).items()}
    network.hearing.train()
    with torch.inference_mode():
        output, faces = network.from_features(features), network.faces_from_features(features)
    assert len(set(output.raw.tolist())) == 4  # each of the two readers heard or not
    assert len(set(faces.raw.tolist())) == 2
    assert torch.allclose(output.photo_defects, output.photo_defects[:1], atol=1e-6)
    network.eval()
    with torch.inference_mode():
        assert len(set(network.from_features(features).raw.tolist())) == 1
