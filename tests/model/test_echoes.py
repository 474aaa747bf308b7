import numpy as np
import pytest
import torch
from skimage import data

from piqa_cli.model.echoes import BLOCK, RINGS, WIDTH, _places, echoes

SHIFTS = [(4, 1), (-5, 8), (12, 20), (-40, 9)]  # rows and columns, one for each ring


@pytest.fixture(scope="module")
def luma():
    rgb = data.astronaut()[:384, 64:448].astype(np.float32) / 255
    return torch.from_numpy(rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32))[None, None]


def doubled(luma, shift, share=0.4):
    moved = torch.roll(luma, shift, (2, 3))
    return (1 - share) * luma + share * moved


def peaks(luma):
    return echoes(luma)[0, ::3]


@pytest.mark.parametrize(("ring", "shift"), list(enumerate(SHIFTS)))
def test_a_double_image_stands_out_in_the_ring_of_its_distance(luma, ring, shift):
    near, far = RINGS[ring]
    assert near <= np.hypot(*shift) < far
    rise = peaks(doubled(luma, shift)) - peaks(luma)
    assert rise[ring] > np.log(2) and rise.argmax() == ring


def test_the_stronger_the_second_image_the_higher_the_peak(luma):
    found = [float(peaks(doubled(luma, SHIFTS[2], share))[2]) for share in (0, 0.1, 0.2, 0.4)]
    assert found == sorted(found) and found[1] > found[0] + 0.2


def test_brightness_and_contrast_change_next_to_nothing(luma):
    picture = doubled(luma, SHIFTS[2])
    assert torch.allclose(peaks(picture * 0.5 + 0.3), peaks(picture), atol=0.1)


def test_a_mirror_image_has_the_same_echoes(luma):
    for axes in ((2,), (3,), (2, 3)):
        assert torch.allclose(echoes(luma.flip(axes)), echoes(luma), atol=1e-3)


def test_a_blank_picture_and_a_small_one_have_none(luma):
    assert torch.equal(echoes(torch.full((2, 1, 128, 160), 0.5))[:, ::3], torch.zeros(2, len(RINGS)))
    small = echoes(luma[..., 100:164, 100:170])
    assert small.shape == (1, WIDTH) and small.isfinite().all()
    assert torch.equal(small[0, -3:], torch.zeros(3)) and small[0, :-3].all()


def test_the_distances_of_blocks_do_not_count():
    for height, width in ((384, 384), (320, 256)):
        down, across = (f.ravel() for f in np.meshgrid(np.arange(height), np.arange(width), indexing="ij"))
        for places in _places(height, width):
            assert ((down[places] % BLOCK != 0) | (across[places] % BLOCK != 0)).all()
