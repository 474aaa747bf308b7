import os
from pathlib import Path
from urllib.parse import unquote_to_bytes, urljoin

import pytest

from piqa_cli.report.links import Links, viewable
from tests.report.made import HOSTILE


@pytest.mark.parametrize(
    ("photo", "url"),
    [
        ("/shoot/a.jpg", "a.jpg"),
        ("/shoot/day 1/a.jpg", "day%201/a.jpg"),
        ("/a.jpg", "../a.jpg"),
        ("/other/ä#?.jpg", "../other/%C3%A4%23%3F.jpg"),
        ("/shoot/javascript:alert(1).jpg", "javascript%3Aalert%281%29.jpg"),
        ("/shoot/100%25.jpg", "100%2525.jpg"),
    ],
)
def test_urls_are_relative_to_the_page(photo, url):
    assert Links(Path("/shoot")).to(photo) == url


@pytest.mark.parametrize("name", [*HOSTILE, os.fsdecode(b"\xff\xfe.jpg"), "..", "a;b,c.jpg"])
def test_a_browser_finds_the_file_again(name):
    url = Links(Path("/shoot/pages")).to(f"/shoot/some folder/{name}")
    assert url is not None and url.isascii() and not set("<>\"'& \n") & set(url)
    absolute = urljoin("file:///shoot/pages/report.html", url)
    if name != "..":
        assert unquote_to_bytes(absolute.removeprefix("file://")) == os.fsencode(f"/shoot/some folder/{name}")


@pytest.mark.parametrize(
    ("name", "shown"), [("a.JPG", True), ("a.webp", True), ("a.avif", True), ("a.CR2", False), ("a.heic", False)]
)
def test_what_browsers_show(name, shown):
    assert viewable(name) is shown
