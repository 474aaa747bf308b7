from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from piqa_cli.model.checkpoint import load_model, save_model
from piqa_cli.model.config import BackboneConfig
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.unfilled import Unfilled
from tests.model import tiny

SWIN = BackboneConfig("swin_tiny_patch4_window7_224")  # computes tables of places when it is built
WITH_TABLES = replace(
    tiny.CROPPED,
    full=SWIN,
    face=SWIN,
    preprocess=replace(
        tiny.CROPPED.preprocess,
        views=tuple(replace(view, size=224, resize_to=256) for view in tiny.CROPPED.preprocess.views),
    ),
)


@pytest.mark.parametrize("config", [tiny.LITE, WITH_TABLES], ids=["convolutions", "windows"])
def test_a_file_fills_everything(tmp_path, config):
    save_model(tiny.network(config), tmp_path)
    usual = load_model(tmp_path)
    with Unfilled():
        unfilled = load_model(tmp_path)
    expected, found = everything(usual), everything(unfilled)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def everything(network):
    """Also buffers that no file holds."""
    return dict(network.named_parameters()) | dict(network.named_buffers())


def test_no_random_number_is_drawn():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    with Unfilled():
        DualBranchNet(tiny.LITE)
    assert torch.equal(torch.get_rng_state(), before)
    DualBranchNet(tiny.LITE)
    assert not torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("config", [tiny.LITE, WITH_TABLES], ids=["convolutions", "windows"])
def test_no_weight_is_touched(config):
    """Not scaled or set to zero either: for the paper's network that took a second and 700 MB of memory."""
    touched = set()

    class Watching(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            if args and isinstance(args[0], nn.Parameter) and func.__name__.endswith("_") and "__" not in func.__name__:
                touched.add(func.__name__)
            return func(*args, **(kwargs or {}))

    with Watching(), Unfilled():
        DualBranchNet(config)
    assert not touched
    with Watching():
        DualBranchNet(config)
    assert touched
