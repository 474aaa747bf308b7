import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from piqa_cli.errors import ModelError
from piqa_cli.model.liqe import PATCHES, Liqe, cut_patches, load_liqe, patch_corners, save_liqe
from piqa_cli.model.prompts import prompts, tokenize
from piqa_cli.model.store import LIQE_FILE


@pytest.fixture(scope="module")
def liqe():
    torch.manual_seed(0)
    network = Liqe().eval().requires_grad_(False)
    network.text.copy_(torch.nn.functional.normalize(torch.randn(495, 512), dim=1))
    network.logit_scale.fill_(3.0)
    return network


@pytest.fixture(scope="module")
def folder(liqe, scratch):
    save_liqe(liqe, scratch)
    return scratch


def photo(width=512, height=512):
    return Image.fromarray(data.astronaut()).resize((width, height))


def unfolded(image):
    """The published order of operations: every patch, of which fifteen are taken."""
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None]
    every = pixels.unfold(2, 224, 32).unfold(3, 224, 32).permute(2, 3, 0, 1, 4, 5).reshape(-1, 3, 224, 224)
    return every[[len(every) // 15 * i for i in range(15)]]


@pytest.mark.parametrize(
    "size",
    [(512, 512), (640, 480), (480, 640), (700, 480), (225, 1200), (1200, 224), (320, 240), (224, 224)],
    ids=lambda s: f"{s[0]}x{s[1]}",
)
def test_the_patches_are_those_of_the_published_program(size):
    image = photo(*size)
    assert torch.equal(cut_patches(image), unfolded(image))


def test_fewer_than_fifteen_positions_give_the_first_patch_fifteen_times():
    assert patch_corners(320, 240) == [(0, 0)] * PATCHES


def test_patches_lie_inside_whatever_the_shape():
    for width, height in ((224, 224), (4000, 3000), (224, 20000), (20000, 300), (10, 9000), (9000, 10), (1, 1)):
        corners = patch_corners(width, height)
        assert len(corners) == PATCHES
        assert all(0 <= x <= max(width - 224, 0) and 0 <= y <= max(height - 224, 0) for x, y in corners)


def test_a_short_side_is_continued_by_mirroring():
    image = photo(300, 100)
    first = cut_patches(image)[0].permute(1, 2, 0).numpy()
    pixels = np.asarray(image)[:, :224]
    assert np.array_equal(first[62:162], pixels)
    assert np.array_equal(first[:62], pixels[:62][::-1])
    assert np.array_equal(first[162:], pixels[38:][::-1])


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (223, 224), (40, 640)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_small_images_and_strips_have_logits(liqe, size):
    patches = cut_patches(photo(*size))
    assert (patches.shape, patches.dtype) == ((PATCHES, 3, 224, 224), torch.uint8)
    with torch.inference_mode():
        assert liqe(patches[None, :1]).isfinite().all()


def test_a_strip_is_looked_at_along_its_whole_length():
    corners = patch_corners(100, 5000)
    assert len(set(corners)) == PATCHES
    assert max(y for _, y in corners) > 4000


def test_a_batch_equals_one_by_one(liqe):
    batch = torch.stack([cut_patches(photo())[::7], cut_patches(photo(640, 480))[::7]])  # three patches of each
    with torch.inference_mode():
        together = liqe(batch)
        alone = torch.cat([liqe(batch[i : i + 1]) for i in range(2)])
    assert together.shape == (2, 495)
    assert not torch.allclose(together[0], together[1], atol=1e-3)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_bytes_and_shares_mean_the_same(liqe):
    patches = cut_patches(photo())[None, :2]
    with torch.inference_mode():
        torch.testing.assert_close(liqe(patches), liqe(patches.float() / 255))


def test_logits_are_the_mean_over_the_patches(liqe):
    patches = cut_patches(photo())[None, :3]
    with torch.inference_mode():
        each = torch.cat([liqe(patches[:, i : i + 1]) for i in range(3)])
        torch.testing.assert_close(liqe(patches)[0], each.mean(dim=0), atol=1e-5, rtol=1e-5)


def test_saved_and_loaded_it_says_the_same(liqe, folder):
    loaded, patches = load_liqe(folder), cut_patches(photo())[None, :1]
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    saved = liqe.state_dict()
    assert all(torch.equal(tensor, saved[name]) for name, tensor in loaded.state_dict().items())
    with torch.inference_mode():  # where weights lie in memory decides how some processors round
        torch.testing.assert_close(loaded(patches), liqe(patches), atol=1e-5, rtol=1e-5)


def test_a_model_without_liqe_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match=LIQE_FILE) as caught:
        load_liqe(tmp_path)
    assert "--liqe" in caught.value.hint


def test_prompts_are_quality_by_scene_by_distortion():
    texts = prompts()
    assert len(texts) == len(set(texts)) == 495
    assert texts[0] == "a photo of a animal with jpeg2000 compression artifacts, which is of bad quality"
    assert texts[1] == "a photo of a animal with jpeg compression artifacts, which is of bad quality"
    assert texts[11] == "a photo of a cityscape with jpeg2000 compression artifacts, which is of bad quality"
    assert texts[99 + 7 * 11] == "a photo of a still_life with jpeg2000 compression artifacts, which is of poor quality"
    assert texts[-1] == "a photo of a others with other artifacts, which is of perfect quality"


def test_tokens_are_clip_s():
    first = tokenize(prompts()[:1])
    assert first.shape == (1, 77)
    assert first[0, :6].tolist() == [49406, 320, 1125, 539, 320, 4668]
    assert first.max() == 49407


PEAK = r"""
import json, re, sys
from pathlib import Path
import numpy as np, torch
from PIL import Image
from piqa_cli.model.liqe import cut_patches, load_liqe
pixels = np.random.default_rng(0).integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
with torch.inference_mode():
    logits = load_liqe(Path(sys.argv[1]))(cut_patches(Image.fromarray(pixels))[None])
peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]
print(json.dumps([list(logits.shape), int(peak) * 1024, "torch._dynamo" in sys.modules]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.slow
def test_twelve_megapixels_take_less_than_one_and_a_half_gigabytes(folder):
    """The whole process, libraries and weights included; the published program takes 8 GB.

    And torch's compiler, seconds of the start, stays out of it.
    """
    done = subprocess.run([sys.executable, "-c", PEAK, str(folder)], capture_output=True, text=True, check=True)
    shape, peak, compiler = json.loads(done.stdout)
    assert shape == [1, 495]
    assert peak < 1.5e9
    assert not compiler
