from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import five_crop, pil_to_tensor, resize

from piqa_cli.model.config import ViewConfig
from piqa_cli.model.preprocess import cut_face, cut_views, face_region, normalise
from piqa_cli.model.presets import DN_PIQA, PIQA_LITE
from tests.model import tiny


def gradient(width, height):
    """Red grows to the right, green downwards: every pixel tells where it came from."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, np.zeros_like(x)], axis=2).astype(np.uint8))


def test_views_have_the_configured_shapes_whatever_the_photo():
    for size in ((1, 1), (1, 700), (640, 480), (3000, 40)):
        views = cut_views(gradient(*size), None, PIQA_LITE.preprocess)
        assert {c: tuple(v.shape) for c, v in views.items()} == {
            "frame": (1, 3, 320, 320),
            "face": (1, 3, 256, 256),
            "detail": (1, 3, 384, 384),
            "inner": (1, 3, 192, 192),
        }
        assert all(v.dtype == torch.uint8 for v in views.values())


def test_the_published_views_are_five_crops():
    views = cut_views(gradient(600, 450), (100, 100, 300, 300), DN_PIQA.preprocess)
    assert {c: tuple(v.shape) for c, v in views.items()} == {"frame": (5, 3, 384, 384), "face": (5, 3, 384, 384)}
    reds, greens = views["frame"][:, 0].float().mean((1, 2)), views["frame"][:, 1].float().mean((1, 2))
    assert reds[0] == reds[2] < reds[4] < reds[1] == reds[3]
    assert greens[0] == greens[1] < greens[4] < greens[2] == greens[3]


def test_without_a_face_the_whole_photo_takes_its_place():
    photo = gradient(500, 400)
    config = replace(PIQA_LITE.preprocess, views=(ViewConfig("frame", "full", 256), ViewConfig("face", "face", 256)))
    views = cut_views(photo, None, config)
    assert torch.equal(views["face"], views["frame"])


def test_detail_is_cut_at_the_working_scale_around_the_face():
    photo = gradient(1000, 800)
    detail = cut_views(photo, (380, 280, 420, 320), PIQA_LITE.preprocess)["detail"][0]
    expected = np.asarray(photo.crop((400 - 192, 300 - 192, 400 + 192, 300 + 192)))
    assert np.array_equal(detail.permute(1, 2, 0).numpy(), expected)


def test_detail_is_moved_to_lie_inside():
    photo = gradient(1000, 800)
    detail = cut_views(photo, (960, 0, 1000, 40), PIQA_LITE.preprocess)["detail"][0]
    assert np.array_equal(detail.permute(1, 2, 0).numpy(), np.asarray(photo.crop((616, 0, 1000, 384))))


def test_a_photo_smaller_than_the_detail_is_mirrored_not_enlarged():
    photo = gradient(300, 200)
    detail = cut_views(photo, None, PIQA_LITE.preprocess)["detail"][0].permute(1, 2, 0).numpy()
    assert np.array_equal(detail[92:292, 42:342], np.asarray(photo))
    assert np.array_equal(detail[91, 42:342], np.asarray(photo)[0])


INNER = replace(PIQA_LITE.preprocess, views=(ViewConfig("inner", "face", 192),))


def inner(photo, face):
    return cut_views(photo, face, INNER)["inner"][0].permute(1, 2, 0).numpy()


def test_the_inner_face_is_cut_at_the_working_scale():
    photo = gradient(1000, 800)
    expected = np.asarray(photo.crop((500 - 96, 400 - 96, 500 + 96, 400 + 96)))
    assert np.array_equal(inner(photo, (350, 200, 650, 600)), expected)
    assert np.array_equal(inner(photo, None), expected)


def test_an_inner_face_smaller_than_the_square_is_mirrored_not_enlarged():
    photo = gradient(1000, 800)
    shown = inner(photo, (450, 340, 550, 460))
    own = np.asarray(photo.crop((460, 360, 540, 440)))
    assert np.array_equal(shown[56:136, 56:136], own)
    assert np.array_equal(shown[55, 56:136], own[0])
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == len(np.unique(own.reshape(-1, 3), axis=0))


@pytest.mark.parametrize(
    ("face", "seen"),
    [
        ((950, 700, 1100, 850), (965, 715, 1000, 800)),
        ((-60, -80, 40, 20), (0, 0, 30, 10)),
        ((1200, 900, 1300, 1000), (999, 799, 1000, 800)),
    ],
    ids=["past the corner", "before the first corner", "outside"],
)
def test_an_inner_face_at_the_border_shows_what_is_there(face, seen):
    photo = gradient(1000, 800)
    own = np.asarray(photo.crop(seen))
    top, left = (192 - own.shape[0]) // 2, (192 - own.shape[1]) // 2
    assert np.array_equal(inner(photo, face)[top : top + own.shape[0], left : left + own.shape[1]], own)


@pytest.mark.parametrize(
    ("face", "expected"),
    [
        ((100, 100, 200, 220), (80, 80, 220, 240)),
        ((5, 100, 90, 200), (0, 80, 110, 220)),
        ((550, 400, 640, 480), (530, 380, 600, 450)),
        ((700, 500, 720, 520), (0, 0, 600, 450)),
    ],
    ids=["inside", "left border", "past the corner", "outside"],
)
def test_the_published_face_crop_is_clamped(face, expected):
    assert face_region((600, 450), face, DN_PIQA.preprocess) == expected


def test_a_single_face_is_cut_for_the_face_head_alone():
    assert set(cut_face(gradient(500, 500), (100, 100, 200, 200), tiny.LITE)) == {"face", "detail"}


def test_a_single_face_is_a_photo_of_its_own_without_a_face_head():
    photo, face = gradient(500, 500), (100, 100, 200, 200)
    views = cut_face(photo, face, tiny.CROPPED)
    expected = cut_views(photo.crop((80, 80, 220, 220)), None, tiny.CROPPED.preprocess)
    assert all(torch.equal(views[cut], expected[cut]) for cut in ("frame", "face"))


def test_normalise_applies_mean_and_deviation():
    pixels = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1, 1).expand(2, 1, 3, 2, 2)
    scaled = normalise({"frame": pixels}, DN_PIQA.preprocess)["frame"]
    assert scaled[0, 0, 0, 0, 0] == pytest.approx(-0.485 / 0.229)
    assert scaled[1, 0, 2, 1, 1] == pytest.approx((1 - 0.406) / 0.225)


def as_published(image, size, resize_to, face=None):
    """The published order of operations, with torchvision."""
    if face is not None:
        image = image.crop((face[0] - 20, face[1] - 20, face[2] + 20, face[3] + 20))
    crops = five_crop(resize(image, resize_to, InterpolationMode.BILINEAR), size)
    return torch.stack([pil_to_tensor(crop) for crop in crops])


@pytest.mark.parametrize("size", [(512, 512), (601, 433), (433, 601), (100, 90), (1300, 400)], ids=str)
def test_the_frame_s_crops_are_those_of_the_published_program(size):
    photo = Image.fromarray(data.astronaut()).resize(size)
    assert torch.equal(cut_views(photo, None, DN_PIQA.preprocess)["frame"], as_published(photo, 384, 448))


@pytest.mark.parametrize(
    "face",
    [(177, 62, 272, 191), (177.6, 62.4, 272.5, 191.5), (20.5, 21.5, 300.49, 300.51), (20, 20, 492, 492)],
    ids=["whole", "fractions", "halves", "up to the border"],
)
def test_the_face_s_crops_are_those_of_the_published_program_inside_the_photo(face):
    photo = Image.fromarray(data.astronaut())
    assert torch.equal(cut_views(photo, face, DN_PIQA.preprocess)["face"], as_published(photo, 384, 448, face))


def test_a_face_at_the_border_shows_the_photo_and_no_black():
    photo = Image.new("RGB", (600, 450), "white")
    for face in ((-15, -15, 80, 90), (560, 400, 640, 470), (0, 0, 600, 450)):
        assert (cut_views(photo, face, DN_PIQA.preprocess)["face"] == 255).all()
    assert (as_published(photo, 384, 448, (-15, -15, 80, 90)) == 0).any()


@pytest.mark.parametrize("size", [(3000, 20), (20, 2400)], ids=str)
def test_crops_of_a_strip_are_cut_without_making_the_whole(size):
    photo = Image.fromarray(data.astronaut()).resize(size)
    ours, whole = cut_views(photo, None, DN_PIQA.preprocess)["frame"], as_published(photo, 384, 448)
    assert (ours.int() - whole.int()).abs().max() <= 1


def test_the_longest_strip_takes_no_more_memory_than_a_photo():
    views = cut_views(Image.new("RGB", (60000, 1), "red"), None, DN_PIQA.preprocess)  # resized: 36 gigabytes
    assert views["frame"].shape == views["face"].shape == (5, 3, 384, 384)
