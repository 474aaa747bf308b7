"""Marks of a plan file come back into the page."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from piqa_cli.ranking.plan import PLAN_VERSION, Plan, PlanItem
from piqa_cli.ranking.plan_file import plan_to_json
from tests.browser.conftest import MISSING, reload, settle, until
from tests.browser.test_hostile import NAMES, hostile, written  # noqa: F401 - a fixture
from tests.browser.test_review import export, label, press, review


def load(page, path):
    """What the page says of the file."""
    page.click("#load")
    page.set_input_files("#load-dialog input", path)
    page.wait_for_selector("#load-dialog .outcome bdi")
    said = page.inner_text("#load-dialog .outcome")
    page.click("#load-dialog >> text=Close")
    settle(page)
    return said


def tally(page):
    return page.locator(".tally").text_content().partition(" · ")[0::2]


def plan_of(folder, *rows):
    """A plan as `piqa rank --plan-out` writes it, of (name, stars, decision, mark)."""
    items = [
        PlanItem(folder / name, (), stars, None, decision, 50.0, ("why",), "burst-001", mark, None, None)
        for name, stars, decision, mark in rows
    ]
    return plan_to_json(Plan(PLAN_VERSION, datetime(2026, 1, 2, tzinfo=UTC), "a shoot", tuple(items)))


@pytest.fixture
def page(page):
    page.select_option("#grouping", "none")
    page.focus("#grid")
    settle(page)
    return page


@pytest.mark.parametrize(
    ("name", "button"), [("plan.json", "Save the plan"), ("plan.csv", "Save as CSV")], ids=["json", "csv"]
)
def test_what_was_exported_comes_back_in_one_step(page, open_page, report, tmp_path, name, button):
    review(page)
    file = export(page, tmp_path / name, button)
    other = open_page(report)  # a browser that has never seen these marks
    other.focus("#grid")
    press(other, "5")
    marked = label(other, "one.jpg")
    assert load(other, file) == f"{name}: marks of 3 photos were loaded, and Undo takes them back."
    assert "4 stars by you, picked" in label(other, "one.jpg")
    assert "rejected" in label(other, "two.jpg") and "1 star by you" in label(other, "four.jpg")
    assert load(other, file) == f"{name}: all its marks are here already."
    other.focus("#grid")
    press(other, "Control+z")
    assert label(other, "one.jpg") == marked
    assert "rejected" not in label(other, "two.jpg") and "by you" not in label(other, "four.jpg")
    press(other, "Control+Shift+z")
    assert "4 stars by you, picked" in label(other, "one.jpg")
    until(other, "Object.values(localStorage).some((stored) => stored.includes('\"pick\"'))")
    reload(other)
    assert "4 stars by you, picked" in label(other, "one.jpg")


@pytest.mark.parametrize(
    ("name", "button"), [("plan.json", "Save the plan"), ("plan.csv", "Save as CSV")], ids=["json", "csv"]
)
def test_a_rejected_photo_keeps_its_stars_when_its_own_plan_comes_back(page, tmp_path, name, button):
    press(page, "4", "x")
    file = export(page, tmp_path / name, button)
    assert load(page, file) == f"{name}: all its marks are here already."
    assert "4 stars by you, rejected" in label(page, "one.jpg")
    page.focus("#grid")
    press(page, "p")
    assert load(page, file) == f"{name}: marks of 1 photo were loaded, and Undo takes them back."
    assert "by you" not in label(page, "one.jpg") and "rejected" in label(page, "one.jpg")


def test_a_plan_of_rank_and_photos_that_are_elsewhere(page, report, tmp_path):
    press(page, "p", "5")  # one.jpg
    rows = [("one.jpg", 3, "keep", True), ("two.jpg", -1, "reject", True), ("four.jpg", 4, "pick", False)]
    away = [("gone.jpg", 5, "pick", True), ("too.jpg", None, "keep", True)]
    file = tmp_path / "plan.json"
    file.write_text(plan_of(report.parent / "a", *rows, *away))
    said = load(page, file)
    assert "marks of 3 photos were loaded, and Undo takes them back." in said
    assert said.endswith(" 2 photos in it are not in this report.")
    assert "3 stars by you" in label(page, "one.jpg") and "picked" not in label(page, "one.jpg")
    assert "rejected" in label(page, "two.jpg") and "by you" not in label(page, "two.jpg")
    assert "picked" in label(page, "four.jpg") and "by you" not in label(page, "four.jpg")  # the plan marks no files
    file.write_text(plan_of(report.parent / "elsewhere", rows[0]))
    assert load(page, file).endswith("none of its 1 photo is in this report, nothing was changed.")


def test_a_table_of_a_person(page, report, tmp_path):
    file = tmp_path / "mine.csv"
    lines = ["\ufeffdecision,photo", f'pick,"{report.parent}/a/one.jpg"', "", f"keep,{report.parent}/b/cat.jpg"]
    file.write_text("\n".join(lines))
    assert "marks of 1 photo were loaded" in load(page, file)
    assert "picked" in label(page, "one.jpg")


def test_stars_as_pandas_writes_them(page, report, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(f"photo,decision,stars\n{report.parent}/a/one.jpg,keep,2.0\n{report.parent}/b/cat.jpg,keep,\n")
    assert "marks of 1 photo were loaded" in load(page, file)
    assert "2 stars" in label(page, "one.jpg")


@pytest.mark.parametrize("separator", [";", "\t"], ids=["semicolon", "tab"])
def test_a_table_that_a_spreadsheet_of_another_country_saved(page, report, tmp_path, separator):
    file = tmp_path / "mine.csv"
    rows = [["photo", "decision", "reasons"], [f"{report.parent}/a/one.jpg", "pick", "blur, noise"]]
    file.write_text("".join(separator.join(row) + "\r\n" for row in rows))
    assert "marks of 1 photo were loaded" in load(page, file)
    assert "picked" in label(page, "one.jpg")


ITEM = json.loads(plan_of(Path("/a"), ("one.jpg", 3, "pick", True)))["items"][0]
PLAN = {"kind": "piqa rank plan", "version": 1}
BAD = {
    "a photo": ("a.jpg", b"\xff\xd8\xff\xe0", "it cannot be read as text"),
    "an empty file": ("a.csv", b"", "its first line does not name the columns photo and decision"),
    "other columns": ("a.csv", b"path;score\na;3\n", "its first line does not name the columns photo and decision"),
    "a page": ("a.html", b'<!doctype>\n<a href="x"y>', "its first line does not name the columns photo and decision"),
    "short row": ("a.csv", b"photo,decision\n/a\n", "line 2 has another number of cells than the first one"),
    "quotation mark": ("a.csv", b'photo,decision\n"/a\nb",pick\n"/c,pick', "line 4: a quotation mark is out of place"),
    "stars in words": ("a.csv", b"photo,decision,stars\n/,pick,many", 'line 2: stars "many" are not between -1 and 5'),
    "twice": ("a.csv", b"photo,decision\n/a,pick\n/a,keep\n", '"/a" is in it twice'),
    "no json": ("a.json", b"{", "it is not valid JSON"),
    "a list": ("a.json", b"[]", "it is no plan of piqa"),
    "null": ("a.json", b"null", "it is no plan of piqa"),
    "version": ("a.json", {**PLAN, "version": 2}, "it has plan version 2, this page reads version 1"),
    "no items": ("a.json", {**PLAN, "items": {}}, "it has no list of photos"),
    "no photo": ("a.json", {**PLAN, "items": [ITEM, None]}, "photo 2 names no photo"),
    "decision": ("a.json", {**PLAN, "items": [{**ITEM, "decision": "sing"}]},
                 'photo 1: decision "sing" is none of pick, keep, reject'),
    "stars": ("a.json", {**PLAN, "items": [{**ITEM, "stars": 6}]}, "photo 1: stars 6 are not between -1 and 5"),
}  # fmt: skip


def test_a_bad_file_changes_nothing_and_says_why(page, tmp_path):
    press(page, "p")
    before = tally(page)
    for name, content, message in BAD.values():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        assert load(page, tmp_path / name) == f"{name}: nothing was loaded: {message}."
        assert tally(page) == before


def test_a_file_without_photos(page, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({**PLAN, "items": []}))
    assert load(page, tmp_path / "a.json") == "a.json: it holds no photos."


@pytest.mark.parametrize(
    ("name", "button"), [("plan.json", "Save the plan"), ("plan.csv", "Save as CSV")], ids=["json", "csv"]
)
def test_names_that_are_hard_to_write(open_page, hostile, tmp_path, name, button):  # noqa: F811
    page = open_page(hostile, expect=MISSING)
    page.focus("#grid")
    for _ in NAMES:
        press(page, "p", "ArrowRight")
    file = export(page, tmp_path / name, button)
    other = open_page(hostile, expect=MISSING)
    assert f"marks of {len(NAMES)} photos were loaded, and Undo takes them back." in load(other, file)
    assert tally(other) == tally(page)
    assert other.evaluate("globalThis.hit === undefined")


def test_the_file_s_own_name_is_text(page, tmp_path):
    file = tmp_path / "<img src=x onerror=globalThis.hit=1>.csv"
    file.touch()
    assert load(page, file).startswith("<img src=x")
    assert page.evaluate("globalThis.hit === undefined")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_by_keyboard_and_for_everybody(open_page, report, tmp_path, scheme):
    (tmp_path / "a.csv").touch()
    page = open_page(report, color_scheme=scheme)
    page.focus("#load")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.type") == "file"
    page.set_input_files("#load-dialog input", tmp_path / "a.csv")
    page.wait_for_selector("#load-dialog .outcome bdi")
    page.wait_for_timeout(200)  # colours that fade in
    assert page.evaluate("probes.nameless()") == [] and page.evaluate("probes.pale()") == []
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "load"


def test_a_phone_has_the_button_in_its_drawer(open_page, report, tmp_path):
    (tmp_path / "a.csv").touch()
    page = open_page(report, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.tap("#open-filters")
    assert "nothing was loaded" in load(page, tmp_path / "a.csv")
