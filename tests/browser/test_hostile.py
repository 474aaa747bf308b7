"""File names and EXIF are text: nothing in them runs, and nothing in them breaks the page."""

import json

import pytest
from PIL import Image

from piqa_cli.ranking.plan_csv import plan_from_csv
from piqa_cli.ranking.plan_file import load_plan
from piqa_cli.records import Capture, PhotoScore
from tests.browser.conftest import MISSING, names, settle, until
from tests.browser.shoot import write_page
from tests.browser.test_review import export

NAMES = [
    "<img src=x onerror=globalThis.hit=1>.jpg",
    "<script>globalThis.hit=1<!--.jpg",
    "'\"><svg onload=globalThis.hit=1>.jpg",
    "{{ 7*7 }} ${globalThis.hit=1}.jpg",
    '=cmd|calc,"x"\n.jpg',
    "\u202egpj.exe \u2028\u2029.jpg",
    "__proto__.jpg",
    "constructor",
    "100% #1?.jpg",
    "bytes \udcff\udc80.jpg",
    "\N{WOMAN}\u200d\N{PERSONAL COMPUTER} \u00e9.jpg",
    "x" * 200 + ".jpg",
]
EVIL = "</script><script>globalThis.hit=1</script><img src=x onerror=globalThis.hit=1>"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    scores = []
    for number, name in enumerate(NAMES):
        path = folder / name
        Image.new("RGB", (60, 40), (number * 20, 90, 120)).save(path, "JPEG")
        capture = Capture(camera=EVIL, lens=f"{EVIL} {number % 2}")
        reasons = (EVIL, "photo: noise")
        scores.append(
            PhotoScore(
                path,
                "ok",
                score=90.0 - number,
                raw_score=1.0 - number / 100,
                reasons=reasons,
                width=60,
                height=40,
                capture=capture,
                model=EVIL,
            )
        )
    scores.append(PhotoScore(folder / "gone.jpg", "error", reason=EVIL, model=EVIL))
    return write_page(folder / "report.html", scores)


@pytest.fixture
def page(open_page, hostile):
    return open_page(hostile, expect=MISSING)  # gone.jpg


def written(name):
    """As the score table writes it: bytes that are no UTF-8 read as \\xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def test_names_are_shown_as_they_are(page):
    assert names(page) == [*map(written, NAMES), "gone.jpg"]


def test_nothing_runs_in_any_view(page):
    page.focus("#grid")
    page.keyboard.press("Enter")
    for _ in NAMES:
        page.keyboard.press("ArrowRight")
        assert page.locator("#large .panel img").count() <= 1
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    page.click("#tab-charts")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    settle(page)
    assert page.evaluate("globalThis.hit === undefined && document.querySelectorAll('script').length") > 1
    assert page.locator("script:not([type])").count() == page.evaluate("document.scripts.length") - 2


def test_originals_with_odd_names_are_found(page):
    page.focus("#grid")
    page.keyboard.press("Enter")
    page.wait_for_selector("#large .stage.loaded")
    for name in NAMES[1:]:
        page.keyboard.press("ArrowRight")
        if "." in name:
            until(page, "(name) => probes.largeViewShows(name)", written(name))


def test_the_policy_stops_what_would_run(open_page, hostile, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(hostile.as_uri())
    page.wait_for_selector("body.ready")
    for attack in (
        "document.body.innerHTML = '<b>x</b>'",
        "(0, eval)('1')",
        "new Function('1')()",
        "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
        "document.body.append(Object.assign(document.createElement('script'), { text: '1' }))",
    ):
        # Within a timer: the policy does not hold for what evaluate() itself runs.
        tried = f"setTimeout(() => {{ try {{ {attack}; done(false); }} catch (e) {{ done(e instanceof Error); }} }})"
        assert page.evaluate(f"new Promise((done) => {tried})"), attack
    blocked = page.evaluate(
        """new Promise((done) => {
            addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));
            new Image().src = 'https://example.invalid/x.png';
            setTimeout(() => done('none'), 2000);
        })"""
    )
    assert blocked == "img-src"
    context.close()


def test_an_address_that_would_run_is_no_original(page):
    page.evaluate("Photos.data.photos.href.fill('javascript:globalThis.hit=1')")
    page.focus("#grid")
    page.keyboard.press("Enter")
    assert page.locator("#large a:text('Original')").is_hidden()


def test_exported_names_come_back_byte_for_byte(page, hostile, tmp_path):
    page.focus("#grid")
    for _ in NAMES:
        page.keyboard.press("p")
        page.keyboard.press("ArrowRight")
    plan, _ = load_plan(export(page, tmp_path / "plan.json"))
    assert [item.photo.name for item in plan.items] == NAMES
    table = plan_from_csv(export(page, tmp_path / "plan.csv", "Save as CSV").read_bytes().decode("utf-8"))
    assert [item.photo.name for item in table.items] == NAMES
    assert json.loads((tmp_path / "plan.json").read_text())["version"] == 1
