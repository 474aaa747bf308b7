"""20,000 photos: the elements on the page stay few, wherever one is."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from PIL import Image

from piqa_cli.report.build import render
from piqa_cli.report.data import About, page_data
from piqa_cli.report.escape import to_script_json
from piqa_cli.report.pictures import Pictures
from tests.browser.conftest import MISSING, names, settle, until
from tests.browser.shoot import frame_of

ROWS = 20_000
MOST_NODES = 4_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    thumbs = folder / "assets" / "thumbs"
    thumbs.mkdir(parents=True)
    Image.new("RGB", (360, 240), (90, 120, 150)).save(thumbs / "000000.webp")
    for number in range(1, ROWS):
        os.link(thumbs / "000000.webp", thumbs / f"{number:06}.webp")
    data = page_data(frame_of(ROWS), About("Many", "a table", datetime(2026, 1, 1, tzinfo=UTC), None), folder)
    data.add_pictures([Pictures(thumb_size=(360, 240))] * ROWS)
    page = folder / "report.html"
    text = render(
        title="Many",
        data=to_script_json(data.document("assets/")),
        images=to_script_json(None),
        count=ROWS,
        noscript_rows=[],
    )
    page.write_text(text)
    return page


@pytest.fixture
def page(open_page, many):
    return open_page(many, expect=MISSING)  # there are no originals


def nodes(page):
    return page.evaluate("document.querySelectorAll('*').length")


def test_few_elements_at_the_top_the_middle_and_the_end(page):
    assert names(page)[0] == "IMG_00000.jpg" and nodes(page) < MOST_NODES
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    settle(page)
    until(page, "[...document.querySelectorAll('.card .name')].some((n) => /IMG_(09|10)/.test(n.textContent))")
    assert nodes(page) < MOST_NODES
    page.focus("#grid")
    page.keyboard.press("End")
    settle(page)
    assert names(page)[-1] == f"IMG_{ROWS - 1}.jpg" and nodes(page) < MOST_NODES
    assert page.locator(".card.current").is_visible()


def test_pictures_come_from_the_folder_beside_the_page(page):
    until(page, "document.querySelector('.card img').naturalWidth === 360")


def test_filter_sort_and_undo_reach_all_of_them(page):
    page.locator("label.option", has_text="X-T5").click()
    settle(page)
    assert page.inner_text("#summary").startswith("6,666 photos of 20,000")
    page.select_option("#sort", "name")
    page.click("#direction")
    settle(page)
    assert names(page)[0] == "IMG_19997.jpg"
    page.select_option("#grouping", "folder")
    settle(page)
    assert nodes(page) < MOST_NODES


def test_a_photo_that_somebody_looks_at_stays_in_sight_when_a_filter_goes(page):
    page.fill("#text", "IMG_1500")
    settle(page)
    page.fill("#text", "")
    settle(page)
    assert page.evaluate("scrollY") == 0  # nobody chose the first one
    page.fill("#text", "IMG_1500")
    settle(page)
    page.focus("#grid")
    page.keyboard.press("ArrowRight")
    page.fill("#text", "")
    settle(page)
    assert page.inner_text(".card.current .name") == "IMG_15001.jpg"
    assert 0 < page.locator(".card.current").bounding_box()["y"] < page.viewport_size["height"]
    page.evaluate("scrollTo(0, 0)")
    page.fill("#text", "IMG_1")  # what is out of sight moves nothing
    settle(page)
    assert page.evaluate("scrollY") == 0


def test_charts_of_all_of_them(page):
    page.click("#tab-charts")
    settle(page)
    assert "Median 50.0" in page.inner_text("#charts") and nodes(page) < MOST_NODES


def test_walking_through_them(page):
    page.focus("#grid")
    for _ in range(30):
        page.keyboard.press("PageDown")
    settle(page)
    assert page.locator(".card.current").is_visible() and nodes(page) < MOST_NODES
    page.keyboard.press("Enter")
    page.keyboard.press("3")
    page.keyboard.press("Escape")
    assert "3 stars by you" in page.locator(".card.current").get_attribute("aria-label")
