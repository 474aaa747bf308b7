import json

import polars as pl
import pytest

from piqa_cli.records import score_text
from tests.browser.conftest import MISSING, settle, until
from tests.browser.shoot import frame_of, write_table


@pytest.fixture
def page(page):
    page.select_option("#grouping", "none")
    page.focus("#grid")
    settle(page)
    return page


def widths(page):
    return page.evaluate("[...document.querySelectorAll('#compare .stage')].map((stage) => stage.offsetWidth)")


def lefts(page):
    return page.evaluate(
        "[...document.querySelectorAll('#compare .stage')].map((stage) => Math.round(stage.offsetLeft))"
    )


def test_large_view_shows_the_original_and_everything_known(page):
    page.keyboard.press("Enter")
    page.wait_for_selector("#large .stage.loaded")
    text = page.inner_text("#large .panel")
    for known in (
        "one.jpg",
        "91.0",
        "86.0",
        "main face",
        "100 × 127 px",
        "Canon EOS R5",
        "85mm F1.4",
        "1/125 s",
        "ISO 200",
        "motion blur",
        "512 × 512 px",
    ):
        assert known in text
    assert page.locator("#large .boxes rect").count() == 1


def test_the_face_is_shown_pixel_for_pixel(page):
    page.keyboard.press("Enter")
    face = page.locator("#large .native img")
    assert face.evaluate(
        "(image) => image.decode().then(() => image.naturalWidth === image.width && image.width >= 100)"
    )


def test_large_view_walks_marks_and_closes(page):
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("5")
    assert "two.jpg" in page.inner_text("#large .panel")
    page.keyboard.press("Escape")
    settle(page)
    assert page.locator(".card.current").get_attribute("aria-label").startswith("score 84.0 two.jpg, 5 stars by you")
    assert page.evaluate("document.activeElement.id") == "grid"


def test_the_next_photo_is_looked_at_as_near(page):
    """Whoever looks for the sharpest of a burst zooms in once."""

    def look():
        settle(page)
        stage = page.locator("#large .stage")
        return stage.evaluate("({ offsetLeft, offsetTop, offsetWidth }) => [offsetLeft, offsetTop, offsetWidth]")

    page.keyboard.press("Enter")
    whole = look()
    page.keyboard.press("z")
    page.keyboard.press("Shift+ArrowRight")
    near = look()
    page.keyboard.press("ArrowRight")
    assert look() == near != whole and "two.jpg" in page.inner_text("#large .panel")
    page.keyboard.press("f")
    face = look()
    page.keyboard.press("ArrowRight")
    assert look() == face != whole
    page.keyboard.press("Escape")
    page.locator("#large").wait_for(state="hidden")  # the browser closes it in its own time
    page.keyboard.press("Enter")
    assert look() == whole


def test_a_lost_original_leaves_the_preview(open_page, report, tmp_path):
    moved = tmp_path / "moved.html"
    moved.write_bytes(report.read_bytes())  # links are relative to the report, so nothing is found from here
    page = open_page(moved, expect=MISSING)
    page.focus("#grid")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#large .note').textContent.includes('not found')")
    page.wait_for_selector("#large .stage .thumb")  # visible, which it is once the browser has laid it out
    page.wait_for_selector("#large .stage .patch")


def test_comparison_says_once_that_eyes_are_closed(open_page, tmp_path):
    frame = frame_of(2).with_columns(
        pl.Series("eyes", ["closed", "open"]), pl.Series("reasons", ["face: eyes closed", None]),
        pl.lit(50.0).alias("face_score"),
    )  # fmt: skip
    page = open_page(write_table(tmp_path / "report.html", frame), expect=MISSING)
    page.focus("#grid")
    page.keyboard.press("Control+a")
    page.keyboard.press("c")
    page.wait_for_selector("#compare[open]")
    told = page.locator("#compare .pane-foot p").all_inner_texts()
    assert sorted(told) == ["face 50.0 · eyes open", "face 50.0 · face: eyes closed"]


def test_comparison_zooms_and_pans_as_one(page):
    for _ in range(3):
        page.keyboard.press("s")
        page.keyboard.press("ArrowRight")
    page.keyboard.press("c")
    page.wait_for_selector("#compare[open]")
    assert page.locator("#compare .pane").count() == 3
    before = widths(page)
    page.locator("#compare .pane-view").nth(1).hover()
    page.mouse.wheel(0, -300)
    settle(page)
    zoomed = widths(page)
    assert all(after > 1.2 * start for after, start in zip(zoomed, before, strict=True)) and len(set(zoomed)) == 1
    start = lefts(page)
    page.mouse.down()
    page.mouse.move(400, 300, steps=4)
    page.mouse.up()
    settle(page)
    assert lefts(page) != start and len(set(lefts(page))) == 1
    page.keyboard.press("z")
    settle(page)
    assert widths(page) == before


def test_comparison_takes_the_burst_and_marks_one_photo(page):
    page.keyboard.press("c")
    page.wait_for_selector("#compare[open]")
    assert page.locator("#compare .pane .name").all_inner_texts() == ["one.jpg", "two.jpg", "three.jpg"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    settle(page)
    assert "rejected" in page.locator(".card", has_text="two.jpg").get_attribute("aria-label")
    assert page.locator(".tally").inner_text().startswith("0 picked · 1 rejected")


def test_comparison_aligns_faces(page):
    page.keyboard.press("c")
    page.keyboard.press("f")
    settle(page)
    offsets = page.evaluate("probes.faceOffsets()")
    assert len(offsets) == 3 and max(offsets) < 2


def test_aligned_is_said_as_long_as_it_holds(page):
    page.keyboard.press("c")
    button = page.locator("#compare .full-head [aria-pressed]")
    for key, held in (("f", "true"), ("z", "true"), ("z", "false"), ("f", "true")):  # z: 100 %, then whole photos
        page.keyboard.press(key)
        settle(page)
        assert button.get_attribute("aria-pressed") == held


def test_headshots_do_not_shrink_when_they_are_aligned(open_page, tmp_path):
    box = [600.0, 400.0, 5400.0, 3800.0]
    frame = frame_of(2).with_columns(
        *(pl.lit(value).alias(f"face_{edge}") for edge, value in zip(("x1", "y1", "x2", "y2"), box, strict=True)),
        faces=pl.lit(json.dumps([{"box": box, "confidence": 1.0}])),
    )
    page = open_page(write_table(tmp_path / "report.html", frame), expect=MISSING)
    page.focus("#grid")
    page.keyboard.press("c")
    whole = widths(page)
    page.keyboard.press("f")
    settle(page)
    assert all(after >= before - 1 for before, after in zip(whole, widths(page), strict=True))


def test_scores_read_as_on_the_terminal(page):
    values = [0.0, 4.94, 16.45, 27.65, 86.25, 86.75, 99.99, 100.0]
    assert page.evaluate("(values) => values.map(Format.score)", values) == [score_text(value) for value in values]


def test_at_most_four_are_compared(page):
    for _ in range(6):
        page.keyboard.press("s")
        page.keyboard.press("ArrowRight")
    page.keyboard.press("c")
    assert page.locator("#compare .pane").count() == 4
    said = "4 of 6 selected photos side by side"
    assert page.inner_text("#compare h2") == said and page.text_content("#live") == said


def test_of_a_long_burst_the_comparison_says_how_many_it_leaves_out(open_page, tmp_path):
    frame = frame_of(7).with_columns(pl.Series("group", ["burst-001"] * 6 + [None]))
    page = open_page(write_table(tmp_path / "report.html", frame), expect=MISSING)
    page.focus("#grid")
    page.keyboard.press("c")
    assert page.inner_text("#compare h2") == "4 of 6 photos of burst-001"
    page.locator("#compare .drop").first.click()
    assert page.inner_text("#compare h2") == "3 of 6 photos of burst-001"


def test_the_comparison_of_a_burst_leaves_out_what_the_filters_hide(open_page, tmp_path):
    """Whoever has hidden the closed eyes, or what is rejected, does not want to look at them again."""
    frame = frame_of(7).with_columns(pl.Series("group", ["burst-001"] * 6 + [None]))
    page = open_page(write_table(tmp_path / "report.html", frame), expect=MISSING)
    page.locator("label.option", has_text="NIKON").click()
    settle(page)
    page.focus("#grid")
    page.keyboard.press("c")
    assert page.locator("#compare .pane .name").all_inner_texts() == ["IMG_00001.jpg", "IMG_00004.jpg"]
    assert page.inner_text("#compare h2") == "2 photos side by side"
    page.keyboard.press("Escape")
    page.fill("#text", "IMG_00001")
    settle(page)
    page.focus("#grid")
    page.keyboard.press("c")
    settle(page)
    assert not page.locator("#compare[open]").count()  # there is nothing to compare it with


def test_what_rank_decided_is_shown_as_a_hint(open_page, tmp_path):
    decisions = ["pick", "keep", "reject"]
    frame = frame_of(3).with_columns(pl.Series("decision", decisions), pl.Series("stars", [5, 3, -1]))
    page = open_page(write_table(tmp_path / "report.html", frame))
    page.focus("#grid")
    assert page.locator(".card .hint").count() == 2 and page.locator(".tally").text_content().startswith("0 picked")
    labels = [card.get_attribute("aria-label") for card in page.locator(".card").all()]
    assert "5 stars suggested" in labels[0] and "star" not in labels[2] and "rejected" not in labels[2]
    assert page.locator(".no-picture").count() == 3
    page.keyboard.press("x")
    assert page.locator(".card .hint").count() == 1 and page.locator(".card.rejected").count() == 1


def test_charts_answer_their_questions(page):
    page.click("#tab-charts")
    titles = page.locator("#charts h2").all_inner_texts()
    for title in (
        "Scores",
        "Faults",
        "Shutter against focal length",
        "Score by ISO",
        "Score by focal length",
        "Score by camera",
        "Score by hour of the day",
        "Best",
        "Worst",
    ):
        assert title in titles
    assert "Median 62.0" in page.inner_text("#charts")
    faults = page.locator("#charts tr", has_text="motion blur").inner_text().split()
    assert faults == ["motion", "blur", "2", "25", "%"]
    assert page.locator("#charts canvas").first.evaluate("(canvas) => probes.isDrawn(canvas)")


WRITTEN = """globalThis.written = [];
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
  globalThis.written.push(text);
  return fillText.call(this, text, ...place);
};"""


def test_an_axis_too_short_for_a_round_number_shows_what_is_there(open_page, tmp_path):
    """A phone has one focal length, and one setting may do for a shoot indoors."""
    columns = {"iso": [125, 125, 160], "focal_length_mm": [5.43] * 3, "shutter_s": [1 / 60] * 3}
    frame = frame_of(3).with_columns(pl.Series(name, values) for name, values in columns.items())
    page = open_page(write_table(tmp_path / "report.html", frame), script=WRITTEN)
    page.click("#tab-charts")
    settle(page)
    assert {"125", "160", "5.43", "1/60"} <= set(page.evaluate("written"))


def test_scores_stand_in_one_line_with_remarks_and_without(page):
    page.locator("label.option", has_text="Face judged").click()
    page.click("#tab-charts")
    worst = page.locator("#charts .tiles").nth(1).locator(".tile")
    assert [tile.locator(".faults").inner_text() for tile in worst.all()] == ["photo: motion blur", ""]
    tops = worst.locator("b").evaluate_all("(scores) => scores.map((score) => score.getBoundingClientRect().top)")
    assert tops[0] == pytest.approx(tops[1], abs=0.5)


@pytest.mark.parametrize("width", [390, 1400])
def test_names_of_faults_are_whole(page, width):
    page.set_viewport_size({"width": width, "height": 860})
    page.click("#tab-charts")
    faults = page.locator("#charts .figure", has=page.locator("h2", has_text="Faults")).locator("th button")
    assert faults.count() > 5
    assert faults.evaluate_all("(names) => names.filter(probes.isCut).map((name) => name.textContent)") == []


def test_a_row_of_a_chart_filters(page):
    page.click("#tab-charts")
    page.locator("#charts button", has_text="NIKON").click()
    settle(page)
    assert page.inner_text("#summary").startswith("3 photos of 9")
