"""Window widths, themes, paper, and what assistive technology is told."""

from dataclasses import replace

import polars as pl
import pytest

from tests.browser.conftest import MISSING, names, reload, settle
from tests.browser.shoot import SHOTS, frame_of, record, write_page, write_table

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SMALL_PHONE = PHONE | {"viewport": {"width": 320, "height": 568}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["#tab-photos", "#tab-charts"])
def test_text_stands_out_from_its_ground(open_page, report, scheme, view):
    page = open_page(report, color_scheme=scheme)
    page.click(view)
    page.mouse.move(0, 0)
    page.wait_for_timeout(200)  # colours that fade in
    assert page.evaluate("probes.pale()") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_large_view_stands_out_too(open_page, report, scheme):
    page = open_page(report, color_scheme=scheme)
    page.focus("#grid")
    page.keyboard.press("Enter")
    page.wait_for_selector("#large .stage.loaded")
    assert page.evaluate("probes.pale()") == []


def test_everything_that_can_be_used_has_a_name(page):
    page.focus("#grid")
    page.keyboard.press("Enter")
    assert page.evaluate("probes.nameless()") == []


def test_ids_are_unique_and_references_lead_somewhere(page):
    assert page.evaluate("probes.idsAreUnique() && probes.referencesLeadSomewhere()")


def test_every_control_is_reached_by_tab_and_shows_it(page):
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.ariaLabel || ''"))
        assert page.evaluate("probes.focusIsSeen()")
    assert {"tab-charts", "text", "sort", "export", "grid", "Lowest score", "Pick"} <= reached


@pytest.mark.parametrize("phone", [PHONE, SMALL_PHONE], ids=["390 px", "320 px"])
@pytest.mark.parametrize("view", ["#tab-photos", "#tab-charts"])
def test_a_phone_scrolls_down_only(open_page, report, view, phone):
    page = open_page(report, **phone)
    page.click(view)
    settle(page)
    width = phone["viewport"]["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("probes.rightmost('.review *, .top *, .card, .figure')") <= width


@pytest.mark.parametrize("phone", [PHONE, SMALL_PHONE], ids=["390 px", "320 px"])
def test_on_a_phone_the_last_photo_is_above_the_review_bar(open_page, report, phone):
    page = open_page(report, **phone)
    page.evaluate("State.select([0, 1, 2, 3, 4, 5, 6, 7, 8].concat(Array(9).fill(0)))")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    settle(page)
    bottom = "Math.max(...[...document.querySelectorAll('.card')].map((card) => card.getBoundingClientRect().bottom))"
    assert page.evaluate(bottom) < page.evaluate("Dom.byId('review').getBoundingClientRect().top")


@pytest.mark.parametrize("size", ["s", "m", "l"])
def test_of_a_long_name_the_end_is_seen(open_page, tmp_path, size):
    """The names of a shoot may begin alike and differ in a number at their end only."""
    shot = [f"2024-06-15 Wedding of Anna and Ben in the old church_{number:04}.jpg" for number in range(3)]
    frame = frame_of(3).with_columns(pl.Series("path", [f"/nowhere/{name}" for name in shot]))
    page = open_page(write_table(tmp_path / "report.html", frame), expect=MISSING)
    page.select_option("#size", size)
    settle(page)
    assert names(page) == shot
    page.keyboard.press("c")
    for view in (".card", ".review", "#compare .pane-foot"):
        for name in page.locator(f"{view} .name").all():
            assert name.locator(".end").evaluate("(end) => end.offsetWidth >= 40 && end.scrollWidth <= end.offsetWidth")
            inside = (
                "(name) => name.lastChild.getBoundingClientRect().right <= name.getBoundingClientRect().right + 0.5"
            )
            assert name.evaluate(inside)


def test_a_phone_filters_in_a_drawer(open_page, report):
    page = open_page(report, **PHONE)
    page.tap("#open-filters")
    page.locator("#filters label.option", has_text="NIKON").tap()
    page.get_by_label("Close the filters").tap()
    settle(page)
    assert sorted(names(page)) == ["coffee.jpg", "five.jpg", "four.jpg"]


def test_escape_that_closes_the_drawer_leaves_the_selection(open_page, report):
    page = open_page(report, viewport={"width": 390, "height": 780})
    page.focus("#grid")
    for key in ("s", "ArrowRight", "s"):
        page.keyboard.press(key)
    page.click("#open-filters")
    page.keyboard.press("Escape")
    assert page.locator("#filters").is_hidden()
    assert page.locator(".card.selected").count() == 2
    page.focus("#grid")
    page.keyboard.press("Escape")
    assert page.locator(".card.selected").count() == 0


def test_a_phone_reviews_by_touch(open_page, report):
    page = open_page(report, **PHONE)
    page.locator(".card").nth(1).tap()
    page.locator("#review").get_by_label("Pick", exact=True).tap()
    assert "picked" in page.locator(".card.current").get_attribute("aria-label")
    page.locator("#review").get_by_label("Large view").tap()
    page.wait_for_selector("#large .stage.loaded")


@pytest.mark.parametrize("phone", [PHONE, SMALL_PHONE], ids=["390 px", "320 px"])
def test_a_phone_takes_a_mark_back_in_the_comparison(open_page, report, phone):
    page = open_page(report, **phone)
    page.locator("#review").get_by_label("Compare").tap()
    first = page.locator("#compare .pane").first
    first.get_by_label("Pick", exact=True).tap()
    assert "picked" in first.get_attribute("class")
    first.get_by_label("Remove the mark").tap()
    assert "picked" not in first.get_attribute("class")
    assert page.evaluate("probes.rightmost('#compare .pane-foot *')") <= phone["viewport"]["width"]


@pytest.mark.parametrize("phone", [PHONE, SMALL_PHONE], ids=["390 px", "320 px"])
def test_on_a_phone_the_comparison_is_closed_beside_its_title(open_page, report, phone):
    page = open_page(report, **phone)
    page.locator("#review").get_by_label("Compare").tap()
    title, close = (page.locator(f"#compare .full-head {name}").bounding_box() for name in ("h2", ".last"))
    assert abs(title["y"] + title["height"] / 2 - close["y"] - close["height"] / 2) < 3
    assert page.evaluate("probes.rightmost('#compare .full-head *')") <= phone["viewport"]["width"]


@pytest.mark.parametrize("size", [(667, 375), (640, 380)], ids=["phone on its side", "laptop at 200 %"])
def test_where_there_is_no_height_things_stand_side_by_side(open_page, report, size):
    """Above each other, two photos were 60 pixels high."""
    page = open_page(report, viewport={"width": size[0], "height": size[1]})
    page.focus("#grid")
    page.keyboard.press("c")
    first, second = (page.locator("#compare .pane-view").nth(k).bounding_box() for k in (0, 1))
    assert first["y"] == second["y"]
    assert min(first["height"], second["height"]) > size[1] / 2
    page.keyboard.press("Escape")
    page.wait_for_selector("#compare", state="hidden")
    page.keyboard.press("Enter")
    assert page.locator(".large-frame").bounding_box()["height"] > size[1] / 2
    assert page.evaluate("probes.rightmost('#large .panel *')") <= size[0]


def test_in_the_system_s_few_colours_the_current_photo_is_seen(open_page, report):
    """Windows' contrast themes take shadows and grounds away."""
    page = open_page(report, forced_colors="active")
    page.focus("#grid")
    page.keyboard.press("s")
    page.keyboard.press("ArrowRight")
    outline = "getComputedStyle(document.querySelector('{}')).outlineStyle"
    assert page.evaluate(outline.format(".card.current")) == "solid"
    assert page.evaluate(outline.format(".card.selected")) == "dashed"
    assert page.evaluate(outline.format(".card:not(.current, .selected)")) == "none"
    border = "getComputedStyle(document.getElementById('tab-{}')).borderTopWidth"
    assert page.evaluate(border.format("photos")) > page.evaluate(border.format("charts"))


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_nothing_jumps_while_the_page_comes(open_page, report, options):
    page = open_page(report, **options)
    page.wait_for_timeout(500)
    page.mouse.wheel(0, 600)
    page.wait_for_timeout(300)
    assert page.evaluate("probes.shift") < 0.01


def test_the_theme_is_kept(open_page, report):
    page = open_page(report)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    page.click("#theme")
    dark = page.evaluate(ground)
    reload(page)
    assert page.evaluate(ground) == dark != light


def test_motion_can_be_reduced(open_page, report):
    moving = "getComputedStyle(document.querySelector('.tool')).transitionDuration"
    assert open_page(report, reduced_motion="no-preference").evaluate(moving) == "0.12s"
    assert open_page(report, reduced_motion="reduce").evaluate(moving) == "0s"


def test_paper_gets_a_contact_sheet_of_what_is_shown(page, tmp_path):
    page.fill("#text", "canon")
    settle(page)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("#sheet li").count() == 5
    assert (
        page.locator("#sheet img").count() == 5
        and page.locator("#top").is_hidden()
        and page.locator("#grid").is_hidden()
    )
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(
        "Promise.all([...document.querySelectorAll('#sheet img')].map((i) => i.decode())).then(() => true)"
    )
    assert page.pdf().startswith(b"%PDF")


def test_a_report_without_photos_says_so(open_page, tmp_path):
    page = open_page(write_page(tmp_path / "report.html", []))
    assert "no photos" in page.inner_text("#empty")
    page.click("#tab-charts")
    page.click("#export")


@pytest.mark.parametrize(
    ("shutter", "said"),
    [
        (1 / 125, "Above the line the shutter is longer than 1/focal length: shake becomes likely."),
        (1 / 250, "Everywhere the shutter is shorter than 1/focal length."),
        (1 / 30, "Everywhere the shutter is longer than 1/focal length: shake becomes likely."),
    ],
)
def test_the_chart_of_shake_speaks_of_its_line_where_it_has_one(open_page, tmp_path, shutter, said):
    scores = [record(tmp_path / shot.name, shot, (512, 512)) for shot in SHOTS]
    scores = [replace(score, capture=replace(score.capture, shutter_s=shutter)) for score in scores]
    page = open_page(write_page(tmp_path / "report.html", scores))
    page.click("#tab-charts")
    chart = page.locator("#charts .figure", has_text="Shutter against focal length")
    assert chart.locator(".u-over").count() == 1 and said in chart.inner_text()


@pytest.fixture
def open_plain(browser):
    """Open a file without scripts."""
    context = browser.new_context(java_script_enabled=False)

    def open_plain(path):
        page = context.new_page()
        page.goto(path.as_uri())
        return page

    yield open_plain
    context.close()


def test_without_scripts_there_is_a_list_on_the_first_screen(open_plain, report):
    page = open_plain(report)
    assert page.locator(".plain li").count() == 9
    first = page.locator(".plain li").first
    assert "one.jpg" in first.inner_text() and first.bounding_box()["y"] < 300
    assert page.locator("noscript .notice").bounding_box()["y"] < 100
    assert page.locator("#title").is_visible()
    assert page.locator("#tab-charts, #export, #filters, #review").evaluate_all(
        "(all) => all.every((it) => !it.offsetWidth)"
    )


def test_without_scripts_the_list_says_what_the_cards_say(open_plain, report, tmp_path):
    last = open_plain(report).locator(".plain li").last.inner_text()
    assert "broken.jpg" in last and "truncated file" in last
    table = frame_of(2).with_columns(pl.Series("stars", [1, -1]))
    words = open_plain(write_table(tmp_path / "report.html", table)).locator(".plain li").all_inner_texts()
    assert "1 star" in words[0] and "stars" not in words[0] and "star" not in words[1]
