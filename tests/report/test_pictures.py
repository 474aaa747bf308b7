import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from piqa_cli.report.pictures import PictureJob, face_region, make_pictures
from tests.report.made import colors, jpeg

FACE = (160.0, 40.0, 280.0, 200.0)  # of the astronaut


@pytest.fixture
def portrait(tmp_path):
    return jpeg(Image.fromarray(astronaut()), tmp_path / "a.jpg", gps=True)


@pytest.fixture
def job(portrait):
    return PictureJob(portrait, (512, 512), FACE, side=200, budget=200_000, max_pixels=10**8)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_thumb_and_face(job):
    made = make_pictures(job)
    assert made.error is None
    assert opened(made.thumb).size == made.thumb_size == (200, 200)
    x1, y1, x2, y2 = made.face_crop
    face = opened(made.face)
    assert face.size == (x2 - x1, y2 - y1)
    assert x1 < FACE[0] and y1 < FACE[1] and x2 > FACE[2] and y2 > FACE[3]
    native = Image.fromarray(astronaut()).crop(made.face_crop)  # pixel for pixel, but for the compression
    assert np.abs(np.asarray(face, float) - np.asarray(native, float)).mean() < 5


def test_the_same_photo_gives_the_same_bytes(job):
    assert make_pictures(job) == make_pictures(job)


def test_no_metadata_comes_along(job, portrait):
    assert b"Exif" in portrait.read_bytes()
    made = make_pictures(job)
    for data in (made.thumb, made.face):
        assert not opened(data).getexif() and not {"exif", "xmp", "icc_profile"} & set(opened(data).info)
        assert b"EXIF" not in data and b"Exif" not in data and b"XMP" not in data


def test_sideways_photos_are_upright(tmp_path):
    path = jpeg(colors(300, 200), tmp_path / "a.jpg", orientation=6)
    made = make_pictures(PictureJob(path, (200, 300), (50.0, 60.0, 150.0, 180.0), 150, 100_000, 10**8))
    assert made.thumb_size == (100, 150)
    red, green, _ = opened(made.thumb).resize((1, 2)).getpixel((0, 0))
    assert red < green + 30  # stored with red rising to the right; turned clockwise it rises downwards
    assert made.face_crop is not None


@pytest.mark.parametrize("size", [(511, 512), (1024, 1024)])
def test_boxes_of_another_picture_are_not_used(job, size):
    made = make_pictures(replace(job, size=size))
    assert made.thumb is not None
    assert made.face is None and made.face_crop is None


def test_small_photos_are_not_blown_up(job):
    assert make_pictures(replace(job, side=2000)).thumb_size == (512, 512)


def test_without_a_face_a_preview_will_do(tmp_path):
    red = Image.new("RGB", (320, 240), (200, 30, 30))
    path = jpeg(colors(640, 480), tmp_path / "a.jpg", thumbnail=red)
    job = PictureJob(path, (640, 480), None, 300, 100_000, 10**8)
    assert opened(make_pictures(job).thumb).getpixel((10, 10))[1] < 60
    with_face = make_pictures(replace(job, face=(100.0, 100.0, 200.0, 200.0)))
    assert opened(with_face.thumb).getpixel((290, 215))[1] > 150


@pytest.mark.parametrize("budget", [25_000, 12_000, 5_000])
def test_noise_keeps_within_the_budget(tmp_path, budget):
    noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    job = PictureJob(tmp_path / "a.png", (1200, 900), (300.0, 100.0, 900.0, 800.0), 360, budget, 10**8)
    made = make_pictures(job)
    assert len(made.thumb) + len(made.face or b"") <= budget * 1.4  # the last step of the thumbnail is taken anyway
    if budget >= 12_000:
        assert len(made.thumb) + len(made.face or b"") <= budget


@pytest.mark.parametrize(
    ("data", "words"),
    [(None, "no such file"), (b"", "empty file"), (b"no photo", "not a supported image"), (b"\xff\xd8\xff", "damaged")],
)
def test_what_cannot_be_read_has_a_reason(tmp_path, data, words):
    path = tmp_path / "a.jpg"
    if data is not None:
        path.write_bytes(data)
    made = make_pictures(PictureJob(path, None, None, 300, 100_000, 10**8))
    assert words in made.error
    assert made.thumb is None and made.face is None


def test_the_pixel_limit_holds(job):
    assert "--max-megapixels" in make_pictures(replace(job, max_pixels=1000)).error


@pytest.mark.parametrize(
    ("face", "region"),
    [
        ((100, 100, 200, 200), (80, 80, 220, 220)),
        ((0, 0, 100, 100), (0, 0, 120, 120)),
        ((950, 700, 1000, 800), (940, 680, 1000, 800)),
        ((100, 0, 900, 800), (244, 64, 756, 576)),
        ((-500, -500, -100, -100), None),
        ((1200, 100, 1300, 200), None),
        ((5, 5, 5, 5), None),
    ],
    ids=["all of it", "corner", "other corner", "around the eyes", "outside", "right of it", "nothing"],
)
def test_the_part_that_shows_the_face(face, region):
    assert face_region((1000, 800), face, 512) == region
