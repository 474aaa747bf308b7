import polars as pl
import pytest

from piqa_cli.ranking.score_file import read_score_file, to_scores
from piqa_cli.report.arrange import arrange, as_ranked, is_ranked
from piqa_cli.report.options import Grouping
from piqa_cli.scoring.table import to_frame
from tests.fake_engine import full_score
from tests.report.made import ranked_table


def scores(count=6):
    return [full_score(f"/shoot/{n % 2}/{n}.jpg", score=10.0 * n, raw_score=float(n)) for n in range(count)]


@pytest.mark.parametrize(
    ("grouping", "groups"),
    [(Grouping.BURST, {"burst-001"}), (Grouping.FOLDER, {"shoot/0", "shoot/1"}), (Grouping.NONE, {None})],
)
def test_groups(grouping, groups):
    frame = arrange(scores(), None, grouping, lambda path: None)
    assert set(frame["group"]) == groups
    assert frame["score"].to_list() == [50.0, 40.0, 30.0, 20.0, 10.0, 0.0]
    assert "decision" not in frame.columns  # nobody has decided anything


def test_stars_are_those_of_rank():
    frame = arrange(scores(11), None, Grouping.NONE, lambda path: None)
    assert frame["stars"].to_list() == ranked_table(scores(11))["stars"].to_list()


def test_rows_of_a_table_keep_what_else_they_hold():
    table = to_frame(scores()).reverse().with_columns(note=pl.Series([f"row {n}" for n in range(6)]))
    frame = arrange(to_scores(table), table, Grouping.BURST, lambda path: None)
    assert frame["note"].to_list() == [f"row {n}" for n in range(5, -1, -1)]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "json"])
def test_a_ranked_table_is_taken_as_it_is(tmp_path, suffix):
    from piqa_cli.outputs.tabular import write_table

    ranked = ranked_table(scores()).with_columns(
        stars=pl.Series([3, -1, 2, 1, 5, None]), group=pl.lit("mine"), decision=pl.lit("pick")
    )
    write_table(ranked, tmp_path / f"ranked.{suffix}")
    table = read_score_file(tmp_path / f"ranked.{suffix}")
    assert is_ranked(table)
    found = as_ranked(table)
    assert found["stars"].to_list() == [3, -1, 2, 1, 5, None]
    assert found["best_of_group"].to_list() == [True, False, False, False, False, False]
    assert set(found["decision"]) == {"pick"}


def test_a_ranked_table_that_went_through_pandas(tmp_path):
    """True and 3.0 for true and 3; it was grouped anew, and its stars and choices were left out."""
    ranked = ranked_table(scores()).with_columns(stars=pl.Series([3, -1, 2, 1, 5, None]), group=pl.lit("mine"))
    spelled = {
        "stars": pl.col("stars").cast(pl.Float64).cast(pl.String),
        "best_of_group": pl.col("best_of_group").cast(pl.String).str.to_titlecase(),
    }
    ranked.with_columns(**spelled).write_csv(tmp_path / "ranked.csv")
    table = read_score_file(tmp_path / "ranked.csv")
    assert is_ranked(table)
    assert as_ranked(table)["stars"].to_list() == [3, -1, 2, 1, 5, None]
    assert as_ranked(table)["best_of_group"].to_list() == [True, False, False, False, False, False]


@pytest.mark.parametrize("change", [{"stars": pl.lit("many")}, {"best_of_group": pl.lit("perhaps")}])
def test_columns_of_the_same_name_with_something_else_in_them(change):
    assert not is_ranked(ranked_table(scores()).with_columns(**change))
    assert not is_ranked(to_frame(scores()))
