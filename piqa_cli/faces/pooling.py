"""Max pooling in two plain passes, for networks with few channels on a CPU.

torch's own goes through the windows one number at a time where channels do not lie side by side, and also notes where
each maximum was; in MTCNN it takes longer than the convolutions. Maxima of whole rows are vectorised.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

STRIDE = 2


def pool_by_rows(module: nn.Module) -> None:
    """Replace every max pooling of stride 2 without padding in the module, in place; the outputs stay the same."""
    for name, child in module.named_children():
        if isinstance(child, nn.MaxPool2d) and (child.stride, child.padding, child.dilation) == (STRIDE, 0, 1):
            setattr(module, name, RowMaxPool2d(int(child.kernel_size), ceil_mode=child.ceil_mode))  # type: ignore[arg-type]
        else:
            pool_by_rows(child)


class RowMaxPool2d(nn.Module):
    """`MaxPool2d(kernel_size, 2)` from a size of 2 on: (B, C, H, W) -> (B, C, H', W'). Runs without gradients."""

    def __init__(self, kernel_size: int, *, ceil_mode: bool) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.ceil_mode = ceil_mode

    def forward(self, maps: Tensor) -> Tensor:
        """Rows first: that halves what the slower pass over columns has to read."""
        return self._along(self._along(maps, 2), 3)

    def _along(self, maps: Tensor, dim: int) -> Tensor:
        """Maxima along one dimension; a window over the far edge takes what lies inside."""
        beyond = maps.shape[dim] - self.kernel_size
        count = (-(-beyond // STRIDE) if self.ceil_mode else beyond // STRIDE) + 1
        starts = [_every_second(maps, dim, offset, count) for offset in range(self.kernel_size)]
        if starts[-1].shape[dim] == count:
            highest = torch.maximum(starts[0], starts[1])
            rest = starts[2:]
        else:
            highest, rest = starts[0].clone(), starts[1:]
        for values in rest:
            inside = highest.narrow(dim, 0, values.shape[dim])
            torch.maximum(inside, values, out=inside)
        return highest


def _every_second(maps: Tensor, dim: int, offset: int, count: int) -> Tensor:
    """`count` or, at the edge, fewer entries from `offset` on, as a view."""
    index = [slice(None)] * maps.dim()
    index[dim] = slice(offset, offset + STRIDE * (count - 1) + 1, STRIDE)
    return maps[tuple(index)]
