"""A convolutional backbone's layers in one pass each on the CPU: padding, convolution, bias and ReLU6 together.

torch runs them one after the other, each reading and writing all of the feature maps, and leaves 1x1 convolutions to a
routine that first puts channels-last maps into another order. oneDNN, which comes with torch, has the fused form; it is
what `torch.compile` calls, and needs no compiler when it is called directly.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

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
    """A convolution and, if `clipped`, ReLU6: (B, C, H, W) -> (B, C', H', W'), channels last, in the weights' type."""

    def __init__(self, layer: nn.Conv2d, *, clipped: bool) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self.kernel_size, self.stride = layer.kernel_size, layer.stride
        self.same = type(layer).__name__ == "Conv2dSame"  # timm's: pads as TensorFlow does, more at the far edges
        padding = [0, 0] if self.same else [int(edge) for edge in layer.padding]
        self.geometry = (padding, list(layer.stride), list(layer.dilation), layer.groups)
        self.activation = ("hardtanh", [0.0, _HIGHEST]) if clipped else ("none", [])

    def forward(self, maps: Tensor) -> Tensor:
        """The layer's output."""
        maps = maps.to(self.weight.dtype)
        padded = self._padded(maps) if self.same else maps
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            padded, self.weight, self.bias, *self.geometry, *self.activation, ""
        )
        return result

    def _padded(self, maps: Tensor) -> Tensor:
        """Zeros around the maps so that there is an output for every `stride` pixels, dilation 1."""
        height, width = maps.shape[2:]
        top, bottom = _margins(height, self.kernel_size[0], self.stride[0])
        left, right = _margins(width, self.kernel_size[1], self.stride[1])
        shape = (*maps.shape[:2], top + height + bottom, left + width + right)
        padded = torch.empty(shape, dtype=maps.dtype, memory_format=torch.channels_last)
        padded[:, :, top : top + height, left : left + width] = maps
        for edge in (padded[:, :, :top], padded[:, :, top + height :]):
            edge.zero_()
        for edge in (padded[..., :left], padded[..., left + width :]):
            edge.zero_()
        return padded


def _margins(side: int, kernel: int, stride: int) -> tuple[int, int]:
    missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return missing // 2, missing - missing // 2
