import numpy as np
import pytest
from PIL import Image
from skimage import data

from piqa_training.compose import before_scene, cut_out, has_plain_backdrop
from piqa_training.originals import tones, varied

FACE_IN_STUDIO = (105.0, 90.0, 195.0, 220.0)
FACE = (170.0, 60.0, 270.0, 195.0)  # of the astronaut


@pytest.fixture(scope="module")
def portrait():
    return Image.fromarray(data.astronaut())


@pytest.fixture(scope="module")
def studio():
    """A head and shoulders before a light grey wall with a soft gradient."""
    height, width = 400, 300
    wall = np.broadcast_to(np.linspace(212, 222, width), (height, width))
    picture = np.repeat(wall[..., None], 3, axis=2).copy()
    y, x = np.mgrid[:height, :width]
    person = (np.hypot((x - 150) / 60, (y - 150) / 80) < 1) | ((np.hypot((x - 150) / 130, (y - 400) / 190)) < 1)
    picture[person] = (120, 80, 60)
    return Image.fromarray(picture.astype(np.uint8)), person


def test_a_person_is_cut_out_of_a_plain_backdrop(studio):
    image, person = studio
    assert has_plain_backdrop(image)
    opacity = cut_out(image, FACE_IN_STUDIO)
    assert opacity[person].mean() > 0.95
    assert opacity[~person].mean() < 0.03


def test_a_busy_background_is_no_plain_backdrop(portrait):
    assert not has_plain_backdrop(portrait)
    assert not has_plain_backdrop(Image.new("RGB", (90, 90), (20, 20, 20)))


def test_the_face_is_where_the_box_says(studio):
    image, _ = studio
    opacity = cut_out(image, FACE_IN_STUDIO)
    scene = Image.new("RGB", (900, 600), (10, 200, 30))
    for seed in range(5):
        picture, box = before_scene(image, opacity, FACE_IN_STUDIO, scene, np.random.default_rng(seed))
        assert picture.size == scene.size
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        if 0 <= x < picture.width and 0 <= y < picture.height:
            assert np.abs(np.array(picture.getpixel((int(x), int(y)))) - (120, 80, 60)).max() <= 8


def test_other_tones_are_grey_brown_and_dark_around_the_person(portrait):
    grey, brown, dark = (np.asarray(made, dtype=float) for made in tones(portrait, FACE, np.random.default_rng(2)))
    before = np.asarray(portrait, dtype=float)
    assert (grey[..., 0] == grey[..., 2]).all() and grey.mean() == pytest.approx(before.mean(), rel=0.05)
    assert brown[..., 0].mean() > brown[..., 1].mean() > brown[..., 2].mean()
    face, corner = (slice(80, 180), slice(190, 250)), (slice(0, 60), slice(440, 512))
    assert np.abs(dark[face] - before[face]).max() <= 1
    assert dark[corner].mean() < 0.8 * before[corner].mean()
    assert len(tones(portrait, None, np.random.default_rng(2))) == 2


def test_variations_keep_the_face_and_differ(portrait):
    seen = set()
    for seed in range(24):
        image, box = varied(portrait, FACE, (), np.random.default_rng(seed))
        x1, y1, x2, y2 = box
        assert 0 <= x1 < x2 <= image.width + 0.01
        assert 0 <= y1 < y2 <= image.height + 0.01
        seen.add((image.size, round(x1)))
    assert len(seen) > 10


def test_one_seed_gives_one_variation(portrait):
    first, again = (varied(portrait, FACE, (), np.random.default_rng(3)) for _ in range(2))
    assert first[0].tobytes() == again[0].tobytes()
    assert first[1] == again[1]


def test_a_photo_without_a_face_is_varied_too(portrait):
    image, box = varied(portrait, None, (), np.random.default_rng(0))
    assert box is None
    assert min(image.size) >= 64
