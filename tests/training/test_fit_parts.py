"""Learning rate, averaged weights, stages, dropout, labels, the 0-100 map: each alone."""

import errno
import math
from dataclasses import replace

import polars as pl
import pytest
import torch
from torch import nn

from piqa_cli.errors import OutputError
from piqa_cli.model.config import ScoreMapConfig
from piqa_training.fit.best import chosen_by, chosen_value
from piqa_training.fit.ema import Average
from piqa_training.fit.labels import SPREAD, label_scales, labels_of
from piqa_training.fit.optimiser import build_optimiser, set_rate
from piqa_training.fit.placement import align_face_head, fresh_map, matched_map
from piqa_training.fit.schedule import rate_factor
from piqa_training.fit.stages import stage_of_parameters, stages
from piqa_training.fit.state import save_start, written
from piqa_training.fit.unit import Place, SharedDropout, freeze, share_dropout, training_mode
from piqa_training.manifest import SCHEMA, Manifest
from piqa_training.settings import OptimiserSettings, RunSettings, TrainSettings
from tests.model import tiny


@pytest.mark.parametrize(
    ("settings", "progress", "factor"),
    [
        (OptimiserSettings(schedule="step"), 1.99, 1),
        (OptimiserSettings(schedule="step"), 2, 0.9),
        (OptimiserSettings(schedule="step"), 9.5, 0.9**4),
        (OptimiserSettings(schedule="constant"), 9, 1),
        (OptimiserSettings(schedule="cosine"), 0, 1),
        (OptimiserSettings(schedule="cosine"), 5, 0.5),
        (OptimiserSettings(schedule="cosine"), 10, 0),
        (OptimiserSettings(schedule="constant", warmup=1), 0.5, pytest.approx(0.5, abs=0.01)),
        (OptimiserSettings(schedule="cosine", warmup=2), 2, 1),
        (OptimiserSettings(schedule="cosine", warmup=2), 6, 0.5),
    ],
)
def test_learning_rate(settings, progress, factor):
    assert rate_factor(settings, progress, 10) == pytest.approx(factor, abs=1e-9)


def test_an_epoch_with_equal_scores_is_no_better_than_one_that_correlates():
    flat, good = {"mean.srcc": None, "pair_accuracy": 0.5}, {"mean.srcc": 0.4, "pair_accuracy": 0.6}
    bad = {"mean.srcc": -0.4, "pair_accuracy": 0.4}
    settings = TrainSettings()
    assert chosen_value(bad, settings) < chosen_value(flat, settings) < chosen_value(good, settings)
    assert chosen_by([flat, good], settings) == "mean.srcc"


def test_what_epochs_are_judged_by_where_nothing_correlates():
    two_photos = {"mean.srcc": None, "median.srcc": None, "pair_accuracy": 0.75, "n": 2}
    settings = TrainSettings(run=RunSettings(best_by="median.srcc"))
    assert chosen_by([two_photos], settings) == "pair_accuracy"
    assert chosen_by([{"mean.srcc": None, "pair_accuracy": None, "n": 1}], settings) is None
    assert chosen_by([{}], settings) is None
    by_pairs = TrainSettings(run=RunSettings(best_by="pair_accuracy"))
    assert chosen_value(two_photos, by_pairs) == 0.75


def test_a_warm_up_starts_above_nothing():
    assert 0 < rate_factor(OptimiserSettings(warmup=1), 0, 10) < 0.05


def test_average_follows_by_the_decay_and_counts_batches_as_they_are():
    layer = nn.BatchNorm1d(1)
    average = Average(layer, 0.5)
    average.steps = 1000  # the start is over
    with torch.no_grad():
        layer.weight.fill_(3.0)
    layer.num_batches_tracked.fill_(7)
    average.update(layer)
    assert average.state()["weight"].item() == pytest.approx(1 + (3 - 1) * 0.5)
    assert average.state()["num_batches_tracked"].item() == 7


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("lcnet_035", "conv_stem.weight", "blocks.5"), ("resnet10t", "conv1.0.weight", "layer4"),
     ("vit_tiny_patch16_224", "cls_token", "norm.weight"), ("swin_tiny_patch4_window7_224", "patch_embed", "layers.3")],
)  # fmt: skip
def test_stages_of_any_network(name, first, last):
    from piqa_cli.model.backbone import Backbone
    from piqa_cli.model.config import BackboneConfig

    net = Backbone(BackboneConfig(name), 224).net
    numbers = stage_of_parameters(net)
    assert stages(net) >= 4
    assert {n for key, n in numbers.items() if key.startswith(first)} == {0}
    assert {n for key, n in numbers.items() if key.startswith(last)} == {stages(net) - 1}
    assert list(numbers.values()) == sorted(numbers.values())


def test_frozen_stages_keep_weights_and_statistics():
    network = tiny.network(tiny.LITE)
    settings = TrainSettings(run=RunSettings(frozen_stages=2))
    freeze(network, settings)
    training_mode(network, settings, frozen_norms=False)
    numbers = stage_of_parameters(network.full.net)
    for name, parameter in network.full.net.named_parameters():
        assert parameter.requires_grad == (numbers[name] >= 2)
    norms = [m.training for m in network.full.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms == sorted(norms)  # the first ones rest, the last ones do not
    assert set(norms) == {False, True}
    training_mode(network, settings, frozen_norms=True)
    assert not any(m.training for m in network.full.modules() if isinstance(m, nn.BatchNorm2d))
    assert network.head.training
    assert not network.hearing.training  # or processes would not agree


def test_layer_decay_and_head_factor_set_each_rate():
    network = tiny.network(tiny.LITE)
    settings = OptimiserSettings(name="adamw", layer_decay=0.5, head_factor=3, weight_decay=0.1)
    optimiser = build_optimiser(network, nn.Module(), settings)
    set_rate(optimiser, 1e-3)
    rates = {id(p): g["lr"] for g in optimiser.param_groups for p in g["params"]}
    decays = {id(p): g["weight_decay"] for g in optimiser.param_groups for p in g["params"]}
    count = stages(network.full.net)
    assert rates[id(network.full.net.conv_stem.weight)] == pytest.approx(1e-3 * 0.5**count)
    assert rates[id(network.head[0].weight)] == pytest.approx(3e-3)
    assert decays[id(network.head[0].weight)] == 0.1
    assert decays[id(network.head[0].bias)] == 0
    assert len(rates) == len(list(network.parameters()))


def test_dropout_is_that_of_the_global_batch():
    values = torch.ones(6, 1, 32)
    whole, part = SharedDropout(0.5, Place(5, 0, 6), 0), SharedDropout(0.5, Place(5, 3, 6), 0)
    assert torch.equal(whole(values)[3:], part(values[3:]))
    assert not torch.equal(whole(values)[:3], part(values[3:]))
    assert not torch.equal(whole(values), SharedDropout(0.5, Place(6, 0, 6), 0)(values))
    assert torch.equal(whole.eval()(values), values)
    mean = SharedDropout(0.3, Place(1, 0, 500), 0)(torch.ones(500, 1, 32)).mean()
    assert mean.item() == pytest.approx(1, abs=0.02)


def test_shared_dropout_changes_no_weight():
    network = tiny.network(tiny.LITE)
    names = list(network.state_dict())
    share_dropout(network, Place())
    assert list(network.state_dict()) == names
    assert sum(isinstance(m, SharedDropout) for m in network.modules()) == 8


def manifest(rows):
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return Manifest(frame)


def test_labels_are_scaled_within_scenes_and_numbered_over_data_sets():
    table = manifest(
        [("a", 0.0, 0.1, "s", "train", "mine"), ("b", 0.2, None, "s", "train", "mine"),
         ("c", 0.9, None, "t", "train", "mine"), ("d", 1.1, None, "t", "train", "mine"),
         ("e", -2.0, 0.5, "s", "train", "piq23"), ("f", 1.0, 0.5, "s", "train", "piq23")]
    )  # fmt: skip
    scales = label_scales(table, "auto")
    assert scales == {"mine": pytest.approx(SPREAD / 0.1), "piq23": 1.0}
    labels = labels_of(table, scales)
    assert labels.label.tolist() == pytest.approx([0, 4, 18, 22, -2, 1])
    assert labels.std[0].item() == pytest.approx(2)
    assert labels.std.isnan().tolist() == [False, True, True, True, False, False]
    assert labels.group.tolist() == [0, 0, 1, 1, 2, 2]
    assert labels.dataset.tolist() == [0, 0, 0, 0, 1, 1]
    assert label_scales(table, "as_is") == {"mine": 1, "piq23": 1}


def scores(raw, score_map):
    return 100 * torch.sigmoid((raw - score_map.center) / score_map.scale)


def test_a_matched_map_undoes_shift_and_stretch():
    torch.manual_seed(0)
    start, score_map = torch.randn(200), ScoreMapConfig(0.3, 0.7)
    trained = 5 + 3 * start
    assert torch.allclose(scores(trained, matched_map(trained, start, score_map)), scores(start, score_map), atol=1e-3)


def test_a_matched_map_keeps_median_and_spread_of_other_scores():
    torch.manual_seed(0)
    start, trained, score_map = torch.randn(500), torch.randn(500) * 4 - 9, ScoreMapConfig(1.0, 2.0)
    old, new = scores(start, score_map), scores(trained, matched_map(trained, start, score_map))
    assert new.median().item() == pytest.approx(old.median().item(), abs=0.5)
    assert (new.quantile(0.84) - new.quantile(0.16)).item() == pytest.approx(
        (old.quantile(0.84) - old.quantile(0.16)).item(), rel=0.02
    )


def test_constant_outputs_keep_a_usable_map():
    assert matched_map(torch.ones(9), torch.randn(9), ScoreMapConfig(0, 2)).scale == 2
    assert fresh_map(torch.ones(9)) == ScoreMapConfig(1, 1)


def test_a_fresh_map_gives_the_median_photo_50():
    raw = torch.linspace(-3, 9, 101)
    found = scores(raw, fresh_map(raw))
    assert found.median().item() == pytest.approx(50, abs=1e-3)
    assert found.quantile(0.84).item() == pytest.approx(75, abs=1e-3)
    assert found.quantile(0.16).item() == pytest.approx(25, abs=1e-3)


def test_face_scores_keep_their_place_too():
    network = tiny.network(tiny.LITE)
    before = ScoreMapConfig(0.0, 1.0)
    torch.manual_seed(1)
    hidden = torch.randn(100, network.face_head[0].in_features)
    start = torch.randn(100) * 0.5 + 0.2
    with torch.no_grad():
        raw = network.face_head.eval()(hidden).squeeze(1)
    network.config = replace(network.config, score_map=ScoreMapConfig(4.0, 2.5))
    align_face_head(network, before, raw, start)
    with torch.no_grad():
        aligned = scores(network.face_head(hidden).squeeze(1), network.config.score_map)
    assert aligned.median().item() == pytest.approx(scores(start, before).median().item(), abs=1)
    assert math.isfinite(aligned.sum().item())


def test_weights_that_cannot_be_written_are_named(tmp_path):
    (tmp_path / "checkpoint" / ".start.safetensors.tmp").mkdir(parents=True)  # safetensors has an error of its own
    with pytest.raises(OutputError, match=r"start\.safetensors: cannot be written"):
        save_start({"weight": torch.ones(3)}, tmp_path)


def test_a_full_disk_keeps_the_old_file_and_nothing_of_the_new_one(tmp_path):
    def fill(path):
        path.write_text("half", encoding="utf-8")
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "state").write_text("whole", encoding="utf-8")
    with pytest.raises(OutputError, match="state: cannot be written: No space left on device"):
        written(tmp_path / "state", fill)
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [("state", "whole")]
