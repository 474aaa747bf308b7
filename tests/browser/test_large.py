"""The large view of photos that are not like most."""

import io

import pytest
from PIL import Image

from piqa_cli.records import Face, PhotoScore
from tests.browser.conftest import MISSING, until
from tests.browser.shoot import write_page
from tests.report.made import colors, jpeg, score_of


def opened(open_page, folder, *scores: PhotoScore, **options):
    """The page of these photos, with the first of them in the large view."""
    page = open_page(write_page(folder / "report.html", scores), **options)
    page.focus("#grid")
    page.keyboard.press("Enter")
    page.wait_for_selector("#large[open]")
    return page


def test_of_a_large_face_the_middle_is_shown(open_page, tmp_path):
    photo = Image.new("RGB", (1000, 1000))
    photo.paste("white", (480, 480, 520, 520))
    photo.save(tmp_path / "large.jpg")
    face = Face((320.0, 320.0, 680.0, 680.0), 0.99)
    page = opened(open_page, tmp_path, score_of(tmp_path / "large.jpg", faces=(face,)))
    page.locator("#large .native img").evaluate("(image) => image.decode()")
    seen = Image.open(io.BytesIO(page.locator("#large .native").screenshot())).convert("L")
    assert seen.getpixel((seen.width // 2, seen.height // 2)) > 200


def unreadable(path):
    return PhotoScore(path, "error", reason="cannot be read: truncated file", model="test@1")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("photo.tif", "Browsers cannot show this format: preview shown"),
        ("gone.tif", "Browsers cannot show this format"),
        ("gone.jpg", "Original not found"),
    ],
)
def test_why_the_photo_itself_is_not_shown(open_page, tmp_path, name, said):
    colors(400, 300).save(tmp_path / "photo.tif")
    page = opened(open_page, tmp_path, score_of(tmp_path / name), expect=MISSING)
    until(page, "(said) => document.querySelector('#large .note').textContent === said", said)


@pytest.mark.parametrize("name", ["broken.jpg", "broken.tif"])
def test_of_an_unreadable_photo_the_reason_is_said(open_page, tmp_path, name):
    colors(400, 300).save(tmp_path / name)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:300])
    page = opened(open_page, tmp_path, unreadable(tmp_path / name))
    until(page, "document.querySelector('#large .note').textContent === 'cannot be read: truncated file'")
    assert page.text_content("#large .percent") == ""


def test_of_an_unreadable_photo_with_a_preview_the_reason_is_said_too(open_page, tmp_path):
    path = jpeg(colors(1000, 750), tmp_path / "broken.jpg", thumbnail=colors(1000, 750))
    data = bytearray(path.read_bytes())
    data[data.rindex(b"\xff\xc0") + 11] = 0  # the photo's sampling: no decoder goes on from here
    path.write_bytes(data)
    page = opened(open_page, tmp_path, unreadable(path))
    said = "cannot be read: truncated file: preview shown"
    until(page, "(said) => document.querySelector('#large .note').textContent === said", said)


def test_half_a_photo_has_the_shape_and_the_zoom_that_the_browser_finds(open_page, tmp_path):
    colors(500, 800).save(tmp_path / "half.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "half.jpg").read_bytes()[:-4000])
    page = opened(open_page, tmp_path, unreadable(tmp_path / "half.jpg"))
    page.wait_for_selector("#large .stage.loaded")
    wide, high = page.evaluate(
        "(({ offsetWidth, offsetHeight }) => [offsetWidth, offsetHeight])(Dom.byId('large').querySelector('.stage'))"
    )
    assert wide / high == pytest.approx(500 / 800, abs=0.01)
    assert page.text_content("#large .percent") == f"{wide / 5:.0f} %"
