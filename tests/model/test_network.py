from dataclasses import replace

import pytest
import torch

from piqa_cli.errors import ModelError
from piqa_cli.model.backbone import fuse_batch_norms
from piqa_cli.model.config import BackboneConfig
from piqa_cli.model.network import LIQE_WIDTH, DefectCost, DualBranchNet
from piqa_cli.model.presets import DN_PIQA, PIQA_LITE
from piqa_cli.model.reader import OUTPUTS
from piqa_cli.model.statistics import WIDTH
from tests.model import tiny


def views_of(config, batch, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {
        v.cut: torch.randn(batch, 5 if v.fit == "crops" else 1, 3, v.size, v.size, generator=generator)
        for v in config.preprocess.views
    }


@pytest.mark.parametrize("config", [tiny.LITE, tiny.CROPPED], ids=lambda c: c.name)
def test_a_batch_equals_one_by_one(config):
    network, views = tiny.network(config), views_of(config, 3)
    with torch.inference_mode():
        together = network(views).raw
        alone = torch.cat([network({c: v[i : i + 1] for c, v in views.items()}).raw for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_the_score_is_the_mean_over_crops_paired_by_place():
    network, views = tiny.network(tiny.CROPPED), views_of(tiny.CROPPED, 2)
    with torch.inference_mode():
        output = network(views)
        third = network({cut: pixels[:, 2:3] for cut, pixels in views.items()})
    assert output.crops.shape == (2, 5)
    torch.testing.assert_close(output.raw, output.crops.mean(dim=1))
    torch.testing.assert_close(output.crops[:, 2], third.raw, atol=1e-5, rtol=1e-5)


def test_severities_are_shares_and_feed_the_score():
    network, views = tiny.network(tiny.LITE), views_of(tiny.LITE, 2)
    with torch.inference_mode():
        output = network(views)
        assert output.photo_defects.shape == output.face_defects.shape == (2, 9)
        assert ((output.photo_defects > 0) & (output.photo_defects < 1)).all()
        network.photo_defects[3].bias += 3
        assert not torch.allclose(network(views).raw, output.raw)


def test_the_face_head_reads_the_face_and_not_the_frame():
    network, views = tiny.network(tiny.LITE), views_of(tiny.LITE, 2)
    other = views_of(tiny.LITE, 2, seed=1)
    with torch.inference_mode():
        features = network.features(views)
        scores = network.faces_from_features(features).raw
        own = network.faces_from_features(network.features({cut: views[cut] for cut in ("face", "detail")})).raw
        changed = network.faces_from_features(network.features({**views, "face": other["face"]})).raw
    torch.testing.assert_close(scores, own)
    assert not torch.allclose(own, changed)


def test_branches_have_weights_of_their_own():
    network = tiny.network(tiny.LITE)
    full = {id(p) for p in network.full.parameters()}
    assert full.isdisjoint({id(p) for p in network.face.parameters()})


def test_liqe_features_are_required_where_the_configuration_says_so():
    config = replace(tiny.CROPPED, auxiliary="liqe")
    network, views = tiny.network(config), views_of(config, 2)
    with pytest.raises(ValueError, match="LIQE"):
        network(views)
    with torch.inference_mode():
        low, high = (network(views, torch.full((2, LIQE_WIDTH), value)).raw for value in (0.0, 1.0))
    assert not torch.allclose(low, high)


def test_standardisation_is_the_identity_until_it_is_set():
    network, views = tiny.network(tiny.LITE), views_of(tiny.LITE, 1)
    with torch.inference_mode():
        before = network.features(views)["face"]
        network.standardise["face"].mean += 1.0
        torch.testing.assert_close(network.features(views)["face"], before - 1.0, atol=1e-4, rtol=1e-4)


def test_the_linear_reader_says_nothing_until_it_is_fitted_and_is_then_added():
    network, views = tiny.network(tiny.LITE), views_of(tiny.LITE, 2)
    plain = tiny.network(replace(tiny.LITE, linear=False))
    with torch.inference_mode():
        features = network.features(views)
        before = network.from_features(features).raw
        assert torch.equal(before, plain.from_features(features).raw)
        network.linear.weight[3] = 0.5
        network.linear.bias += 2
        added = network.from_features(features).raw - before
    torch.testing.assert_close(added, 2 + 0.5 * features["frame"][:, 0, 3], atol=1e-5, rtol=1e-5)


def test_the_linear_reader_of_faces_is_added_to_their_score_alone():
    network, views = tiny.network(tiny.LITE), views_of(tiny.LITE, 2)
    with torch.inference_mode():
        features = network.features(views)
        photo, before = network.from_features(features).raw, network.faces_from_features(features).raw
        network.face_linear.weight[5] = 0.5
        network.face_linear.bias += 2
        added = network.faces_from_features(features).raw - before
        assert torch.equal(network.from_features(features).raw, photo)
    torch.testing.assert_close(added, 2 + 0.5 * features["face"][:, 0, 5], atol=1e-5, rtol=1e-5)


def test_defects_cost_nothing_until_it_is_set_and_then_by_the_root_of_the_worse_of_photo_and_face():
    network, views = tiny.network(tiny.LITE), views_of(tiny.LITE, 2)
    with torch.inference_mode():
        features = network.features(views)
        free, free_faces = network.from_features(features), network.faces_from_features(features)
        network.cost.each.fill_(0.5)
        network.face_cost.each.fill_(2.0)
        costly, costly_faces = network.from_features(features), network.faces_from_features(features)
        plain = tiny.network(replace(tiny.LITE, defect_cost=False))
        torch.testing.assert_close(plain.from_features(features).raw, free.raw)
    worse = torch.maximum(free.photo_defects, free.face_defects)
    torch.testing.assert_close(costly.raw, free.raw - 0.5 * worse.sqrt().sum(dim=1))
    torch.testing.assert_close(costly_faces.raw, free_faces.raw - 2.0 * free_faces.defects.sqrt().sum(dim=1))


def test_a_defect_that_is_not_there_at_all_leaves_gradients_finite():
    cost = DefectCost()
    cost.each.fill_(1.0)
    severities = torch.tensor([[[0.0, 0.25]]], requires_grad=True)
    cost(severities).sum().backward()
    assert severities.grad.tolist() == [[[0.0, 1.0]]]


def test_rescaled_faces_keep_their_order_and_their_distances():
    network, views = tiny.network(tiny.LITE), views_of(tiny.LITE, 3)
    with torch.inference_mode():
        network.face_linear.weight.fill_(0.01)
        network.face_linear.bias.fill_(0.3)
        network.face_cost.each.fill_(0.75)
        features = network.features(views)
        before = network.faces_from_features(features).raw
        network.rescale_faces(1.7, -0.4)
        after = network.faces_from_features(features).raw
    torch.testing.assert_close(after, 1.7 * before - 0.4, atol=1e-5, rtol=1e-5)


def test_the_published_network_has_the_published_widths():
    with torch.device("meta"):
        network = DualBranchNet(DN_PIQA)
    assert network.head[0].weight.shape == (128, 1024 + 1024 + 495)
    assert network.head[3].weight.shape == (1, 128)


def test_the_default_reads_every_stage_and_the_pixels():
    network = DualBranchNet(PIQA_LITE)
    assert network.full.width == network.face.width == 1024
    assert network.head[0].weight.shape == (128, 4 * (1024 + WIDTH) + 18 + 2 * OUTPUTS)
    assert network.photo_reader[0].weight.shape == (256, 4 * WIDTH)
    assert network.face_reader[0].weight.shape == (256, 3 * WIDTH)


def test_an_unknown_backbone_is_a_model_error():
    with pytest.raises(ModelError, match="no_such_net"):
        DualBranchNet(replace(tiny.LITE, full=BackboneConfig("no_such_net")))


def test_fused_batch_norms_change_nothing():
    network, views = tiny.network(tiny.LITE), views_of(tiny.LITE, 2)
    for norm in (m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_(), norm.running_var.uniform_(0.5, 2)
    with torch.inference_mode():
        before = network(views).raw
        fuse_batch_norms(network.full)
        fuse_batch_norms(network.face)
        after = network(views).raw
    left = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert not left
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)
