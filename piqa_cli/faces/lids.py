"""The network that traces the eyelids: MediaPipe's iris model (Ablavatski et al. 2020), its contour branch.

The weights are Google's, converted once by `training/eyes_convert.py`; the branch that finds the iris itself is left
out. Blocks are the residual bottlenecks of BlazeFace (Bazarevsky et al. 2019).
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

SIDE = 64  # pixels of the square that it reads
POINTS = 71  # of the eye, its surroundings and the brow; the first 16 are the contour of the lids
FEATURES = 512  # numbers that the points are computed from
WEIGHTS = Path(__file__).parent / "weights" / "eyelids.safetensors"


class _Block(nn.Module):
    """A bottleneck with a shortcut; stride 2 halves the map, and the shortcut is pooled and filled up with zeros."""

    def __init__(self, width: int, inner: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(width, inner, stride, stride)
        self.reduce_slope = nn.PReLU(inner)
        self.spread = nn.Conv2d(inner, inner, 3, padding=1, groups=inner)
        self.expand = nn.Conv2d(inner, out, 1)
        self.slope = nn.PReLU(out)
        self.stride, self.missing = stride, out - width

    def forward(self, x: Tensor) -> Tensor:
        inner = self.expand(self.spread(self.reduce_slope(self.reduce(x))))
        shortcut = x if self.stride == 1 else nn.functional.max_pool2d(x, 2)
        if self.missing:
            shortcut = nn.functional.pad(shortcut, (0, 0, 0, 0, 0, self.missing))
        return self.slope(inner + shortcut)  # type: ignore[no-any-return]


class EyelidNet(nn.Module):
    """Traces the lids of one eye: float32 (B, 3, 64, 64), RGB in [0, 1], a left eye as the camera sees it.

    "Left" is the left one in the picture: the outer corner is on the left. The other eye is given mirrored. The square
    is 2.3 times as wide as the eye, and the line between the corners is level.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 3, stride=2)
        self.stem_slope = nn.PReLU(64)
        self.blocks = nn.Sequential(
            *(_Block(64, 32, 64) for _ in range(4)),
            _Block(64, 64, 128, 2),
            *(_Block(128, 64, 128) for _ in range(4)),
            *(_Block(128, 64, 128, stride) for _ in range(3) for stride in (2, 1, 1)),
        )
        self.head = nn.Conv2d(128, 3 * POINTS, 2)

    def forward(self, eyes: Tensor) -> tuple[Tensor, Tensor]:
        """Points in pixels of the square, x and y, float32 (B, 71, 2); and the features behind, (B, 512)."""
        x = nn.functional.pad(eyes, (0, 1, 0, 1))  # TensorFlow pads an even side at its end
        x = self.blocks(self.stem_slope(self.stem(x)))  # (B, 128, 2, 2)
        points = self.head(x).reshape(-1, POINTS, 3)[:, :, :2]
        return points, x.flatten(1)


def load_eyelids() -> EyelidNet:
    """The network ready to run on the CPU in float32; the file holds half precision."""
    network = EyelidNet()
    state = {name: values.to(torch.float32) for name, values in load_file(WEIGHTS).items()}
    network.load_state_dict(state)
    return network.eval().requires_grad_(requires_grad=False)
