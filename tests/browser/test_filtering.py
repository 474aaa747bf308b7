import polars as pl
import pytest

from tests.browser.conftest import names, settle
from tests.browser.shoot import frame_of, write_table

BY_SCORE = [f"{stem}.jpg" for stem in ("one", "two", "four", "five", "coffee", "cat", "three", "rocket", "broken")]


@pytest.fixture
def page(page):
    page.select_option("#grouping", "none")
    settle(page)
    return page


def option(page, facet, value):
    group = page.locator("fieldset.facet", has=page.locator("legend", has_text=facet))
    return group.locator("label.option", has_text=value)


def test_best_first_and_failed_last(page):
    assert names(page) == BY_SCORE


def test_sort_by_name_both_ways(page):
    page.select_option("#sort", "name")
    settle(page)
    assert names(page) == sorted(BY_SCORE)
    page.click("#direction")
    settle(page)
    assert names(page) == sorted(BY_SCORE, reverse=True)


def test_names_are_sorted_as_cameras_count(open_page, tmp_path):
    shot = ["IMG_2.jpg", "img_9.jpg", "IMG_10.jpg", "IMG_9999.jpg", "IMG_10000.jpg"]
    page = open_page(named(tmp_path / "report.html", *(f"/nowhere/{name}" for name in sorted(shot))))
    page.select_option("#sort", "name")
    settle(page)
    assert names(page) == shot


def test_photos_without_any_score_are_sorted_by_name_and_said_to_be(open_page, tmp_path):
    frame = frame_of(3).with_columns(
        pl.Series("path", ["/no/c.jpg", "/no/a.jpg", "/no/b.jpg"]),
        pl.lit(None, pl.Float64).alias("score"),
        pl.lit("error").alias("status"),
    )
    page = open_page(write_table(tmp_path / "report.html", frame))
    assert page.locator("#sort option:checked").inner_text() == "Name"
    assert names(page) == ["a.jpg", "b.jpg", "c.jpg"]


def test_values_of_a_facet_are_alternatives_and_facets_add_up(page):
    option(page, "Camera", "NIKON").click()
    settle(page)
    assert names(page) == ["four.jpg", "five.jpg", "coffee.jpg"]
    option(page, "Camera", "Canon").click()
    option(page, "Faults", "motion blur").click()
    settle(page)
    assert names(page) == ["three.jpg", "rocket.jpg"]
    page.click("text=Clear all")
    settle(page)
    assert names(page) == BY_SCORE


def test_counts_say_what_a_click_would_show(page):
    option(page, "Camera", "NIKON").click()
    settle(page)
    assert option(page, "Camera", "Canon").locator(".n").inner_text() == "5"
    assert option(page, "Faults", "motion blur").locator(".n").inner_text() == "0"
    assert option(page, "Status", "No face").locator(".n").inner_text() == "1"


def test_a_fault_that_the_reasons_name_is_found_however_faint(open_page, tmp_path):
    """A photo below 65 has the likeliest reason, also where no severity is plain."""
    frame = frame_of(3).with_columns(
        pl.lit(0.1).alias("photo_color_cast"), pl.Series("reasons", ["photo: color cast", None, "face: eyes closed"])
    )
    page = open_page(write_table(tmp_path / "report.html", frame))
    assert option(page, "Faults", "color cast").locator(".n").inner_text() == "1"
    assert option(page, "Faults", "None found").locator(".n").inner_text() == "2"


def test_eyes_count_no_photo_that_was_not_read(open_page, tmp_path):
    frame = frame_of(4).with_columns(
        pl.Series("status", ["ok", "ok", "no_face", "error"]), pl.Series("eyes", ["open", "closed", None, None])
    )
    page = open_page(write_table(tmp_path / "report.html", frame))
    assert option(page, "Eyes", "No face").locator(".n").inner_text() == "1"
    option(page, "Eyes", "No face").click()
    settle(page)
    assert names(page) == ["IMG_00002.jpg"]


def test_score_range_by_number(page):
    page.get_by_label("Lowest score").fill("50")
    page.get_by_label("Highest score").fill("80")
    page.keyboard.press("Enter")
    settle(page)
    assert names(page) == ["four.jpg", "five.jpg", "coffee.jpg", "cat.jpg"]


def test_score_range_with_its_ends_typed_the_wrong_way_round(page):
    page.get_by_label("Highest score").fill("80")
    page.keyboard.press("Tab")
    page.get_by_label("Lowest score").fill("95")
    page.keyboard.press("Tab")
    settle(page)
    assert names(page) == ["one.jpg", "two.jpg"]
    assert page.get_by_label("Lowest score").input_value() == "80"
    assert page.get_by_label("Highest score").input_value() == "95"


def drag(page, chart, low, high):
    """Brush the chart from one score to another."""
    over = page.locator(f"{chart} .u-over").first
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * low / 100, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (low + high) / 200, y)
    page.mouse.move(box["x"] + box["width"] * high / 100, y)
    page.mouse.up()
    settle(page)


def test_histogram_brushing_and_a_click_takes_it_back(page):
    drag(page, "#filters .histogram", 60, 95)
    assert names(page) == ["one.jpg", "two.jpg", "four.jpg", "five.jpg"]
    assert page.get_by_label("Lowest score").input_value() == "60"
    page.locator("#filters .u-over").click(position={"x": 20, "y": 20})
    settle(page)
    assert names(page) == BY_SCORE


def test_brushing_the_large_chart_filters_the_photos(page):
    page.click("#tab-charts")
    drag(page, "#charts .chart", 0, 40)
    page.click("#tab-photos")
    settle(page)
    assert names(page) == ["three.jpg", "rocket.jpg"]


def test_text_finds_names_folders_and_faults(page):
    page.fill("#text", "BLUR rocket")
    settle(page)
    assert names(page) == ["rocket.jpg"]
    page.fill("#text", "nothing like it")
    settle(page)
    assert names(page) == [] and page.locator("#empty").is_visible()
    page.click("#clear-empty")
    settle(page)
    assert names(page) == BY_SCORE and page.input_value("#text") == ""


def test_text_finds_a_path_as_the_tables_write_it(page):
    page.fill("#text", "b/rocket.jpg")
    settle(page)
    assert names(page) == ["rocket.jpg"]


def named(page, *paths):
    """The report of photos with these paths."""
    frame = frame_of(len(paths)).with_columns(pl.Series("path", paths))
    return write_table(page, frame)


def test_text_finds_names_that_a_mac_wrote(open_page, tmp_path):
    """Typed, an accented letter is one character; there it is a letter and an accent."""
    page = open_page(named(tmp_path / "report.html", "/nowhere/cafe\u0301/zoe\u0308.jpg", "/nowhere/cafe/zoe.jpg"))
    for text in ("Zo\u00eb", "zoe\u0308", "CAF\u00c9"):
        page.fill("#text", text)
        settle(page)
        assert names(page) == ["zoe\u0308.jpg"]


def test_keys_do_nothing_where_nothing_is_shown(page):
    page.fill("#text", "no such photo")
    settle(page)
    page.focus("#grid")
    for key in ("s", "ArrowDown", "ArrowUp", "p"):
        page.keyboard.press(key)
    page.fill("#text", "")
    settle(page)
    page.focus("#grid")
    page.keyboard.press("s")
    page.keyboard.press("p")
    settle(page)
    assert page.evaluate("[State.selected.length, Choices.all().length]") == [1, 1]


def test_filter_by_own_stars(page):
    page.focus("#grid")
    page.keyboard.press("2")
    option(page, "Stars", "★★").nth(3).click()  # five, four, three, two
    settle(page)
    assert names(page)[0] == "one.jpg" and page.evaluate("State.order.every((photo) => Choices.stars(photo) === 2)")


def test_bursts_have_a_section_with_their_best(page):
    page.select_option("#grouping", "group")
    settle(page)
    sections = page.locator(".group").all_inner_texts()
    assert len(sections) == 2 and "3 photos" in sections[0] and sections[1].startswith("Not in a burst")
    assert page.locator(".card", has=page.locator(".best")).locator(".name").all_inner_texts() == ["one.jpg"]


def test_folders(page):
    page.select_option("#grouping", "folder")
    settle(page)
    assert [text.splitlines()[-1] for text in page.locator(".group").all_inner_texts()] == ["4 photos", "5 photos"]


DEEP = "/home/anna/Pictures/2024/2024-06-15 Wedding"


@pytest.mark.parametrize(
    ("folders", "shown"),
    [
        ([f"{DEEP}/Church", f"{DEEP}/Party/late"], ["Church", "Party/late"]),
        ([DEEP, f"{DEEP}/Church"], ["2024-06-15 Wedding", "2024-06-15 Wedding/Church"]),
        ([".", "a"], [".", "a"]),
        (["/", "/a"], ["/", "a"]),
    ],
)
def test_folders_are_named_by_where_they_differ(open_page, tmp_path, folders, shown):
    """There is room for the beginning of a path only, and that may be the same for all."""
    page = open_page(named(tmp_path / "report.html", *(f"{folder.rstrip('/')}/x.jpg" for folder in folders)))
    facet = page.locator("fieldset.facet", has=page.locator("legend", has_text="Folder")).locator(".value")
    assert facet.all_inner_texts() == shown
    assert [value.get_attribute("title") for value in facet.all()] == folders
    page.select_option("#grouping", "folder")
    settle(page)
    assert page.locator(".group bdi").all_inner_texts() == shown
