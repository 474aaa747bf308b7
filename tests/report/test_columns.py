import polars as pl
import pytest

from piqa_cli.ranking.options import By
from piqa_cli.report.columns import group_columns, mates_column, place_columns, table_columns
from tests.fake_engine import full_score
from tests.report.made import ranked_table


def test_a_table_of_three_columns_is_enough():
    frame = pl.DataFrame({"path": ["a/b.jpg", "c.jpg"], "score": [1.5, None], "status": ["ok", "error"]})
    columns = table_columns(frame)
    assert columns == {
        "path": ["a/b.jpg", "c.jpg"],
        "score": [1.5, None],
        "status": ["ok", "error"],
        "stars": [None, None],
    }
    assert mates_column(frame) == [[], []]
    assert group_columns(frame) == ({"group": [None, None], "best": [False, False]}, [])


def test_foreign_columns_empty_columns_and_numbers_that_are_none_stay_out():
    frame = pl.DataFrame(
        {
            "path": ["a.jpg", "b.jpg"],
            "score": [10.123456, 20.0],
            "status": ["ok", "ok"],
            "gps_latitude": [48.1, 2.3],
            "lens": [None, None],
            "aperture": [float("nan"), 2.8],
            "shutter_s": [float("inf"), 0.01],
        },
        schema_overrides={"lens": pl.String},
    )
    columns = table_columns(frame)
    assert columns["score"] == [10.12, 20.0]
    assert columns["aperture"] == [None, 2.8]
    assert columns["shutter_s"] == [None, 0.01]
    assert not {"gps_latitude", "lens"} & set(columns)


def test_a_table_whose_groups_a_spreadsheet_would_run_makes_a_page_whose_csv_it_does_not():
    frame = pl.DataFrame({"group": ["=1+1", "burst-001", None], "best_of_group": [True, True, True]})
    columns, groups = group_columns(frame)
    assert [group["label"] for group in groups] == ["./=1+1", "burst-001"]
    assert columns["group"] == [0, 1, None]


def test_groups_are_numbered_by_name_with_their_best():
    scores = [full_score(f"/x/{name}/{i}.jpg", score=float(i)) for name in ("b", "a") for i in (1, 2)]
    columns, groups = group_columns(ranked_table(scores, By.FOLDER))
    assert groups == [{"label": "x/a", "kind": "folder"}, {"label": "x/b", "kind": "folder"}]
    assert sorted(zip(columns["group"], columns["best"], strict=True)) == [(0, False), (0, True), (1, False), (1, True)]


@pytest.mark.parametrize("names", [("2024-05-06", "selects"), ("burst-001", "undated", "a")])
def test_a_folder_is_one_whatever_it_is_called(names):
    """A page grouped by folder put those that are not called like a day or a burst under "Not in a group"."""
    scores = [full_score(f"/x/{name}/1.jpg") for name in names]
    _, groups = group_columns(ranked_table(scores, By.FOLDER))
    assert groups == [{"label": f"x/{name}", "kind": "folder"} for name in sorted(names)]


def test_a_group_that_somebody_named_leaves_the_others_what_they_are():
    frame = pl.DataFrame({"path": ["/x/1.jpg", "/x/2.jpg"], "group": ["burst-001", "the kiss"]})
    assert [group["kind"] for group in group_columns(frame)[1]] == ["burst", "folder"]


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("burst-001", "burst"),
        ("shoot/2024-05-06/bracket-01", "bracket"),
        ("panorama-003", "panorama"),
        ("duplicates-1", "duplicates"),
        ("2024-05-06", "day"),
        ("undated", "day"),
        ("burst-pictures", "folder"),
    ],
)
def test_kinds_of_groups(label, kind):
    frame = pl.DataFrame({"group": [label], "best_of_group": [True]})
    assert group_columns(frame)[1] == [{"label": label, "kind": kind}]


def test_places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    columns = place_columns(["a.jpg", "in/b.CR2", "/far/c.png", r"raw \xff.jpg"], tmp_path / "pages")
    assert columns["name"] == ["a.jpg", "b.CR2", "c.png", r"raw \xff.jpg"]
    assert columns["folder"] == [".", "in", "/far", "."]
    assert columns["photo"][:2] == [str(tmp_path / "a.jpg"), str(tmp_path / "in/b.CR2")]
    assert columns["photo"][3].endswith("raw \udcff.jpg")
    assert columns["href"][0] == "../a.jpg"
    assert columns["href"][3] == "../raw%20%FF.jpg"
    assert columns["viewable"] == [True, False, True, True]
