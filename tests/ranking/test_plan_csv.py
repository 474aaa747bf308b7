import os
from pathlib import Path

import pytest

from piqa_cli.errors import UsageError
from piqa_cli.ranking.actions import apply_plan
from piqa_cli.ranking.plan_csv import plan_from_csv
from piqa_cli.ranking.plan_file import load_plan, plan_from_json, plan_to_json

FULL = """photo,decision,stars,label,score,group,reasons,mates
/a/1.jpg,pick,5,Green,91.5,burst-001,chosen in the report; photo: noise,"[""/a/1.CR2""]"
"/a/""two"", 2.jpg",reject,-1,Red,3,,,[]
/a/3.jpg,keep,,,,,,
"""


def test_what_the_report_exports():
    first, second, third = plan_from_csv(FULL).items
    assert (first.photo, first.mates) == (Path("/a/1.jpg"), (Path("/a/1.CR2"),))
    assert (first.decision, first.stars, first.label, first.score) == ("pick", 5, "Green", 91.5)
    assert (first.group, first.reasons) == ("burst-001", ("chosen in the report", "photo: noise"))
    assert (second.photo.name, second.decision, second.stars, second.group) == ('"two", 2.jpg', "reject", -1, None)
    assert (third.stars, third.label, third.score, third.reasons) == (None, None, None, ())
    assert all(item.mark and item.move is None and item.destination is None for item in (first, second, third))


def test_two_columns_are_enough_and_labels_follow_the_decision():
    plan = plan_from_csv("\ufeffdecision,photo\r\npick,/a.jpg\r\nreject,/b.jpg\r\nkeep,/c.jpg\r\n")
    assert [item.label for item in plan.items] == ["Green", "Red", None]
    assert [item.stars for item in plan.items] == [None, -1, None]


def test_a_label_goes_before_that_of_the_decision():
    plan = plan_from_csv("photo,decision,label\n/a.jpg,pick,Blue\n/b.jpg,pick,\n/c.jpg,keep,Yellow\n")
    assert [item.label for item in plan.items] == ["Blue", None, "Yellow"]


def test_scores_reach_from_0_to_100():
    plan = plan_from_csv("photo,decision,score\n/a.jpg,keep,0\n/b.jpg,keep,0.5\n/c.jpg,keep,100\n")
    assert [item.score for item in plan.items] == [0, 0.5, 100]


def test_stars_as_pandas_writes_them() -> None:
    plan = plan_from_csv("photo,decision,stars\n/a.jpg,pick,4.0\n/b.jpg,reject,-1.0\n/c.jpg,keep,\n")
    assert [item.stars for item in plan.items] == [4, -1, None]
    with pytest.raises(UsageError, match=r"line 2: stars '4\.5'"):
        plan_from_csv("photo,decision,stars\n/a.jpg,pick,4.5\n")


@pytest.mark.parametrize("separator", [";", "\t"])
def test_separators_and_decimals_of_other_countries(separator):
    rows = [["photo", "decision", "score", "mates"], ["/a, b.jpg", "pick", "91,5", '"[""/a.CR2"", ""/a.wav""]"']]
    (item,) = plan_from_csv("\ufeff" + "".join(separator.join(row) + "\r\n" for row in rows)).items
    assert (item.photo, item.decision, item.score) == (Path("/a, b.jpg"), "pick", 91.5)
    assert item.mates == (Path("/a.CR2"), Path("/a.wav"))


@pytest.mark.skipif(os.name != "posix", reason="names of bytes")
@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_plan_that_a_spreadsheet_saved_in_its_own_encoding(tmp_path, encoding):
    (tmp_path / "p.csv").write_text("photo,decision\n/a/Müller.jpg,pick\n", encoding=encoding)
    with pytest.raises(UsageError, match=r"p\.csv: its text is not in UTF-8") as caught:
        load_plan(tmp_path / "p.csv")
    assert "CSV UTF-8" in caught.value.hint


def test_bytes_of_a_name_that_are_no_utf8(tmp_path):
    (item,) = plan_from_csv(f"photo,decision\n{tmp_path}/a\\xff.jpg,pick\n").items
    assert os.fsencode(item.photo.name) == b"a\xff.jpg"
    (tmp_path / r"a\xff.jpg").write_bytes(b"called so")
    (literal,) = plan_from_csv(f"photo,decision\n{tmp_path}/a\\xff.jpg,pick\n").items
    assert literal.photo.name == r"a\xff.jpg"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "photo, decision"),
        ("photo\n/a.jpg\n", "photo, decision"),
        ("photo,decision,photo\n", "photo, decision"),
        ("photo,decision,evil\n", "photo, decision"),
        ("photo,decision\n/a.jpg,pick\n/a.jpg,keep\n", "line 3: '/a.jpg' is there a second time"),
        ("photo,decision\na.jpg,pick\n", "line 2: 'a.jpg' is no absolute path: write photos with all their folders"),
        ("photo,decision\n/a/../b.jpg,pick\n", "no absolute path"),
        ("photo,decision\n/a.jpg,maybe\n", "'maybe' is none of pick, keep, reject"),
        ("photo,decision\n/a.jpg\n", "number of cells"),
        ("photo,decision\n/a.jpg,pick,5\n", "number of cells"),
        ("photo,decision,stars\n/a.jpg,pick,6\n", "stars '6'"),
        ("photo,decision,stars\n/a.jpg,pick,four\n", "stars 'four'"),
        ("photo,decision\n/a\0.jpg,pick\n", "no absolute path"),
        ("photo,decision,score\n/a.jpg,pick,-1\n", "score '-1'"),
        ("photo,decision,score\n/a.jpg,pick,101\n", "score '101'"),
        ("photo,decision,score\n/a.jpg,pick,nan\n", "score 'nan'"),
        ("photo,decision,score\n/a.jpg,pick,x\n", "line 2"),
        ('photo,decision,mates\n/a.jpg,pick,"{}"\n', "no JSON list"),
        ("photo,decision,mates\n/a.jpg,pick,[1]\n", "no JSON list"),
        ('photo,decision\n"/a.jpg,pick\n', "line"),
    ],
)
def test_what_is_wrong_is_named(text, words):
    with pytest.raises(UsageError) as caught:
        plan_from_csv(text, "plan c.csv")
    assert caught.value.message.startswith("plan c.csv: line ")
    assert words in caught.value.message


def test_a_ranked_table_is_told_from_a_plan() -> None:
    """Both are CSV, and both come from `piqa rank`."""
    with pytest.raises(UsageError, match="the columns are to be") as caught:
        plan_from_csv("path,score,status,decision\na.jpg,5,ok,pick\n")
    assert "without --plan" in caught.value.hint


def test_it_is_carried_out(tmp_path):
    photo = tmp_path / "a.cr2"
    photo.write_bytes(b"raw")
    (tmp_path / "choices.CSV").write_text(f"photo,decision,stars\n{photo},pick,4\n")
    plan, options = load_plan(tmp_path / "choices.CSV")
    apply_plan(plan, options, tmp_path / "journal.jsonl")
    assert 'Rating="4"' in (tmp_path / "a.xmp").read_text() or ">4<" in (tmp_path / "a.xmp").read_text()


def test_a_run_that_was_stopped_goes_on_from_the_same_choices(tmp_path, monkeypatch):
    """At another time, by another spelling of the path: what counts is what the rows say."""
    photos = [tmp_path / f"{name}.cr2" for name in "ab"]
    for photo in photos:
        photo.write_bytes(b"raw")
    rows = "".join(f"{photo},pick,4\n" for photo in photos)
    (tmp_path / "choices.csv").write_text(f"photo,decision,stars\n{rows}")

    def stopped(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_plan(*load_plan(tmp_path / "choices.csv"), tmp_path / "journal", stopped)
    assert {path.name for path in tmp_path.glob("*.xmp")} == {"a.xmp"}
    monkeypatch.chdir(tmp_path)
    assert not apply_plan(*load_plan(Path("choices.csv")), tmp_path / "journal").problems
    assert {path.name for path in tmp_path.glob("*.xmp")} == {"a.xmp", "b.xmp"}
    (tmp_path / "choices.csv").write_text(f"photo,decision,stars\n{rows.replace('pick,4', 'pick,3')}")
    with pytest.raises(UsageError, match="journal of another plan"):
        apply_plan(*load_plan(tmp_path / "choices.csv"), tmp_path / "journal")


def test_choices_say_nothing_of_the_time(tmp_path):
    plan = plan_from_csv(FULL, "here.csv")
    assert plan == plan_from_csv(FULL, "there.csv")
    assert plan.created is None
    assert plan_from_json(plan_to_json(plan))[0] == plan
