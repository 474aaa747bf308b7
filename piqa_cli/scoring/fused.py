"""A convolutional backbone's layers in one pass each on the CPU: padding, convolution, bias and ReLU6 together.

torch runs them one after the other, each reading and writing all of the feature maps, and leaves 1x1 convolutions to a
routine that first puts channels-last maps into another order. oneDNN, which comes with torch, has the fused form; it is
what `torch.compile` calls, and needs no compiler when it is called directly.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

_HIGHEST = 6.0  # ReLU6


def can_fuse() -> bool:
    """Whether this torch has the fused convolution; it is no part of the public interface."""
    there = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
    return there and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def has_float16() -> bool:
    """Whether this CPU computes with float16 (AVX512-FP16, Arm's FP16), and this torch lets oneDNN do so."""
    known = hasattr(torch.ops.mkldnn, "_is_mkldnn_fp16_supported")
    return known and bool(torch.ops.mkldnn._is_mkldnn_fp16_supported())


def fuse_convolutions(module: nn.Module, *, half: bool = False) -> None:
    """Replace every convolution, with the ReLU6 that directly follows it, in place; for the CPU only.

    In float32 outputs stay the same up to rounding. With `half` weights and feature maps are float16, where a good
    processor needs half the time; sums are still taken in float32. Batch norms have to be folded into the convolutions
    before.
    """
    children = list(module.named_children())
    for (name, layer), (next_name, following) in pairwise([*children, ("", nn.Identity())]):
        if isinstance(layer, nn.Conv2d) and layer.padding_mode == "zeros" and not isinstance(layer.padding, str):
            clipped = isinstance(following, nn.ReLU6)
            fused = FusedConv2d(layer, clipped=clipped)
            setattr(module, name, fused.half() if half else fused)
            if clipped:
                setattr(module, next_name, nn.Identity())
        else:
            fuse_convolutions(layer, half=half)


class FusedConv2d(nn.Module):
    """A convolution and, if `clipped`, ReLU6: (B, C, H, W) -> (B, C', H', W'), channels last, in the weights' type.

    timm's `Conv2dSame` pads as TensorFlow does: with stride 2 one pixel less at the near edges of an even side. The
    maps need not be copied into a frame of zeros for it: a kernel that begins with a row and a column of zeros does the
    same with equal padding at all edges.
    """

    def __init__(self, layer: nn.Conv2d, *, clipped: bool) -> None:
        super().__init__()
        self.kernel_size, self.stride = layer.kernel_size, layer.stride
        self.same = type(layer).__name__ == "Conv2dSame"
        self.halves = self.same and tuple(layer.stride) == (2, 2) and all(side % 2 for side in layer.kernel_size)
        self.weight, self.bias = layer.weight, layer.bias
        if self.halves:
            self.weight = nn.Parameter(pad(layer.weight.detach(), (1, 0, 1, 0)), requires_grad=False)
        padding = [side // 2 if self.halves else 0 for side in layer.kernel_size]
        if not self.same:
            padding = [int(edge) for edge in layer.padding]
        self.geometry = (padding, list(layer.stride), list(layer.dilation), layer.groups)
        self.activation = ("hardtanh", [0.0, _HIGHEST]) if clipped else ("none", [])

    def forward(self, maps: Tensor) -> Tensor:
        """The layer's output."""
        maps, weight = maps.to(self.weight.dtype), self.weight
        height, width = maps.shape[2:]
        if self.halves:
            weight = weight[:, :, height % 2 :, width % 2 :]
        elif self.same:
            near, far = zip(*map(_margins, (width, height), self.kernel_size[::-1], self.stride[::-1]), strict=True)
            maps = pad(maps, (near[0], far[0], near[1], far[1]))
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            maps, weight, self.bias, *self.geometry, *self.activation, ""
        )
        return result


def _margins(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and behind a side, so that there is an output for every `stride` pixels, dilation 1."""
    missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return missing // 2, missing - missing // 2
