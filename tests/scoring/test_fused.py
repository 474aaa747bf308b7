import pytest
import torch
from timm.layers import Conv2dSame
from torch import nn

from piqa_cli.model.backbone import Backbone, fuse_batch_norms
from piqa_cli.model.config import BackboneConfig
from piqa_cli.scoring.fused import FusedConv2d, can_fuse, fuse_convolutions, has_float16

pytestmark = pytest.mark.skipif(not can_fuse(), reason="this torch has no fused convolution")
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def both(layers, maps):
    with torch.inference_mode():
        before = layers(maps)
        fuse_convolutions(layers)
        assert any(isinstance(layer, FusedConv2d) for layer in layers.modules())
        return before, layers(maps)


@pytest.mark.parametrize("side", [1, 7, 8, 33])
@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(6, 8, 1),
        nn.Conv2d(6, 6, 3, padding=1, groups=6),
        nn.Conv2d(6, 8, 3, stride=2, padding=1, bias=False),
        Conv2dSame(6, 6, 3, stride=2, groups=6),
        Conv2dSame(6, 8, 5, stride=2),
        Conv2dSame(6, 8, (3, 5), stride=1),
        Conv2dSame(6, 8, (3, 5), stride=2),
        Conv2dSame(6, 8, 4, stride=2),
        Conv2dSame(6, 8, 3, stride=(1, 2)),
    ],
    ids=[
        "1x1",
        "depthwise",
        "no bias",
        "same, depthwise",
        "same, 5x5",
        "same, stride 1",
        "same, not square",
        "same, even",
        "same, two strides",
    ],
)
@pytest.mark.parametrize("clipped", [False, True])
def test_a_layer_gives_what_it_gave(layer, side, clipped):
    generator = torch.Generator().manual_seed(side)
    maps = 10 * torch.randn(2, 6, side, side + 3, generator=generator)
    layers = nn.Sequential(layer, nn.ReLU6() if clipped else nn.ReLU()).to(memory_format=torch.channels_last)
    before, after = both(layers, maps.contiguous(memory_format=torch.channels_last))
    assert before.shape == after.shape
    assert torch.allclose(before, after, **CLOSE)
    assert isinstance(layers[1], nn.Identity if clipped else nn.ReLU)


def test_a_layer_takes_maps_of_any_order_and_size_in_turn():
    layers = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU6())
    plain = nn.Sequential(*layers)
    fuse_convolutions(layers)
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        for shape in ((1, 3, 9, 9), (4, 3, 12, 7), (1, 3, 9, 9)):
            maps = torch.randn(*shape, generator=generator)
            assert torch.allclose(layers(maps), plain(maps), **CLOSE)


def test_the_backbone_of_the_default_model_gives_what_it_gave():
    torch.manual_seed(0)
    backbone = Backbone(BackboneConfig("tf_efficientnet_lite0", "stages"), 64).eval()
    fuse_batch_norms(backbone)
    before, after = both(backbone.to(memory_format=torch.channels_last), torch.randn(2, 3, 64, 64))
    assert torch.allclose(before, after, atol=1e-4, rtol=1e-4)
    left = [layer for layer in backbone.modules() if isinstance(layer, (nn.Conv2d, nn.ReLU6))]
    assert left == []


@pytest.mark.skipif(not has_float16(), reason="this CPU has no float16 arithmetic")
def test_a_backbone_in_float16_gives_nearly_what_it_gave_and_in_float32():
    torch.manual_seed(0)
    backbone = Backbone(BackboneConfig("tf_efficientnet_lite0", "stages"), 64).eval()
    fuse_batch_norms(backbone)
    maps = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        before = backbone.to(memory_format=torch.channels_last)(maps)
        fuse_convolutions(backbone, half=True)
        after = backbone(maps)
    assert {weight.dtype for weight in backbone.parameters()} == {torch.float16}
    assert after.dtype == torch.float32
    assert 0 < (before - after).abs().max() < 0.01 * before.abs().max()
