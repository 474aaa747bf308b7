"""`piqa score -o FOLDER` and `--with-gps`."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from piqa_cli.commands import gate_run
from piqa_cli.scoring.table import SCHEMA

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def score(piqa, model, monkeypatch, tmp_path):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return lambda *args: piqa("score", *args, "--model", model.path, "--no-cache")


def test_a_name_without_a_suffix_becomes_a_folder_of_parquet_files(score, photos, tmp_path) -> None:
    result = score(photos, "-o", tmp_path / "scores")
    assert result.code == 0
    assert result.out == ""
    assert "saved" in result.err
    table = pl.read_parquet(tmp_path / "scores" / "*.parquet")
    assert dict(table.schema) == {name: kind() for name, kind in SCHEMA.items()}
    assert table.height == 10


@pytest.mark.parametrize("name", ["2024.05/", "scores.csv/"])
def test_a_slash_at_the_end_means_a_folder(score, photos, tmp_path, name) -> None:
    assert score(photos, "-o", f"{tmp_path}/{name}").code == 0
    assert pl.read_parquet(tmp_path / name / "*.parquet").height == 10


def test_a_later_run_replaces_the_folder_and_foreign_ones_are_left_alone(score, photos, tmp_path) -> None:
    assert score(photos, "-o", tmp_path / "scores").code == 0
    assert score(photos, "-o", tmp_path / "scores").code == 0
    assert pl.read_parquet(tmp_path / "scores" / "*.parquet").height == 10
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    assert score(photos, "-o", tmp_path / "mine").code == 2
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep me"


def test_gates_judge_the_streamed_table(score, photos, tmp_path) -> None:
    assert score(photos, "-o", tmp_path / "scores", "--fail-under", "50").code == 1
    assert score(photos, "-o", tmp_path / "scores", "--fail-under", "0").code == 0


def test_a_failed_photo_is_named_also_when_quiet(score, photos, tmp_path) -> None:
    (photos / "bad.jpg").write_bytes(b"bad")
    for more, code in (("--strict", 3), ("--fail-under=50", 1)):
        result = score(photos, "-o", tmp_path / "scores", "-q", "--strict", more)
        assert result.code == code
        assert "piqa: 1 of 11 photos could not be scored (--strict)" in result.err


@pytest.mark.parametrize(
    "more", [["--json", "scores/r.json"], ["--baseline", "scores/part-00000.parquet"], ["--markdown", "./scores/s.md"]]
)
def test_the_folder_of_a_table_holds_nothing_else(score, photos, more) -> None:
    """A file in it is gone with the next run's table, or that run is refused; the new table was its own baseline."""
    assert score(photos, "-o", "scores").code == 0
    before = pl.read_parquet("scores/*.parquet")
    result = score(photos, "-o", "scores", "--fail-under", "50", *more)
    assert result.code == 2
    assert f"{Path(more[1])}: scores is a table of Parquet parts, which has its folder for itself" in result.err
    assert [file.name for file in Path("scores").iterdir()] == ["part-00000.parquet"]
    assert pl.read_parquet("scores/*.parquet").equals(before)


def test_gates_judge_a_folder_whose_name_looks_like_a_pattern(score, photos, tmp_path) -> None:
    assert score(photos, "-o", tmp_path / "Shoot [1]", "--fail-under", "50").code == 1


@pytest.fixture
def read(monkeypatch) -> list[set[str]]:
    """The columns of every table that gates judge."""
    seen: list[set[str]] = []
    monkeypatch.setattr(gate_run, "judge", lambda frame, *_, **__: seen.append(set(frame.columns)) or 0)
    return seen


OUTLINE = {"path", "status", "score", "reason", "reasons"}


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        ([], None),
        (["--fail-under", "50"], OUTLINE),
        (["--max-errors", "3", "--max-bad-pct", "3"], OUTLINE),
        (["--min-resolution", "2MP"], OUTLINE | {"width", "height"}),
        (["--require-open-eyes", "--require-single-face"], OUTLINE | {"eyes", "eyes_open", "n_faces"}),
        (["--fail-under", "50", "--junit", "junit.xml"], set(SCHEMA)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_gates_read_only_the_columns_that_they_need(score, photos, tmp_path, read, options, columns) -> None:
    assert score(photos, "-o", tmp_path / "scores", *options).code == 0
    assert read == ([] if columns is None else [columns])


@pytest.mark.parametrize("more", [["--format", "csv"], ["--with-gps"]], ids=lambda more: more[0])
def test_what_a_streamed_table_cannot_give_is_refused_before_the_work(score, photos, tmp_path, more) -> None:
    result = score(photos, "-o", tmp_path / "scores", *more)
    assert result.code == 2
    assert more[0] in result.err
    assert not (tmp_path / "scores").exists()


@pytest.mark.parametrize("asked", [["--max-near-duplicates", "0"], ["--gate", "policy.toml"]], ids=lambda args: args[0])
def test_near_duplicates_in_a_streamed_table_are_refused_before_the_work(
    score, photos, tmp_path, engine, asked
) -> None:
    Path("policy.toml").write_text('[folders."a*"]\nmax-near-duplicates = 0\n')
    result = score(photos, "-o", tmp_path / "scores", *asked)
    assert result.code == 2
    assert "max-near-duplicates cannot be checked: " in result.err
    assert engine.seen == []
    assert not (tmp_path / "scores").exists()


def test_near_duplicates_that_a_streamed_table_cannot_tell_are_not_blamed_on_the_cache(score, photos, tmp_path) -> None:
    result = score(photos, "-o", tmp_path / "scores", "--json", tmp_path / "result.json")
    assert result.code == 0
    assert "near-duplicate: a folder of Parquet files is without the look of the photos: " in result.err
    assert "-o FILE" in result.err
    assert "cache" not in result.err


def test_positions_are_columns_on_request_only(score, photos, tmp_path) -> None:
    assert score(photos, "-o", tmp_path / "a.csv").code == 0
    assert score(photos, "-o", tmp_path / "b.csv", "--with-gps").code == 0
    assert "latitude" not in pl.read_csv(tmp_path / "a.csv").columns
    assert pl.read_csv(tmp_path / "b.csv").columns[-2:] == ["latitude", "longitude"]


def test_a_table_is_no_folder_of_photos(score, photos, tmp_path) -> None:
    assert score(photos, "-o", tmp_path / "scores").code == 0
    result = score(tmp_path / "scores")
    assert result.code == 2
    assert f"{tmp_path}/scores is a score table: `piqa rank` and `piqa report` take it" in result.err
