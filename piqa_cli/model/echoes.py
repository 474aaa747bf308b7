"""Echoes: whether a picture repeats itself at a small distance, as double images and shaken ones do.

The power cepstrum (Bogert, Healy and Tukey 1963) is the spectrum of the logarithm of the spectrum. A second image laid
over the first adds a peak at its distance, whatever the picture shows; a camera that moved along a path leaves peaks
and troughs (Cannon 1976). No convolution sees this, whose window is small and whose strongest answer is the texture.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from piqa_cli.threads import one_thread

RINGS = ((2.5, 6.0), (6.0, 14.0), (14.0, 30.0), (30.0, 60.0))  # pixels, distances of the echoes
WIDTH = 3 * len(RINGS)
BLOCK = 8  # pixels: JPEG's blocks are their own echoes
FLOOR = 2e-6  # added to the power of a frequency, about that of rounding to eight bits
TINY = 1e-5  # added to both sides of ratios
TO_DEVIATION = 1.4826  # standard deviation over median distance from the median, of a normal distribution


def echoes(luma: Tensor) -> Tensor:
    """Highest peak and deepest trough of each ring over the ring's own scatter, and the scatter, in logarithms.

    Args:
        luma: float32 (B, 1, H, W) in [0, 1]. Rings that reach beyond half of a side give 0.

    Returns:
        (B, `WIDTH`).
    """
    height, width = luma.shape[2:]
    window = torch.outer(_hann(height), _hann(width)).to(luma.device)
    plane = luma[:, 0]
    with one_thread():  # how the mean is rounded shows: next to nothing of a good photo is in most frequencies
        mean = (plane * window).sum(dim=(1, 2), keepdim=True) / window.sum()
    power = torch.fft.rfft2((plane - mean) * window).abs().square()
    cepstrum = torch.fft.irfft2((power + FLOOR).log(), s=(height, width)).flatten(1)
    found = [_ring(cepstrum[:, places.to(luma.device)]) for places in _places(height, width)]
    return torch.cat(found, dim=1)


def _ring(values: Tensor) -> Tensor:
    """(B, N) -> (B, 3)."""
    if not values.shape[1]:
        return values.new_zeros(len(values), 3)
    apart = values - values.median(dim=1, keepdim=True).values
    scatter = apart.abs().median(dim=1).values * TO_DEVIATION + TINY
    peak, trough = apart.amax(dim=1) + TINY, TINY - apart.amin(dim=1)
    return torch.stack([peak / scatter, trough / scatter, scatter], dim=1).log()


def _hann(length: int) -> Tensor:
    return torch.hann_window(length, periodic=False)


@lru_cache(maxsize=16)
def _places(height: int, width: int) -> list[Tensor]:
    """The flat indices of each ring in a cepstrum, which is the same at opposite shifts: half of them are enough."""
    down = torch.fft.fftfreq(height, 1 / height).round()[:, None]
    across = torch.fft.fftfreq(width, 1 / width).round()[None]
    distance = torch.hypot(down, across)
    seen = ((across > 0) | ((across == 0) & (down > 0))) & ~((down % BLOCK == 0) & (across % BLOCK == 0))
    rings = [seen & (distance >= near) & (distance < far) for near, far in RINGS]
    half = min(height, width) / 2
    return [(ring & (far <= half)).flatten().nonzero().squeeze(1) for ring, (_, far) in zip(rings, RINGS, strict=True)]
