import os

import polars as pl
import pytest

from piqa_cli.errors import OutputError
from piqa_cli.outputs.part_files import check_folder, names_folder
from piqa_cli.outputs.partitions import PartitionedTable, read_outline, read_partitions
from piqa_cli.outputs.summary import summarize
from piqa_cli.scoring.table import SCHEMA, to_frame


@pytest.fixture
def scores(make_score):
    return [make_score(f"{n:04}.jpg", score=float(n % 97), raw_score=n / 10) for n in range(2500)]


def write(folder, batches, **options):
    with PartitionedTable(folder, **options) as table:
        for batch in batches:
            table.add(batch)
        table.finish()


def in_twos(scores):
    return [scores[n : n + 2] for n in range(0, len(scores), 2)]


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_the_parts_together_are_the_table(tmp_path, scores):
    folder = tmp_path / "scores"
    write(folder, in_twos(scores), part_rows=1000)
    assert sorted(path.name for path in folder.iterdir()) == [f"part-{n:05}.parquet" for n in range(3)]
    assert [pl.read_parquet(path).height for path in sorted(folder.iterdir())] == [1000, 1000, 500]
    whole = read_partitions(folder)
    assert whole.equals(to_frame(scores))
    assert pl.read_parquet(folder).schema == whole.schema
    assert dict(whole.schema) == SCHEMA
    assert hidden(tmp_path) == []


def test_the_outline_says_what_the_whole_table_says(tmp_path, scores, make_score):
    bad = [make_score("bad.jpg", status="error", reason="truncated", score=None, reasons=())]
    write(tmp_path / "scores", [scores, bad], part_rows=1000)
    outline = read_outline(tmp_path / "scores")
    assert summarize(outline) == summarize(to_frame([*scores, *bad]))
    assert outline["path"].drop_nulls().to_list() == ["bad.jpg"]


def test_a_folder_without_parts_cannot_be_read(tmp_path):
    with pytest.raises(OutputError, match="cannot read"):
        read_partitions(tmp_path)


def test_a_table_without_rows_has_its_columns(tmp_path):
    write(tmp_path / "scores", [])
    assert dict(read_partitions(tmp_path / "scores").schema) == SCHEMA


def test_an_earlier_table_is_replaced_as_a_whole(tmp_path, scores):
    folder = tmp_path / "scores"
    write(folder, [scores], part_rows=1000)
    with PartitionedTable(folder) as table:
        table.add(scores[:3])
        assert read_partitions(folder).height == len(scores)
        table.finish()
    assert read_partitions(folder).equals(to_frame(scores[:3]))
    assert hidden(tmp_path) == []


def test_without_finish_the_earlier_table_stays(tmp_path, scores):
    folder = tmp_path / "scores"
    write(folder, [scores[:5]])
    with pytest.raises(RuntimeError), PartitionedTable(folder, part_rows=1000) as table:
        table.add(scores)
        raise RuntimeError("stop")
    assert read_partitions(folder).height == 5
    assert hidden(tmp_path) == []


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(OutputError, match=r"holds other things, like holiday\.jpg"):
        PartitionedTable(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_places_where_no_table_can_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="no folder"):
        check_folder(tmp_path / "missing" / "scores")
    with pytest.raises(OutputError, match="it is no folder"):
        check_folder(tmp_path / "file")


def test_names_without_suffix_and_folders_are_meant(tmp_path):
    (tmp_path / "day.1").mkdir()
    assert names_folder(tmp_path / "scores")
    assert names_folder(tmp_path / "day.1")
    assert not names_folder(tmp_path / "scores.parquet")


def test_a_full_disk_is_an_output_error(tmp_path, scores, monkeypatch):
    def full(self, path):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(OutputError, match="No space left"), PartitionedTable(tmp_path / "scores") as table:
        table.add(scores)
        table.finish()
    assert list(tmp_path.iterdir()) == []
