import numpy as np
import pytest
import torch
from skimage import data
from torch.nn.functional import avg_pool2d

from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.statistics import WIDTH, _statistics, pixel_statistics
from tests.model.tiny import LITE


@pytest.fixture(scope="module")
def portrait():
    return torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1)[None].float()[:, :, :384, 64:448] / 255


def moved(portrait, changed):
    """How far each number moves, in a robust unit of its own."""
    return (pixel_statistics(changed) - pixel_statistics(portrait))[0]


def test_every_number_is_finite_even_of_a_blank_picture():
    for value in (0.0, 0.5, 1.0):
        assert pixel_statistics(torch.full((2, 3, 64, 64), value)).isfinite().all()
    assert pixel_statistics(torch.zeros(2, 3, 70, 99)).shape == (2, WIDTH)


def test_a_picture_is_described_alike_alone_and_in_a_batch(portrait):
    other = portrait.flip(1).contiguous()
    batch = pixel_statistics(torch.cat([portrait, other]))
    assert torch.allclose(batch[0], pixel_statistics(portrait)[0], atol=1e-4)
    assert torch.allclose(batch[1], pixel_statistics(other)[0], atol=1e-4)
    together = _statistics(torch.cat([portrait, other]))  # as on a device, where images are not taken one by one
    assert torch.allclose(together, batch, atol=1e-4)


def test_bf16_around_them_changes_nothing(portrait):
    exact = pixel_statistics(portrait)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(pixel_statistics(portrait), exact)


def test_mirroring_changes_little(portrait):
    assert moved(portrait, portrait.flip(3)).abs().max() < 0.35
    assert moved(portrait, portrait.flip(3)).abs().median() < 0.01


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: avg_pool2d(p, 5, stride=1, padding=2),
        lambda p: (p + 0.06 * torch.randn(p.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1),
        lambda p: p**2.2,
        lambda p: (p * 1.6).clamp(0, 1),
        lambda p: p * 0.4 + 0.5,
        lambda p: p * torch.tensor([1.0, 0.85, 0.7]).view(3, 1, 1),
    ],
    ids=["blur", "noise", "dark", "bright", "veil", "cast"],
)
def test_defects_move_many_numbers_far_more_than_mirroring(portrait, spoil):
    change = moved(portrait, spoil(portrait)).abs()
    assert (change > 0.05).sum() > 20
    assert change.mean() > 5 * moved(portrait, portrait.flip(3)).abs().mean()


def test_neutral_grey_has_no_colour(portrait):
    grey = portrait.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    cast = grey * torch.tensor([1.0, 0.9, 0.8]).view(3, 1, 1)
    colour = (moved(grey, cast).abs() > 0.05).sum()
    assert colour > 15


def test_the_network_reads_them_beside_its_branches():
    from dataclasses import replace

    plain, with_statistics = (DualBranchNet(replace(LITE, statistics=flag)) for flag in (False, True))
    view = LITE.preprocess.views[0]
    assert with_statistics.view_width(view) == plain.view_width(view) + WIDTH
    pixels = torch.from_numpy(np.random.default_rng(0).random((2, 3, view.size, view.size), dtype=np.float32))
    mean, std = torch.tensor(LITE.preprocess.mean).view(3, 1, 1), torch.tensor(LITE.preprocess.std).view(3, 1, 1)
    described = with_statistics.eval().describe(view, (pixels - mean) / std)
    assert torch.allclose(described[:, -WIDTH:], pixel_statistics(pixels), atol=2e-3)
