from __future__ import annotations

import os
import random
from pathlib import Path

import polars as pl
import pytest

from piqa_cli.ranking.options import By, Choice, GroupOptions
from piqa_cli.ranking.order import counted_on, natural_key, overall_order, percentiles
from piqa_cli.ranking.ranked import rank_shoot
from piqa_cli.ranking.ranked_table import COLUMNS, SCHEMA, with_ranking
from piqa_cli.scoring.table import describe, path_text, to_frame
from tests.ranking.made_scores import blind, photo


def test_names_sort_as_cameras_count() -> None:
    names = ["IMG_10.JPG", "IMG_9.JPG", "img_9.cr2", "IMG_9a.JPG", "100.JPG", "IMG_010.JPG", "a-.jpg", "²5.jpg"]
    assert sorted(map(Path, names), key=natural_key) == sorted(sorted(map(Path, names)), key=natural_key)
    ordered = [path.name for path in sorted(map(Path, names), key=natural_key)]
    assert ordered.index("IMG_9.JPG") < ordered.index("IMG_010.JPG") < ordered.index("IMG_10.JPG") or (
        ordered.index("IMG_9.JPG") < ordered.index("IMG_10.JPG")
    )
    assert natural_key(Path("a/z")) < natural_key(Path("b/a"))


def test_a_number_without_end_is_a_name_too() -> None:
    """Not of a file, but in a table; Python turns at most 4,300 digits into a number."""
    first, second = Path(f"{'1' * 5000}.jpg"), Path(f"{'1' * 4999}2.jpg")
    assert natural_key(first) < natural_key(second)
    assert counted_on(first, second)


@pytest.mark.parametrize(
    ("first", "second", "follows"),
    [
        ("IMG_0009.JPG", "img_0010.jpg", True),
        ("IMG_9.JPG", "IMG_12.JPG", True),
        ("IMG_9.JPG", "IMG_13.JPG", False),
        ("IMG_1.JPG", "IMG_10.JPG", False),
        ("IMG_1.JPG", "IMG_1.CR2", True),
        ("IMG_1.jpg", "IMG_1-edited.jpg", True),
        ("IMG_1a.jpg", "IMG_1.jpg", True),
        ("Ann.jpg", "Ann 2.jpg", True),
        ("Ann.jpg", "Anna.jpg", False),
        ("Ann.jpg", "Bob.jpg", False),
        ("neutral_front_016_03.jpg", "neutral_front_086_03.jpg", False),
        (".jpg", "a.jpg", False),
    ],
)
def test_names_that_count_on(first: str, second: str, follows: bool) -> None:
    assert counted_on(Path(first), Path(second)) is follows
    assert counted_on(Path(second), Path(first)) is follows


def test_the_order_is_that_of_the_score_table() -> None:
    rng = random.Random(2)
    odd = os.fsdecode(b"\xff.jpg")
    shoot = [
        photo(name, rng.choice([None, 10.0, 20.004, 20.001]))
        for name in ["b", "a", "ä", "Z", odd, "\U0001f600", "c d"] * 1
    ]
    order = [path_text(shoot[i].path) for i in overall_order(shoot)]
    assert order == to_frame(shoot)["path"].to_list()


def test_within_a_hundredth_the_raw_score_tells_and_then_the_path() -> None:
    shoot = [photo("d", 20.0), photo("c", 20.001), photo("b", 20.004), photo("a", 20.000_001)]
    assert [shoot[i].path.name for i in overall_order(shoot)] == ["b", "c", "a", "d"]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([], []),
        ([50.0], [100.0]),
        ([None, 50.0], [None, 100.0]),
        ([10.0, 20.0, 30.0], [0.0, 50.0, 100.0]),
        ([10.0, 10.0, 30.0], [25.0, 25.0, 100.0]),
        ([10.0, 10.001, 30.0], [25.0, 25.0, 100.0]),
    ],
    ids=str,
)
def test_percentiles(scores, expected) -> None:
    assert percentiles([photo(str(n), score) for n, score in enumerate(scores)]) == expected


def test_the_columns_of_ranking() -> None:
    shoot = [photo("a", 50, at=0), photo("b", 70, at=1), photo("x", None, at=99)]
    ranked = rank_shoot(shoot, GroupOptions(), Choice(per_group=1), None, blind)
    frame = with_ranking(to_frame(p.score for p in ranked), ranked)
    assert frame.columns[-len(SCHEMA) :] == list(SCHEMA)
    assert frame.select(list(SCHEMA)).schema == pl.Schema(SCHEMA)
    assert frame.select("path", *list(SCHEMA)[:7]).rows() == [
        ("b", "burst-001", 1, True, 1, 100.0, 5, "pick"),
        ("a", "burst-001", 2, False, 2, 0.0, 1, "keep"),
        ("x", None, None, False, None, None, None, "keep"),
    ]
    again = with_ranking(frame, ranked)
    assert again.equals(frame)  # a ranked table can be ranked anew


@pytest.mark.parametrize("folder", ["=cmd|' -C calc'!A0", "+selects", "-a", "@SUM(A1)"])
def test_a_spreadsheet_runs_no_name_of_a_group(folder) -> None:
    shoot = [photo(f"/p/{folder}/a", at=0), photo(f"/p/{folder}/b", at=1), photo(f"/p/{folder}/sub/c", at=99)]
    ranked = rank_shoot(shoot, GroupOptions((By.FOLDER,)), Choice(), None, blind)
    frame = with_ranking(to_frame(p.score for p in ranked), ranked)
    assert set(frame["group"]) == {f"./{folder}", f"./{folder}/sub"}
    assert {p.place for p in ranked} == {folder, f"{folder}/sub"}  # the folders of `--into group` have their own names


def test_every_column_is_described() -> None:
    described = describe(COLUMNS)
    assert [name for name, _, _ in described] == [column.name for column in COLUMNS]
    assert all(meaning and dtype for _, dtype, meaning in described)
