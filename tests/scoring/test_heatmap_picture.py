"""The heat map as people see it: a made map with known numbers, looked at pixel by pixel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from piqa_cli.records import Face, PhotoScore
from piqa_cli.scoring.explanation import ExplainedFace, Explanation, Mark
from piqa_cli.scoring.heatmap import LocalMap, Patch, grid, patch_boxes
from piqa_cli.scoring.heatmap_file import is_heatmap, to_png
from piqa_cli.scoring.heatmap_picture import LEAST_SIDE, MOST_SIDE, STEPS, colour, draw
from piqa_cli.scoring.heatmap_surface import surface

# Linear RGB as seen without the long-wave and without the middle-wave cones (Viénot, Brettel and Mollon 1999).
PROTANOPIA = np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]])
DEUTERANOPIA = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])


def made(score, structure=lambda x, y: 1.0, size=(1200, 800), faces=()):
    """A map over grey paper whose scores and structure are functions of the patch's middle, in shares of the photo.

    In the place of a face there is noise.
    """
    columns, rows = grid(size)
    patches = []
    for box in patch_boxes(size, least=1):
        x, y = (box[0] + box[2]) / 2 / size[0], (box[1] + box[3]) / 2 / size[1]
        patches.append(Patch(box, score(x, y), structure(x, y), None))
    photo = Image.new("RGB", size, (128, 128, 128))
    for one in faces:
        left, top, right, bottom = map(int, one.box)
        noise = np.random.default_rng(0).integers(90, 166, (bottom - top, right - left), dtype=np.uint8)
        photo.paste(Image.fromarray(noise), (left, top))
    record = PhotoScore(Path("a.jpg"), "ok", score=62.5, width=size[0], height=size[1], model="made@1")
    return Explanation(record, {}, tuple(faces), False, None, None, 0.3, LocalMap(columns, rows, tuple(patches), photo))


def face(box, score):
    return ExplainedFace(Face(box, 0.99), Mark(0.0, score), None)


def pixel(picture, x, y):
    return np.asarray(picture, dtype=float)[y, x]


@pytest.mark.parametrize("size", [(1200, 800), (300, 2000), (4000, 40), (1, 1)])
def test_even_patches_make_an_even_surface(size):
    found = surface(made(lambda x, y: 40.0, size=size), size)
    assert found.score.shape == found.certainty.shape == size[::-1]
    np.testing.assert_allclose(found.score, 40, atol=1e-3)
    np.testing.assert_allclose(found.certainty, 1, atol=1e-3)


def test_plain_patches_take_on_what_is_around_them_and_count_less():
    found = surface(made(lambda x, y: 20 if x > 0.5 else 80, lambda x, y: 0.01 if x > 0.5 else 1.0), (600, 400))
    assert found.score[:, :200].mean() == pytest.approx(80, abs=1)
    assert found.score[200, 330] > 70
    assert found.certainty[200, 100] > 0.95
    assert found.certainty[200, 550] < 0.05


def test_a_photo_without_any_structure_still_has_numbers():
    found = surface(made(lambda x, y: 30.0, lambda x, y: 0.0), (600, 400))
    np.testing.assert_allclose(found.score, 30, atol=1e-3)
    assert found.certainty.max() == 0


def test_a_small_face_has_its_own_score_and_a_large_one_what_is_in_it():
    small = surface(made(lambda x, y: 90.0, faces=[face((600, 400, 660, 470), 10.0)]), (1200, 800))
    assert small.score[435, 630] < 25
    assert small.score[435, 900] > 88
    large = surface(made(lambda x, y: 90.0, faces=[face((200, 50, 900, 780), 10.0)]), (1200, 800))
    assert large.score[415, 550] > 80


def test_a_face_s_box_of_one_colour_is_as_neutral_as_all_around_it():
    explanation = made(lambda x, y: 5.0, lambda x, y: 0.0)
    given = replace(explanation, faces=(face((300, 200, 700, 600), 10.0),))
    assert surface(given, (1200, 800)).certainty.max() == 0
    inside, beside = pixel(draw(given), 500, 400), pixel(draw(given), 1100, 400)
    np.testing.assert_allclose([inside, beside], 128, atol=1)


def test_left_is_left_and_good_is_blue():
    picture = draw(made(lambda x, y: 5.0 if x < 0.5 else 95.0))
    bad, good = pixel(picture, 150, 400), pixel(picture, 1050, 400)
    assert bad[0] > bad[2] + 50
    assert good[2] > good[0] + 50
    np.testing.assert_allclose(pixel(draw(made(lambda x, y: 5.0, lambda x, y: 0.0)), 600, 400), 128, atol=1)


def test_faces_are_boxed_and_labelled_where_they_are():
    box = (600.0, 400.0, 700.0, 520.0)
    plain = np.asarray(draw(made(lambda x, y: 50.0)), dtype=int)
    boxed = np.asarray(draw(made(lambda x, y: 50.0, faces=[face(box, 50.0)])), dtype=int)
    rows, columns = np.nonzero(np.abs(plain - boxed).max(axis=2) > 60)
    assert (columns.min(), columns.max()) == (pytest.approx(600, abs=4), pytest.approx(700, abs=4))
    assert (rows.min(), rows.max()) == (pytest.approx(400 - 28, abs=4), pytest.approx(520, abs=4))
    assert tuple(boxed[460, 600]) == (255, 255, 255)


@pytest.mark.parametrize("box", [(0.0, 0.0, 60.0, 60.0), (1150.0, 760.0, 1200.0, 800.0), (1199.0, 0.0, 1200.0, 1.0)])
def test_a_label_at_the_border_stays_in_the_picture(box):
    whole = np.asarray(draw(made(lambda x, y: 50.0, faces=[face(box, 88.0)])), dtype=int)[:800]
    label = (whole == 255).all(axis=2).sum()
    assert label > 400  # the paper under the score


@pytest.mark.parametrize(
    ("size", "shown"),
    [((1200, 800), (1200, 800)), ((500, 250), (LEAST_SIDE, LEAST_SIDE // 2)), ((2000, 1000), (MOST_SIDE, 800))],
)
def test_the_picture_has_a_readable_size(size, shown):
    picture = draw(made(lambda x, y: 50.0, size=size))
    assert picture.width == shown[0]
    assert shown[1] + 100 < picture.height < shown[1] + 200


def test_a_narrow_photo_keeps_room_for_the_scale():
    picture = draw(made(lambda x, y: 50.0, size=(100, 1000)))
    assert picture.width == 720
    assert tuple(pixel(picture, 5, 500)) == (255, 255, 255)
    assert tuple(pixel(picture, 360, 500)) != (255, 255, 255)


def test_the_mark_on_the_scale_covers_no_word():
    def ink(width, score):
        explanation = made(lambda x, y: 50.0, size=(width, 1000))
        picture = draw(replace(explanation, photo=replace(explanation.photo, score=score)))
        return (255 - np.asarray(picture.convert("L"), dtype=float)[1000:1070]).sum()  # between photo and colours

    # The same title, mark and digits: as much ink wherever the mark stands, unless one lies on another.
    assert len({ink(width, score) for width in (100, 1600) for score in (19.1, 91.1)}) == 1


@pytest.mark.parametrize("eyes", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["most", "protanopia", "deuteranopia"])
def test_the_colours_stay_apart_for_every_kind_of_eye(eyes):
    linear = (colour(np.array(STEPS, dtype=np.float32)) / 255) ** 2.2
    lab = rgb2lab(np.clip(linear @ eyes.T, 0, 1)[None] ** (1 / 2.2))[0]
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=2)
    assert apart[~np.eye(len(STEPS), dtype=bool)].min() > 15


def test_the_file_knows_its_own(tmp_path):
    (tmp_path / "map.png").write_bytes(to_png(draw(made(lambda x, y: 50.0))))
    Image.new("RGB", (9, 9)).save(tmp_path / "other.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "map.png").read_bytes()[:20])
    found = [is_heatmap(tmp_path / name) for name in ("map.png", "other.png", "broken.png", "gone.png")]
    assert found == [True, False, False, False]
