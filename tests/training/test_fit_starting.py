"""Starting weights: models, files, branches of other models; another architecture is refused in one line."""

import pickle
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from piqa_cli.errors import ModelError, UsageError
from piqa_cli.model.checkpoint import save_model
from piqa_cli.model.config import LEAST_FOR_STATISTICS
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.published import import_published
from piqa_cli.model.reader import DROPOUT
from piqa_training.settings import NetworkSettings
from piqa_training.starting import PRESETS, configuration, default_source, options_for, starting_point
from tests.model import tiny
from tests.model.published import SMALL, filled, gfiqa_layout, lsvq_layout
from tests.training.fitting import make_start

SCRATCH = NetworkSettings(backbone="lcnet_035", size=64, pretrained="none")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_start(tmp_path_factory.mktemp("models") / "tiny")


def equal(first, second):
    return all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("source", ["none", "timm"])
def test_views_too_small_for_the_statistics_are_refused_at_once(source):
    small = NetworkSettings(size=LEAST_FOR_STATISTICS - 1, pretrained=source)
    with pytest.raises(UsageError, match=r"network\.size = 39: piqa-lite cannot read so small a view") as caught:
        starting_point(small, 0)
    assert caught.value.hint == "give --size 40 or more"


def test_the_smallest_views_have_statistics():
    network = DualBranchNet(configuration(replace(SCRATCH, size=LEAST_FOR_STATISTICS))).eval()
    images = torch.rand(2, 3, LEAST_FOR_STATISTICS, LEAST_FOR_STATISTICS)
    with torch.inference_mode():
        assert network.describe(network.views[0], images).isfinite().all()
    with torch.inference_mode(), pytest.raises((IndexError, RuntimeError)):
        network.describe(network.views[0], images[..., 1:, 1:])


def test_the_embedded_model_is_the_default():
    assert default_source(NetworkSettings()) == "piqa-lite"
    assert default_source(NetworkSettings(preset="dn-piqa")) == "timm"
    assert default_source(NetworkSettings(backbone="resnet18")) == "timm"
    start = starting_point(NetworkSettings(), 0)
    assert start.from_model
    assert start.network.config.name == "piqa-lite"


def test_a_model_is_taken_as_it_is(model):
    start = starting_point(NetworkSettings(pretrained=str(model), dropout=0.4), 0)
    assert start.from_model
    assert equal(start.network, tiny.network(tiny.LITE, 1))
    assert start.network.head[2].p == 0.4
    assert start.network.config.dropout == 0.4


def test_dropout_is_that_of_the_heads_as_it_is_after_a_resume(model):
    network = starting_point(NetworkSettings(pretrained=str(model), dropout=0.4), 0).network
    resumed = DualBranchNet(network.config)
    assert [m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)] == [
        m.p for m in resumed.modules() if isinstance(m, torch.nn.Dropout)
    ]
    assert network.photo_reader[2].p == DROPOUT
    assert network.head[2].p == 0.4


def test_from_nothing_the_seed_decides():
    first, again, other = (starting_point(SCRATCH, seed).network for seed in (1, 1, 2))
    assert equal(first, again)
    assert not equal(first, other)
    assert not starting_point(SCRATCH, 0).from_model


def test_defect_heads_come_only_from_a_model_or_when_asked_for():
    assert configuration(SCRATCH).auxiliary == "none"
    assert configuration(replace(SCRATCH, auxiliary="defects")).auxiliary == "defects"


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_of_weights_fills_both_branches(tmp_path, suffix):
    net = tiny.network(tiny.LITE, 7).full.net
    path = tmp_path / f"lcnet{suffix}"
    tensors = {**net.state_dict(), "classifier.weight": torch.zeros(3, 3)}
    if suffix == ".pth":
        torch.save({"state_dict": {f"module.{name}": t for name, t in tensors.items()}}, path)
    else:
        save_file(tensors, path)
    start = starting_point(replace(SCRATCH, pretrained=str(path)), 0)
    assert equal(start.network.full.net, net)
    assert equal(start.network.face.net, net)
    assert not start.from_model


def test_weights_of_another_architecture_are_refused(tmp_path):
    path = tmp_path / "lcnet.safetensors"
    save_file(dict(tiny.network(tiny.LITE).full.net.state_dict()), path)
    with pytest.raises(ModelError, match=r"weights of another architecture: \d+ of \d+ tensors"):
        starting_point(replace(SCRATCH, backbone="resnet10t", pretrained=str(path)), 0)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return (print, ("run",))

    path = tmp_path / "trap.pth"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelError, match=r"trap\.pth: needs more than weights to be loaded"):
        starting_point(replace(SCRATCH, pretrained=str(path)), 0)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"pretrained": "no-such-model"}, ModelError, "no model 'no-such-model'"),
        ({"pretrained": "gone.pth"}, ModelError, "gone.pth"),
        ({"backbone": "nonsense"}, ModelError, "backbone 'nonsense' cannot be built"),
        ({"auxiliary": "liqe"}, UsageError, "no model with LIQE's weights was named"),
        ({"auxiliary": "liqe", "liqe": "piqa-lite"}, UsageError, "has no liqe.safetensors"),
    ],
)
def test_what_cannot_be_used_is_named(changes, error, words):
    with pytest.raises(error) as found:
        starting_point(replace(SCRATCH, **changes), 0)
    assert words in found.value.message
    assert found.value.hint or "gone" in words


@pytest.mark.parametrize(
    "changes", [{"backbone": "resnet18"}, {"size": 32}, {"auxiliary": "none"}, {"pooling": "last"}]
)
def test_a_model_of_another_architecture_is_refused(model, changes):
    with pytest.raises(ModelError, match="is of another architecture than asked for"):
        starting_point(NetworkSettings(pretrained=str(model), **changes), 0)


def test_one_branch_of_another_model(model, tmp_path):
    other = tiny.network(tiny.LITE, 9)
    other.standardise["face"].mean.fill_(3)
    save_model(other, tmp_path / "other", half=False)
    start = starting_point(NetworkSettings(pretrained=str(model), face_from=str(tmp_path / "other")), 0)
    assert equal(start.network.face, other.face)
    assert equal(start.network.full, tiny.network(tiny.LITE, 1).full)
    assert start.network.standardise["face"].mean[0] == 3


def test_a_branch_of_another_architecture_is_refused(model, tmp_path):
    save_model(tiny.network(tiny.CROPPED), tmp_path / "cropped")
    with pytest.raises(
        ModelError, match=r"its full branch is lcnet_035 \(last\), wanted lcnet_035 \(stages\)"
    ) as caught:
        starting_point(NetworkSettings(pretrained=str(model), full_from=str(tmp_path / "cropped")), 0)
    assert caught.value.hint is None  # no option changes a model that is named
    with pytest.raises(ModelError) as caught:
        starting_point(replace(SCRATCH, pooling="stages", full_from=str(tmp_path / "cropped")), 0)
    assert caught.value.hint == "--backbone lcnet_035 --pooling last asks for the one of that model"


def test_the_preset_that_a_branch_is_of_is_named():
    assert options_for("face", PRESETS["dn-piqa"].face) == "--preset dn-piqa asks for the one of that model"


def test_liqe_weights_of_the_named_model_are_found(model, tmp_path):
    (tmp_path / "imported").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "imported" / name).write_bytes((model / name).read_bytes())
    (tmp_path / "imported" / "liqe.safetensors").write_bytes(b"weights")
    start = starting_point(replace(SCRATCH, auxiliary="liqe", liqe=str(tmp_path / "imported")), 0)
    assert start.liqe == tmp_path / "imported"


@pytest.mark.parametrize("how", ["pretrained", "one by one"])
def test_imported_pretrained_branches_start_a_network(tmp_path, how):
    full, face = tmp_path / "lsvq.pth", tmp_path / "gfiqa.pth"
    torch.save(filled(lsvq_layout()), full)
    torch.save(filled(gfiqa_layout()), face)
    folder = tmp_path / "start"
    import_published(full=full, face=face, folder=folder, config=SMALL)
    named = {"pretrained": str(folder)} if how == "pretrained" else {"full_from": str(folder), "face_from": str(folder)}
    small = NetworkSettings(preset="dn-piqa", backbone=SMALL.full.name, size=224, auxiliary="none", pretrained="none")
    start = starting_point(replace(small, **named), 0)
    assert not start.from_model
    weight = "net.patch_embed.proj.weight"
    stored = {"full": filled(lsvq_layout()), "face": filled(gfiqa_layout())}
    for branch, state in stored.items():
        (published,) = [tensor for name, tensor in state.items() if name.endswith("patch_embed.proj.weight")]
        assert torch.equal(getattr(start.network, branch).state_dict()[weight], published)


def test_branches_that_models_are_named_for_need_no_other_weights(model, monkeypatch):
    def asked(*_):
        raise AssertionError("nothing is to be fetched")

    monkeypatch.setattr("piqa_training.starting.load_timm", asked)
    monkeypatch.setitem(PRESETS, "dn-piqa", tiny.LITE)
    named = NetworkSettings(preset="dn-piqa", full_from=str(model), face_from=str(model))
    start = starting_point(named, 0)
    assert equal(start.network.full, tiny.network(tiny.LITE, 1).full)
    assert equal(start.network.face, tiny.network(tiny.LITE, 1).face)
    with pytest.raises(AssertionError, match="fetched"):
        starting_point(replace(named, face_from=""), 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "no model with LIQE's weights was named"),
        ({"liqe": "gone"}, "no model 'gone'"),
        ({"auxiliary": "none", "face_from": "gone"}, "no model 'gone'"),
    ],
)
def test_models_that_are_not_there_are_named_before_weights_are_fetched(changes, message, monkeypatch):
    monkeypatch.setattr("piqa_training.starting.load_timm", lambda *_: pytest.fail("weights were fetched"))
    monkeypatch.setitem(PRESETS, "dn-piqa", replace(tiny.LITE, auxiliary="liqe"))
    with pytest.raises((ModelError, UsageError), match=message):
        starting_point(NetworkSettings(preset="dn-piqa", **changes), 0)
