import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter
from skimage import data

from piqa_cli.faces.detect import FaceDetector
from piqa_cli.faces.eyes import (
    CLOSED_BELOW,
    LEAST_EYE_DISTANCE,
    cut_eyes,
    cut_pairs,
    eyes_word,
    lid_distance,
    load_eye_reader,
)
from piqa_cli.faces.geometry import pose
from piqa_cli.records import Face

ASTRONAUT = Image.fromarray(data.astronaut())


@pytest.fixture(scope="module")
def face():
    (found,) = FaceDetector().detect(ASTRONAUT)
    return found


def openness(image, face, scale=1.0):
    pairs = cut_pairs(image, (face,), scale)
    assert pairs is not None
    reader = load_eye_reader(torch.device("cpu"))
    with torch.inference_mode():
        return float(reader(pairs.pixels, pairs.turns)[0])


def nose_at(face, along):
    """The face with the tip of its nose there on the line through the eyes: 0 at the left one, 1 at the right one."""
    (x1, y1), (x2, y2), _, *mouth = face.landmarks
    return replace(face, landmarks=((x1, y1), (x2, y2), (x1 + along * (x2 - x1), y1 + along * (y2 - y1)), *mouth))


def skin(image, x, y):
    """The colour of the upper lid, just below the brow."""
    return tuple(int(value) for value in np.asarray(image)[round(y), round(x)])


def with_lids_down(image, face):
    """Skin painted over both eyes down to a dark line of lashes, the border softened."""
    distance = math.dist(*face.landmarks[:2])
    mask, lashes = Image.new("L", image.size), Image.new("L", image.size)
    painted = image.copy()
    for x, y in face.landmarks[:2]:
        wide, high = 0.27 * distance, 0.15 * distance
        lid = (x - wide, y - high, x + wide, y + high)
        ImageDraw.Draw(painted).ellipse(lid, fill=skin(image, x, y - 0.2 * distance))
        ImageDraw.Draw(mask).ellipse(lid, fill=255)
        line = (x - 0.9 * wide, y - 0.6 * high, x + 0.9 * wide, y + 0.7 * high)
        ImageDraw.Draw(lashes).arc(line, 20, 160, fill=255, width=max(round(0.035 * distance), 1))
    shut = Image.composite(painted, image, mask.filter(ImageFilter.GaussianBlur(0.02 * distance)))
    return Image.composite(Image.new("RGB", image.size, (60, 35, 30)), shut, lashes)


def with_sunglasses(image, face):
    distance = math.dist(*face.landmarks[:2])
    worn = image.copy()
    (x1, y1), (x2, y2) = face.landmarks[:2]
    for x, y in face.landmarks[:2]:
        ImageDraw.Draw(worn).ellipse(
            (x - 0.44 * distance, y - 0.32 * distance, x + 0.44 * distance, y + 0.36 * distance), fill=(12, 12, 14)
        )
    ImageDraw.Draw(worn).line((x1, y1 - 0.1 * distance, x2, y2 - 0.1 * distance), fill=(12, 12, 14), width=4)
    return worn


def resized(factor):
    return ASTRONAUT.resize((int(512 * factor),) * 2, Image.Resampling.LANCZOS)


def test_open_eyes_are_open(face):
    assert openness(ASTRONAUT, face) > 0.8


def test_lids_over_the_eyes_close_them(face):
    assert openness(with_lids_down(ASTRONAUT, face), face) < CLOSED_BELOW


def test_sunglasses_hide_them(face):
    assert math.isnan(openness(with_sunglasses(ASTRONAUT, face), face))


@pytest.mark.parametrize("factor", [0.6, 2, 5])
def test_the_size_of_the_photo_matters_little(face, factor):
    large = resized(factor)
    assert openness(large, face, factor) == pytest.approx(openness(ASTRONAUT, face), abs=0.1)


@pytest.mark.parametrize("degrees", [-30, 25, 90])
def test_nor_does_a_tilt(face, degrees):
    tilted = ASTRONAUT.rotate(-degrees, Image.Resampling.BICUBIC)  # Pillow turns the other way
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    points = tuple(
        (255.5 + (x - 255.5) * cos - (y - 255.5) * sin, 255.5 + (x - 255.5) * sin + (y - 255.5) * cos)
        for x, y in face.landmarks
    )
    assert openness(tilted, replace(face, landmarks=points)) == pytest.approx(openness(ASTRONAUT, face), abs=0.15)


def test_a_mirrored_face_gives_mirrored_eyes(face):
    mirrored = ASTRONAUT.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    left, right, nose, mouth_left, mouth_right = ((512 - x, y) for x, y in face.landmarks)
    swapped = replace(face, landmarks=(right, left, nose, mouth_right, mouth_left))
    ours, theirs = cut_eyes(ASTRONAUT, face, 1.0), cut_eyes(mirrored, swapped, 1.0)
    assert (ours.float() - theirs.flip(0).float()).abs().mean() < 2
    assert openness(mirrored, swapped) == pytest.approx(openness(ASTRONAUT, face), abs=0.05)


def centre_of(square, channel):
    """Where a channel is brightest, x and y: uint8 (3, 64, 64)."""
    y, x = np.nonzero(square[channel].numpy() > 128)
    return float(x.mean()), float(y.mean())


@pytest.mark.parametrize("side", [300, 1500])
@pytest.mark.parametrize("degrees", [0, 35, -120])
def test_the_cut_is_levelled_centred_and_mirrored(side, degrees):
    """Red dots at the eyes; green ones beside them, on the outside."""
    across, middle = 0.4 * side, side / 2
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    image = Image.new("RGB", (side, side))

    def dot(along, colour):
        x, y, r = middle + along * cos, middle + along * sin, 0.02 * side
        ImageDraw.Draw(image).ellipse((x - r, y - r, x + r, y + r), fill=colour)
        return x, y

    eyes = tuple(dot(sign * across / 2, (255, 0, 0)) for sign in (-1, 1))
    for sign in (-1, 1):
        dot(sign * (across / 2 + 0.25 * across), (0, 255, 0))
    cut = cut_eyes(image, Face((0.0, 0.0, 1.0, 1.0), 0.9, eyes), 1.0)
    assert (cut.shape, cut.dtype) == ((2, 3, 64, 64), torch.uint8)
    for square in cut:
        assert centre_of(square, 0) == pytest.approx((31.5, 31.5), abs=1.5)
        assert centre_of(square, 1) == pytest.approx((31.5 - 64 * 0.25 / 1.035, 31.5), abs=1.5)


@pytest.mark.parametrize("along", [-0.25, 1.25])
def test_of_a_face_that_is_half_turned_away_the_near_eye_tells(face, along):
    turned = nose_at(face, along)
    far = turned.landmarks[0] if along < 0.5 else turned.landmarks[1]
    hidden = ASTRONAUT.copy()
    reach = 0.3 * math.dist(*face.landmarks[:2])
    ImageDraw.Draw(hidden).ellipse((far[0] - reach, far[1] - reach, far[0] + reach, far[1] + reach), fill=(9, 9, 9))
    assert pose(turned.landmarks) == "profile"
    assert openness(hidden, turned) > 0.8
    assert openness(with_lids_down(ASTRONAUT, face), turned) < CLOSED_BELOW


def test_eyes_that_cannot_be_told_are_left_out(face):
    small = 0.99 * LEAST_EYE_DISTANCE / math.dist(*face.landmarks[:2])
    turned = (nose_at(face, -0.31), nose_at(face, 1.31))
    assert cut_pairs(ASTRONAUT, (*turned, replace(face, landmarks=())), 1.0) is None
    assert cut_pairs(ASTRONAUT, (face,), small) is None
    pairs = cut_pairs(ASTRONAUT, (turned[0], face), 1.0)
    assert pairs is not None
    assert (pairs.faces, len(pairs.pixels), len(pairs.turns)) == ((1,), 1, 1)


def test_eyes_of_a_face_cut_at_its_brow_are_not_told(face):
    """The detector guesses them there, and what it guesses looks closed."""
    distance, eyes = math.dist(*face.landmarks[:2]), min(y for _, y in face.landmarks[:2])
    for room, told in ((0.5, True), (0.05, False)):
        off = eyes - room * distance
        cut = replace(face, landmarks=tuple((x, y - off) for x, y in face.landmarks))
        assert (cut_pairs(ASTRONAUT.crop((0, round(off), *ASTRONAUT.size)), (cut,), 1.0) is not None) is told


@pytest.mark.parametrize("where", [(-300.0, -300.0), (5000.0, 100.0), (0.0, 0.0), (511.0, 511.0)])
def test_eyes_outside_of_the_photo_are_black_or_cut(where):
    x, y = where
    eyes = cut_eyes(ASTRONAUT, Face((0.0, 0.0, 1.0, 1.0), 0.9, ((x, y), (x + 40, y))), 1.0)
    assert eyes.shape == (2, 3, 64, 64)
    assert (eyes == 0).float().mean() > 0.4


def beside_the_border(image, face, beyond):
    """The photo cut in front of the left eye (0) or behind the right one (1), and the face there."""
    (x1, _), (x2, _) = face.landmarks[:2]
    edge = round((x1 + x2) / 2) + (-12 if beyond == 1 else 12)
    if beyond == 1:
        return image.crop((0, 0, edge, image.height)), face
    moved = tuple((x - edge, y) for x, y in face.landmarks)
    return image.crop((edge, 0, *image.size)), replace(face, landmarks=moved)


@pytest.mark.parametrize("beyond", [0, 1])
def test_an_eye_beyond_the_border_is_not_closed(face, beyond):
    assert openness(*beside_the_border(ASTRONAUT, face, beyond)) > 0.8
    assert openness(*beside_the_border(with_lids_down(ASTRONAUT, face), face, beyond)) < CLOSED_BELOW


def test_both_eyes_beyond_the_border_are_not_told(face):
    below = round(min(y for _, y in face.landmarks[:2])) - 2
    assert cut_pairs(ASTRONAUT.crop((0, 0, 512, below)), (face,), 1.0) is None


def test_blur_and_darkness_hide_them(face):
    blurred = ASTRONAUT.filter(ImageFilter.GaussianBlur(12))
    dark = ASTRONAUT.point(lambda value: value // 40)
    assert math.isnan(openness(blurred, face))
    assert math.isnan(openness(dark, face))


def test_several_faces_are_read_as_each_alone(face):
    closed = with_lids_down(ASTRONAUT, face)
    both = Image.new("RGB", (1024, 512))
    both.paste(ASTRONAUT, (0, 0))
    both.paste(closed, (512, 0))
    second = replace(face, landmarks=tuple((x + 512, y) for x, y in face.landmarks))
    pairs = cut_pairs(both, (face, second), 1.0)
    with torch.inference_mode():
        values = load_eye_reader(torch.device("cpu"))(pairs.pixels, pairs.turns)
    assert values.tolist() == pytest.approx([openness(ASTRONAUT, face), openness(closed, face)], abs=1e-3)


@pytest.mark.parametrize(("value", "word"), [(None, "unknown"), (0.0, "closed"), (0.49, "closed"), (0.5, "open")])
def test_words(value, word):
    assert eyes_word(value) == word


def test_lid_distance_is_a_share_of_the_width():
    points = torch.zeros(2, 71, 2)
    along = torch.linspace(0, 40, 9)
    points[:, :9, 0] = along
    points[:, 9:16, 0] = along[1:8]
    points[0, 1:8, 1], points[0, 9:16, 1] = 5.0, -5.0  # y points down
    points[1] = points[0] @ torch.tensor([[0.8, 0.6], [-0.6, 0.8]])  # turned
    assert lid_distance(points).tolist() == pytest.approx([0.25, 0.25])
    assert lid_distance(torch.zeros(1, 71, 2)).isfinite().all()


numbers = st.floats(-5000, 5000)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=5), st.floats(0.05, 2))
def test_whatever_the_detector_says(points, scale):
    pairs = cut_pairs(ASTRONAUT, (Face((0.0, 0.0, 1.0, 1.0), 0.9, tuple(points)),), scale)
    assert pairs is None or pairs.pixels.shape == (1, 2, 3, 64, 64)
