"""The large view of photos that are not like most."""

import io

from PIL import Image

from piqa_cli.records import Face, PhotoScore
from tests.browser.shoot import write_page
from tests.report.made import score_of


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
