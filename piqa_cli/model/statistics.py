"""What the pixels of a view say by themselves: tone, colours, sharpness, noise, compression and echoes as numbers.

A backbone that was trained to recognise things learns to overlook a wrong white balance or a veil of noise; natural
scene statistics measure them. The texture numbers follow the idea of BRISQUE (Mittal, Moorthy and Bovik 2012): bright-
ness less its local mean over its local deviation (MSCN) has nearly the same distribution in every good photo. Norms of
several orders stand in for quantiles: a low order sees the flat parts (noise), a high one the strongest edges (focus).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from piqa_cli.model.echoes import echoes

TINY = 1e-3  # added before logarithms: a quarter of one 8-bit step
HALF_LEVEL = 0.5 / 255  # neighbours differ by nothing or by more than this
LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
SCALES = 3  # full size, half, quarter
WINDOW = 7  # pixels, of the local mean and deviation
BLOCK = 8  # pixels, of JPEG's transform
CACHED_PIXELS = 1 << 15  # of a few images whose planes stay in a processor's cache
TONE_STEP = 4  # every fourth pixel each way is enough for tone


def pixel_statistics(pixels: Tensor) -> Tensor:
    """Statistics of B images: float32 (B, 3, H, W) in [0, 1] -> (B, `WIDTH`). Sides of at least 64 pixels.

    Without gradients, and in float32 also where the backbones compute with bf16. On the CPU one image is done after the
    other, or a few small ones: their planes stay in the processor's cache.
    """
    with torch.autocast(pixels.device.type, enabled=False):
        if pixels.device.type == "cpu":
            at_once = max(CACHED_PIXELS // pixels[0, 0].numel(), 1)
            return torch.cat([_statistics(images) for images in torch.split(pixels.detach(), at_once)])
        return _statistics(pixels.detach())


def _statistics(pixels: Tensor) -> Tensor:
    luma = _luma(pixels)
    parts = [*_tone_and_grid(pixels, luma), echoes(luma)]
    for scale in range(SCALES):
        if scale:
            luma, pixels = _shrunk(luma, 2), _shrunk(pixels, 2)
        parts += [_texture(luma), _normalised_luma(luma)]
        if scale < SCALES - 1:
            parts += [_grain(opponent) for opponent in _opponents(pixels)]
    return torch.cat(parts, dim=1)


def _tone_and_grid(pixels: Tensor, luma: Tensor) -> list[Tensor]:
    return [_tone(_shrunk(pixels, TONE_STEP)), *_colour_edges(pixels), _grid(luma)]


def _shrunk(plane: Tensor, factor: int) -> Tensor:
    """Means of factor x factor pixels, (B, C, H, W) -> (B, C, H // factor, W // factor)."""
    height, width = (side // factor * factor for side in plane.shape[2:])
    rows = plane[..., 0:height:factor, :] + plane[..., 1:height:factor, :]
    for offset in range(2, factor):
        rows += plane[..., offset:height:factor, :]
    columns = rows[..., 0:width:factor] + rows[..., 1:width:factor]
    for offset in range(2, factor):
        columns += rows[..., offset:width:factor]
    return columns.mul_(1 / factor**2)


def _local_mean(plane: Tensor) -> Tensor:
    """Mean over `WINDOW` x `WINDOW` pixels around each, (B, 1, H, W) -> (B, 1, H - 6, W - 6)."""
    down = plane.unfold(2, WINDOW, 1).mean(dim=-1)  # on a CPU ten times as fast as avg_pool2d
    return down.unfold(3, WINDOW, 1).mean(dim=-1)


def _luma(pixels: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, 1, H, W), Rec. 601 weights."""
    red, green, blue = pixels[:, 0:1], pixels[:, 1:2], pixels[:, 2:3]
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _opponents(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Red against green, yellow against blue: (B, 1, H, W) each."""
    red, green, blue = pixels[:, 0:1], pixels[:, 1:2], pixels[:, 2:3]
    return red - green, (red + green) / 2 - blue


def _tone(pixels: Tensor) -> Tensor:
    """Distribution of brightness and colour, shares at both ends, white points, dark channel (He et al. 2009)."""
    luma = _luma(pixels)
    channels = torch.cat([pixels, luma], dim=1).flatten(2)  # (B, 4, N)
    levels = _quantiles(channels, LEVELS)  # (7, B, 4)
    means, deviations = channels.mean(dim=2), _deviation(channels)
    ends = torch.cat([(channels > 0.98).float().mean(dim=2), (channels < 0.02).float().mean(dim=2)], dim=1)
    light = _log(means[:, 3:]), _log(levels[3, :, 3:])
    opponents = [stat for o in _opponents(pixels) for stat in (_mean(o), _deviation(o.flatten(2)))]
    spread = pixels.amax(dim=1, keepdim=True) - pixels.amin(dim=1, keepdim=True)
    saturation = spread / (pixels.amax(dim=1, keepdim=True) + 0.05)
    colour = _mean(spread), _deviation(spread.flatten(2)), _mean(saturation)
    dark = -max_pool2d(-pixels.amin(dim=1, keepdim=True), 5, stride=3)
    veil = _mean(dark), dark.amax(dim=(2, 3)), dark.amin(dim=(2, 3))
    ratios = [_balance(means), _balance(levels[5]), _balance(levels[1]), _balance(levels[3])]
    flat = levels.permute(1, 0, 2).flatten(1)
    return torch.cat([flat, means, deviations, ends, *light, *opponents, *colour, *veil, *ratios], dim=1)


def _balance(levels: Tensor) -> Tensor:
    """Red and blue over green in logarithms: (B, 4 or 3) -> (B, 2); both 0 for neutral grey."""
    logs = _log(levels[:, :3])
    return torch.stack([logs[:, 0] - logs[:, 1], logs[:, 2] - logs[:, 1]], dim=1)


def _colour_edges(pixels: Tensor) -> list[Tensor]:
    """The balance of the edges (grey-edge hypothesis, van de Weijer et al. 2007), and shares of flat neighbours."""
    across = (pixels[..., :, 1:] - pixels[..., :, :-1]).abs_()
    down = (pixels[..., 1:, :] - pixels[..., :-1, :]).abs_()
    edges = across.mean(dim=(2, 3)) + down.mean(dim=(2, 3))  # (B, 3)
    steps = (step.clamp_(max=HALF_LEVEL).mean(dim=(1, 2, 3))[:, None] for step in (across, down))
    return [_balance(edges), *(1 - step / HALF_LEVEL for step in steps)]


def _texture(luma: Tensor) -> Tensor:
    """Norms of the differences in four directions and of the Laplacian, and how its energy is spread over the view."""
    directions = (
        luma[..., 1:, 1:] - luma[..., 1:, :-1],
        luma[..., 1:, 1:] - luma[..., :-1, 1:],
        luma[..., 1:, 1:] - luma[..., :-1, :-1],
        luma[..., 1:, :-1] - luma[..., :-1, 1:],
    )
    steps = [d.abs_() for d in directions]
    means = torch.cat([_log(_mean(step)) for step in steps], dim=1)  # (B, 4)
    peaks = torch.cat([_log(_fourth(step.mul_(step))) for step in steps], dim=1)
    least = means.amin(dim=1, keepdim=True) - means.amax(dim=1, keepdim=True)
    laplacian = _laplacian(luma)
    energy = _log(_shrunk(laplacian, BLOCK))  # (B, 1, h, w): local detail in logarithms
    flat = energy.flatten(1)
    ends = _quantiles(flat, (0.1, 0.5, 0.9, 0.98)).T
    spread = flat.std(dim=1, correction=0, keepdim=True)
    return torch.cat([means, peaks, least, *_norms(laplacian), ends, spread], dim=1)


def _grain(opponent: Tensor) -> Tensor:
    """Fine structure of a colour plane, where good photos have little."""
    return torch.cat(_norms(_laplacian(opponent)), dim=1)


def _laplacian(plane: Tensor) -> Tensor:
    """Its magnitude: (B, 1, H, W) -> (B, 1, H - 2, W - 2)."""
    around = plane[..., :-2, 1:-1] + plane[..., 2:, 1:-1]
    around += plane[..., 1:-1, :-2]
    around += plane[..., 1:-1, 2:]
    return around.sub_(plane[..., 1:-1, 1:-1], alpha=4).abs_()


def _norms(values: Tensor) -> list[Tensor]:
    """Logarithms of the power means of orders 1/2, 1, 2 and 4 of magnitudes, (B, 1) each; spends `values`."""
    half, first = _mean(values.sqrt()) ** 2, _mean(values)
    squares = values.mul_(values)
    return [_log(half), _log(first), _log(_mean(squares).sqrt()), _log(_fourth(squares))]


def _mean(values: Tensor) -> Tensor:
    """Over the image: (B, 1, H, W) -> (B, 1)."""
    return values.mean(dim=(2, 3))


def _fourth(squares: Tensor) -> Tensor:
    """Power mean of order 4, of squared values: (B, 1, H, W) -> (B, 1)."""
    return _mean_product(squares, squares) ** 0.25


def _mean_product(one: Tensor, other: Tensor) -> Tensor:
    """Mean over the image of the products, without storing them: (B, 1, H, W) each -> (B, 1)."""
    rows, columns = one.flatten(1)[:, None], other.flatten(1)[..., None]
    return (rows @ columns)[..., 0] / rows.shape[2]


def _quantiles(values: Tensor, levels: tuple[float, ...]) -> Tensor:
    """Interpolated as by `torch.quantile`: (..., N) -> (levels, ...). NumPy's sort is far the fastest on a CPU."""
    on_cpu = values.device.type == "cpu"
    ordered = torch.from_numpy(np.sort(values.numpy(), axis=-1)) if on_cpu else values.sort(dim=-1).values
    last = values.shape[-1] - 1
    places = [(int(level * last), level * last % 1) for level in levels]
    return torch.stack([ordered[..., i].lerp(ordered[..., min(i + 1, last)], share) for i, share in places])


def _deviation(values: Tensor) -> Tensor:
    """Standard deviation, (B, C, N) -> (B, C)."""
    apart = values - values.mean(dim=2, keepdim=True)
    return (apart.mul_(apart).sum(dim=2) / (values.shape[2] - 1)).sqrt()


def _normalised_luma(luma: Tensor) -> Tensor:
    """Moments of MSCN coefficients and of products of neighbours (BRISQUE's features), and of the local deviation."""
    mean = _local_mean(luma)
    variance = _local_mean(luma * luma).sub_(mean * mean).clamp_(min=0)
    deviation = variance.sqrt_()
    edge = WINDOW // 2
    mscn = (luma[..., edge:-edge, edge:-edge] - mean).div_(deviation + 1 / 255)
    square = mscn * mscn
    moments = [_mean(mscn.abs()), _mean(square), _mean_product(square, mscn), _log(_mean_product(square, square))]
    neighbours = (
        mscn[..., 1:, 1:] * mscn[..., 1:, :-1],
        mscn[..., 1:, 1:] * mscn[..., :-1, 1:],
        mscn[..., 1:, 1:] * mscn[..., :-1, :-1],
        mscn[..., 1:, :-1] * mscn[..., :-1, 1:],
    )
    products = [stat for n in neighbours for stat in (_mean(n), _mean(n.abs_()))]
    half, first = _mean(deviation.sqrt()) ** 2, _mean(deviation)
    local = _log(first), _log(half), _log(_fourth(deviation.mul_(deviation)))
    return torch.cat([*moments, *products, *local], dim=1)


def _grid(luma: Tensor) -> Tensor:
    """How much steps between pixels stand out at every eighth column and row, wherever the blocks begin."""
    found = []
    for dim in (3, 2):
        second = (luma.diff(dim=dim, n=2)).abs().mean(dim=5 - dim).flatten(1)  # (B, L)
        length = second.shape[1] // BLOCK * BLOCK
        phases = second[:, :length].reshape(len(luma), -1, BLOCK).mean(dim=1)  # (B, 8)
        ordered = phases.sort(dim=1).values
        highest, others = ordered[:, -2:].mean(dim=1), ordered[:, :-2].mean(dim=1)
        found += [_log(highest) - _log(others), _log(ordered[:, 0]) - _log(ordered[:, 4])]
    return torch.stack(found, dim=1)


def _log(values: Tensor) -> Tensor:
    return (values + TINY).log()


WIDTH = pixel_statistics(torch.zeros(1, 3, 64, 64)).shape[1]
"""Numbers for each image."""
ECHOES_AT = sum(part.shape[1] for part in _tone_and_grid(torch.zeros(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)))
"""Where those of the echoes begin."""
