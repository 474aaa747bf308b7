import json
import subprocess
import sys

import polars as pl
import pytest

from piqa_cli.ranking.plan_csv import plan_from_csv
from piqa_cli.ranking.plan_file import load_plan
from tests.browser.conftest import names, reload, settle, until
from tests.browser.shoot import frame_of, write_table


@pytest.fixture
def page(page):
    page.select_option("#grouping", "none")
    page.focus("#grid")
    settle(page)
    return page


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)
    settle(page)


def label(page, name):
    return page.locator(".card", has=page.locator(f".name:text-is('{name}')")).get_attribute("aria-label")


def current(page):
    return page.locator(".card.current .name").inner_text()


def export(page, path, button="Save the plan"):
    page.click("#export")
    with page.expect_download() as download:
        page.click(f"text={button}")
    download.value.save_as(path)
    page.click("#export-dialog >> text=Close")
    return path


def review(page):
    """One picked with four stars, two rejected, four with one star."""
    press(page, "p", "4", "ArrowRight", "x", "ArrowRight", "1")


@pytest.mark.parametrize("menu", ["sort", "grouping", "size"])
def test_arrows_lead_on_after_a_menu_was_used_with_the_mouse(page, menu):
    """They changed the menu again. Whoever goes through its entries with the keyboard stays in it."""
    other = page.evaluate("menu => document.getElementById(menu).options[1].value", menu)
    page.focus(f"#{menu}")
    page.keyboard.press("Shift")
    page.select_option(f"#{menu}", other)
    assert page.evaluate("document.activeElement.id") == menu
    page.dispatch_event(f"#{menu}", "pointerdown")
    page.select_option(f"#{menu}", page.evaluate("menu => document.getElementById(menu).options[0].value", menu))
    settle(page)
    before = current(page)
    press(page, "ArrowRight")
    assert current(page) != before


def test_arrows_follow_the_rows(page):
    columns = page.evaluate(
        "document.querySelectorAll('.card').length && Math.floor(document.getElementById('grid').clientWidth / 186)"
    )
    shown = names(page)
    press(page, "ArrowRight", "ArrowRight")
    assert current(page) == shown[2]
    press(page, "ArrowDown")
    assert current(page) == shown[min(2 + columns, len(shown) - 1)]
    press(page, "ArrowUp", "ArrowLeft")
    assert current(page) == shown[1]
    press(page, "End")
    assert current(page) == shown[-1]
    press(page, "Home")
    assert current(page) == shown[0]
    assert page.get_attribute("#grid", "aria-activedescendant") == page.locator(".card.current").get_attribute("id")


def test_arrows_go_on_after_a_click_on_a_button_or_a_filter(page):
    shown = names(page)
    page.click(".review .star >> nth=2")
    press(page, "ArrowRight", "p")
    assert current(page) == shown[1] and "picked" in label(page, shown[1])
    page.locator("label.option", has_text="Not marked").click()
    press(page, "ArrowRight")
    assert current(page) == names(page)[1]
    press(page, "s")
    assert page.locator(".card.selected .name").all_inner_texts() == [current(page)]


def test_stars_and_flags(page):
    review(page)
    assert "4 stars by you, picked" in label(page, "one.jpg")
    assert "rejected" in label(page, "two.jpg")
    assert "1 star by you" in label(page, "four.jpg")
    assert page.locator(".tally").text_content().startswith("1 picked · 1 rejected")


def test_undo_redo_and_unmark(page):
    review(page)
    press(page, "Control+z", "Control+z")
    assert "by you" not in label(page, "four.jpg") and "rejected" not in label(page, "two.jpg")
    press(page, "Control+Shift+z")
    assert "rejected" in label(page, "two.jpg") and current(page) == "two.jpg"
    press(page, "u")
    assert "rejected" not in label(page, "two.jpg")


@pytest.mark.parametrize("keys", [("3", "u"), ("3", "0"), ("0",), ("3", "0", "p", "u")], ids="-".join)
def test_stars_that_are_taken_back_are_no_mark(page, keys):
    press(page, "ArrowRight", "p", "ArrowLeft", *keys)
    assert "by you" not in label(page, "one.jpg")
    assert page.evaluate("Plan.exportable().map(Photos.name)") == ["two.jpg"]


def test_a_mark_meets_the_whole_selection(page):
    press(page, "s", "ArrowRight", "s", "p")
    assert "picked" in label(page, "one.jpg") and "picked" in label(page, "two.jpg")
    press(page, "Control+z")
    assert "picked" not in label(page, "one.jpg") + label(page, "two.jpg")


def test_a_click_with_shift_selects_up_to_there(page):
    cards, selected = page.locator(".card"), page.locator(".card.selected .name")
    cards.nth(3).click()
    cards.nth(1).click(modifiers=["Shift"])
    settle(page)
    assert selected.all_inner_texts() == names(page)[1:4]
    cards.nth(0).click(modifiers=["Control"])
    cards.nth(2).click(modifiers=["Control"])
    settle(page)
    assert selected.all_inner_texts() == [names(page)[place] for place in (0, 1, 3)]


def test_the_first_click_on_the_first_photo_chooses_it_and_the_second_one_opens_it(page):
    first = page.locator(".card").nth(0).locator(".mat")
    first.click()
    settle(page)
    assert page.locator("#large[open]").count() == 0
    first.click()
    page.wait_for_selector("#large[open]")


def search(page, text):
    page.fill("#text", text)
    settle(page)
    page.focus("#grid")


def test_the_large_view_says_where_one_is_and_whether_there_is_a_face(page):
    count = len(names(page))
    place, face = page.locator("#large .place"), page.locator("#large button[aria-label=Face]")
    press(page, "Enter")
    assert (place.inner_text(), face.is_enabled()) == (f"1 of {count}", True)
    press(page, "ArrowRight")
    assert place.inner_text() == f"2 of {count}"
    press(page, "Escape")
    search(page, "coffee.jpg")
    press(page, "Enter")
    assert (place.inner_text(), face.is_enabled()) == ("1 of 1", False)


def test_a_mark_meets_no_selected_photo_that_the_filters_hide(page):
    press(page, "s", "ArrowRight", "s")
    search(page, "two.jpg")
    press(page, "x")
    search(page, "")
    assert "rejected" in label(page, "two.jpg")
    assert "rejected" not in label(page, "one.jpg")


def test_after_a_comparison_of_hidden_photos_a_shown_one_is_current(page):
    """It was one of those compared: a mark went to a photo out of sight, and the arrows up and down led nowhere."""
    press(page, "s", "ArrowRight", "s")
    search(page, "cat.jpg")
    press(page, "c")
    page.wait_for_selector("#compare[open]")
    press(page, "Escape")
    page.wait_for_selector("#compare", state="hidden")
    assert current(page) == "cat.jpg"


def test_keys_are_text_while_one_types(page):
    page.focus("#text")
    page.keyboard.type("p x 5")
    settle(page)
    assert page.input_value("#text") == "p x 5"
    assert page.locator(".tally").text_content().startswith("0 picked · 0 rejected")


def test_single_keys_can_be_switched_off(page):
    press(page, "?")
    page.click("text=Single keys")
    page.click("#help-dialog button")
    page.focus("#grid")
    press(page, "p", "ArrowRight")
    assert page.locator(".tally").text_content().startswith("0 picked") and current(page) == "two.jpg"


@pytest.mark.parametrize("tab", ["#tab-photos", "#tab-charts"])
def test_the_key_of_the_search_leads_there(page, tab):
    page.click(tab)
    press(page, "/")
    page.keyboard.type("cat")
    assert page.input_value("#text") == "cat"


def test_enter_leads_from_the_search_to_what_it_found(page):
    press(page, "/")
    page.keyboard.type("o")
    press(page, "Enter", "ArrowRight", "p")
    assert page.input_value("#text") == "o" and "picked" in label(page, names(page)[1])


STROKE = """([key, code, ctrlKey, shiftKey]) =>
    document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", { key, code, ctrlKey, shiftKey, bubbles: true }))"""


def stroke(page, key, code, ctrl=False, shift=False):
    """A key of a keyboard that playwright does not have."""
    page.evaluate(STROKE, [key, code, ctrl, shift])
    settle(page)


def test_keys_of_other_scripts_are_those_in_the_same_place(page):
    """Russian keyboards write P as its neighbours' letter, Persian ones write 4 in digits of their own."""
    stroke(page, "\u0437", "KeyP")
    stroke(page, "\u06f4", "Digit4")
    assert "4 stars by you, picked" in label(page, "one.jpg")
    stroke(page, "\u044f", "KeyZ", ctrl=True)
    assert "by you" not in label(page, "one.jpg")
    stroke(page, "\u0441", "KeyC")
    page.wait_for_selector("#compare[open]")
    stroke(page, "\u0441", "KeyC")
    page.wait_for_selector("#compare", state="hidden")


def test_stars_on_keyboards_that_write_digits_with_shift(page):
    for key, code, shift, stars in (
        ("\u00e9", "Digit2", False, 2),
        ("'", "Digit4", False, 4),
        ("5", "Digit5", True, 5),
    ):
        stroke(page, key, code, shift=shift)
        assert f"{stars} stars by you" in label(page, "one.jpg")
    for key, code, shift in (("!", "Digit1", True), ("+", "Digit1", False), ("-", "Digit6", False)):
        stroke(page, key, code, shift=shift)  # elsewhere with Shift; Czech: zooms; French: zooms
        assert "5 stars by you" in label(page, "one.jpg")
    stroke(page, "\u00e0", "Digit0")
    assert "by you" not in label(page, "one.jpg")


def test_a_latin_letter_is_the_one_that_it_writes(page):
    stroke(page, "\u00f6", "KeyX")  # a Turkish keyboard's: its X is elsewhere
    assert page.locator(".tally").text_content().startswith("0 picked · 0 rejected")
    stroke(page, "x", "KeyV")
    assert page.locator(".tally").text_content().startswith("0 picked · 1 rejected")


def test_marks_survive_a_reload(page):
    review(page)
    reload(page)
    assert "4 stars by you, picked" in label(page, "one.jpg")
    assert page.locator(".tally").text_content().startswith("1 picked · 1 rejected")


def spelled(page, folder):
    """The report of two photos whose table names them in this folder."""
    paths = [f"{folder}/one.jpg", f"{folder}/two.jpg"]
    return write_table(page, pl.DataFrame({"path": paths, "score": [80.0, 40.0], "status": ["ok", "ok"]}))


@pytest.fixture
def here(report, monkeypatch):
    """The photos of the report in the working directory."""
    monkeypatch.chdir(report.parent / "a")


def test_marks_survive_a_report_that_spells_the_paths_otherwise(open_page, report, here, tmp_path):
    page = open_page(spelled(tmp_path / "relative.html", "."))
    page.focus("#grid")
    press(page, "p", "ArrowRight", "2")
    until(page, "Object.values(localStorage).some((stored) => stored.includes('2'))")
    page.goto(spelled(tmp_path / "absolute.html", report.parent / "a").as_uri())
    reload(page)
    assert "picked" in label(page, "one.jpg") and "2 stars by you" in label(page, "two.jpg")


def test_marks_that_an_earlier_page_stored_by_path_are_found(open_page, here, tmp_path):
    page = open_page(spelled(tmp_path / "relative.html", "."))
    page.focus("#grid")
    press(page, "p")
    until(page, "localStorage.length > 0")
    stored = json.dumps({"version": 1, "choices": [["./two.jpg", 3, None]]})
    page.evaluate("(stored) => localStorage.setItem(localStorage.key(0), stored)", stored)
    reload(page)
    assert "3 stars by you" in label(page, "two.jpg") and "picked" not in label(page, "one.jpg")


def test_a_report_of_a_shoot_that_has_grown_begins_with_its_marks(open_page, tmp_path):
    """The latest of each photo, also that a mark was taken back; a report that was marked keeps to its own."""

    def report_of(*photos):
        frame = frame_of(len(photos)).with_columns(pl.Series("path", [f"/shoot/{photo}.jpg" for photo in photos]))
        return write_table(tmp_path / f"{'-'.join(photos)}.html", frame)

    def go(*photos):
        page.goto(report_of(*photos).as_uri())
        page.wait_for_selector("body.ready")
        page.focus("#grid")

    def marks():
        return page.evaluate(
            "Choices.all().map((i) => [Photos.name(i), Choices.ownStars(i), Choices.decision(i)]).sort()"
        )

    def stored(reports):
        until(page, "(reports) => localStorage.length === reports", reports)

    page = open_page(report_of("a", "b", "c"))
    page.focus("#grid")
    press(page, "p", "ArrowRight", "3", "ArrowRight", "x")
    stored(1)
    go("new", "a", "b", "c")
    assert marks() == [["a.jpg", None, "pick"], ["b.jpg", 3, None], ["c.jpg", None, "reject"]]
    assert page.inner_text("#notice").startswith("Marks of 3 photos")
    press(page, "ArrowRight", "u", "ArrowRight", "4")
    stored(2)
    go("newer", "c", "b", "a")
    assert marks() == [["b.jpg", 4, None], ["c.jpg", None, "reject"]]
    press(page, "Control+z")
    assert marks() == []
    stored(3)
    go("a", "b", "c")
    assert [name for name, *_ in marks()] == ["a.jpg", "b.jpg", "c.jpg"] and page.locator("#notice").is_hidden()


def test_stored_nonsense_is_ignored(open_page, report):
    stored = {"version": 1, "choices": [["/else/x.jpg", 5, None], [str(report), 9, "sing"], "text", None]}
    page = open_page(
        report, script=f"for (const key of Object.keys(localStorage)) localStorage.setItem(key, '{json.dumps(stored)}')"
    )
    page.focus("#grid")
    press(page, "p")
    reload(page)
    assert page.locator(".tally").text_content().startswith("0 picked")


def test_without_storage_the_page_says_so_and_works(open_page, report):
    script = (
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    page = open_page(report, script=script)
    page.focus("#grid")
    press(page, "p")
    page.wait_for_selector("#notice:not([hidden])")
    assert "export" in page.inner_text("#notice") and "picked" in page.locator(".card.current").get_attribute(
        "aria-label"
    )


def test_the_exported_plan_is_what_rank_reads(page, report, tmp_path):
    review(page)
    plan, options = load_plan(export(page, tmp_path / "plan.json"))
    found = {item.photo.name: (item.decision, item.stars, item.label) for item in plan.items}
    assert found == {"one.jpg": ("pick", 4, "Green"), "two.jpg": ("reject", -1, "Red"), "four.jpg": ("keep", 1, None)}
    assert {item.photo.parent for item in plan.items} == {report.parent / "a"}
    assert options.overwrite_ratings and not options.embed


def test_the_exported_table_says_the_same(page, tmp_path):
    review(page)
    of_json, _ = load_plan(export(page, tmp_path / "plan.json"))
    of_csv = plan_from_csv(export(page, tmp_path / "plan.csv", "Save as CSV").read_text())
    assert of_csv.items == of_json.items


def test_piqa_rank_takes_the_plan(page, report, tmp_path):
    review(page)
    command = [sys.executable, "-m", "piqa_cli", "rank", "--plan", str(export(page, tmp_path / "plan.json"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "one.xmp" in done.stdout + done.stderr
    assert not list(report.parent.rglob("*.xmp"))  # nothing is done without --apply


def test_nothing_marked_nothing_to_save(page):
    page.click("#export")
    assert page.locator("text=Save the plan").is_disabled() and "Nothing is marked" in page.inner_text("#export-dialog")
