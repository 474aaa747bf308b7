import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from piqa_cli.errors import OutputError, UsageError
from piqa_cli.gates.needs import columns_needed
from piqa_cli.gates.policy import Policy
from piqa_cli.outputs import partitions
from piqa_cli.outputs.exchange import exchange
from piqa_cli.outputs.part_files import check_folder, names_folder
from piqa_cli.outputs.partitions import PartitionedTable, read_outline
from piqa_cli.outputs.summary import summarize
from piqa_cli.ranking.score_file import read_score_file
from piqa_cli.scoring.table import SCHEMA, to_frame
from piqa_cli.table_parts import parts_of


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
    whole = read_score_file(folder)
    assert whole.equals(to_frame(scores))
    assert pl.read_parquet(folder).schema == whole.schema
    assert dict(whole.schema) == SCHEMA
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("name", ["Shoot [1]", "shoot*", "shoot?", "year=2024"])
def test_the_name_of_a_folder_is_no_pattern(tmp_path, scores, name):
    write(tmp_path / "shoot1", [scores[:1]])
    write(tmp_path / name, [scores[:3]])
    assert read_score_file(tmp_path / name).equals(to_frame(scores[:3]))
    assert read_outline(tmp_path / name, ["path"]).height == 3


def test_more_parts_than_five_digits_count(tmp_path, scores):
    write(tmp_path / "scores", [scores[:3]])
    shutil.copy(tmp_path / "scores/part-00000.parquet", tmp_path / "scores/part-100000.parquet")
    assert read_outline(tmp_path / "scores", ["path"]).height == 6
    check_folder(tmp_path / "scores")


def test_a_damaged_part_is_named(tmp_path, scores):
    write(tmp_path / "scores", in_twos(scores), part_rows=1000)
    (tmp_path / "scores/part-00001.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(OutputError, match="cannot read"):
        read_outline(tmp_path / "scores", ["path"])
    with pytest.raises(UsageError, match="cannot read"):
        read_score_file(tmp_path / "scores")


def test_the_outline_says_what_the_whole_table_says(tmp_path, scores, make_score):
    bad = [make_score("bad.jpg", status="error", reason="truncated", score=None, reasons=())]
    write(tmp_path / "scores", [scores, bad], part_rows=1000)
    outline = read_outline(tmp_path / "scores", columns_needed(Policy()))
    whole = to_frame([*scores, *bad])
    assert summarize(outline) == summarize(whole)
    assert set(outline.columns) == {"path", "status", "score", "reason", "reasons"}
    assert outline.estimated_size() < whole.estimated_size() / 3


def test_a_folder_without_parts_cannot_be_read(tmp_path):
    with pytest.raises(OutputError, match="cannot read"):
        read_outline(tmp_path, ["path"])


def test_rows_that_fill_their_parts_leave_no_empty_one(tmp_path, scores):
    write(tmp_path / "scores", in_twos(scores[:2000]), part_rows=1000)
    assert [pl.read_parquet(path).height for path in parts_of(tmp_path / "scores")] == [1000, 1000]


def test_a_table_without_rows_has_its_columns(tmp_path):
    write(tmp_path / "scores", [])
    assert dict(read_score_file(tmp_path / "scores").schema) == SCHEMA


@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o700), (0o002, 0o775)])
def test_a_new_folder_gets_the_permissions_that_the_user_gives_new_folders(tmp_path, scores, umask, mode):
    before = os.umask(umask)
    try:
        write(tmp_path / "scores", [scores[:3]])
    finally:
        os.umask(before)
    assert (tmp_path / "scores").stat().st_mode & 0o777 == mode


def test_an_earlier_table_is_replaced_as_a_whole(tmp_path, scores):
    folder = tmp_path / "scores"
    write(folder, [scores], part_rows=1000)
    with PartitionedTable(folder) as table:
        table.add(scores[:3])
        assert read_score_file(folder).height == len(scores)
        table.finish()
    assert read_score_file(folder).equals(to_frame(scores[:3]))
    assert hidden(tmp_path) == []


DYING = """
import os, signal, sys
from pathlib import Path
from piqa_cli.outputs import partitions
from piqa_cli.records import PhotoScore

def killed(first, second, swap=partitions.exchange):
    if sys.argv[2] == "after":
        assert swap(first, second)
    os.kill(os.getpid(), signal.SIGKILL)

partitions.exchange = killed
with partitions.PartitionedTable(Path(sys.argv[1])) as table:
    table.add([PhotoScore(Path("new.jpg"), "ok", score=1.0, raw_score=1.0)])
    table.finish()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it takes two renames")
@pytest.mark.parametrize(("place", "rows"), [("before", 5), ("after", 1)])
def test_killed_while_it_replaces_a_table_leaves_one_of_the_two(tmp_path, scores, place, rows):
    folder = tmp_path / "scores"
    write(folder, [scores[:5]])
    done = subprocess.run([sys.executable, "-c", DYING, folder, place], check=False)  # polars does not survive a fork
    assert done.returncode == -signal.SIGKILL
    assert read_score_file(folder).height == rows
    write(folder, [scores[:7]])
    assert read_score_file(folder).height == 7


@pytest.mark.skipif(sys.platform == "win32", reason="no locks on folders")
def test_what_killed_runs_left_is_removed_but_nothing_that_is_in_use(tmp_path, scores):
    folder, long_ago = tmp_path / "scores", 1_000_000_000
    left = [tmp_path / f".scores-{name}.tmp" for name in ("old", "new", "swapping")]
    for path in left:
        path.mkdir()
        (path / "part-00000.parquet").touch()
    left[2].with_suffix(".old").mkdir()
    other, mine = tmp_path / ".scoring-a.tmp", tmp_path / ".scores-mine.tmp"
    other.mkdir()
    mine.mkdir()
    (mine / "letter.txt").touch()
    with PartitionedTable(folder) as table:
        (used,) = {tmp_path / name for name in hidden(tmp_path)} - {*left, left[2].with_suffix(".old"), other, mine}
        for path in (left[0], left[2], other, mine, used):
            os.utime(path, (long_ago, long_ago))
        write(tmp_path / "scores", [scores[:2]])  # another run
        assert [path.exists() for path in (*left, other, mine, used)] == [False, *[True] * 5]
        table.add(scores[:3])
        table.finish()
    assert read_score_file(folder).height == 3


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it takes two renames")
def test_a_table_is_replaced_in_one_step(tmp_path, scores, monkeypatch):
    folder = tmp_path / "scores"
    write(folder, [scores[:5]])
    folder.chmod(0o750)
    monkeypatch.setattr(Path, "rename", lambda *_: pytest.fail("for a moment there is no table"))
    write(folder, [scores[:3]])
    assert read_score_file(folder).height == 3
    assert folder.stat().st_mode & 0o777 == 0o750
    assert hidden(tmp_path) == []


def test_without_such_a_step_two_renames_do(tmp_path, scores, monkeypatch):
    monkeypatch.setattr(partitions, "exchange", lambda *_: False)
    folder = tmp_path / "scores"
    write(folder, [scores[:5]])
    write(folder, [scores[:3]])
    assert read_score_file(folder).height == 3
    assert hidden(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it never can")
def test_nothing_is_exchanged_with_what_is_not_there(tmp_path):
    (tmp_path / "a").mkdir()
    assert not exchange(tmp_path / "a", tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_without_finish_the_earlier_table_stays(tmp_path, scores):
    folder = tmp_path / "scores"
    write(folder, [scores[:5]])
    with pytest.raises(RuntimeError), PartitionedTable(folder, part_rows=1000) as table:
        table.add(scores)
        raise RuntimeError("stop")
    assert read_score_file(folder).height == 5
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
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="it is no folder"):
        check_folder(tmp_path / "gone")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    with pytest.raises(OutputError, match="it is a symbolic link") as caught:
        check_folder(tmp_path / "link")
    assert caught.value.hint == f"-o {(tmp_path / 'folder').resolve()} writes to the folder that it leads to"


def test_the_current_folder_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (".", str(tmp_path)):
        with pytest.raises(OutputError, match="it is the current folder"):
            PartitionedTable(Path(name))
    assert list(tmp_path.iterdir()) == []


def test_a_mount_point_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "ismount", lambda path: path == tmp_path / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="mount point") as found:
        PartitionedTable(tmp_path / "out")
    assert found.value.hint == f"-o {tmp_path / 'out' / 'scores'} works"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


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


def test_what_file_managers_leave_is_in_nobodys_way(tmp_path, scores):
    write(tmp_path / "scores", [scores[:3]])
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / "scores" / name).touch()
    write(tmp_path / "scores", [scores[:2]])
    assert read_score_file(tmp_path / "scores").height == 2
    assert [path.name for path in (tmp_path / "scores").iterdir()] == ["part-00000.parquet"]


def test_parts_are_told_from_folders_of_photos(tmp_path, scores):
    write(tmp_path / "scores", in_twos(scores), part_rows=1000)
    parts = [tmp_path / "scores" / f"part-0000{n}.parquet" for n in range(3)]
    assert parts_of(tmp_path / "scores") == parts
    for name in (".DS_Store", "_SUCCESS"):
        (tmp_path / "scores" / name).touch()
    assert parts_of(tmp_path / "scores") == parts
    (tmp_path / "scores/a.jpg").touch()
    (tmp_path / "empty").mkdir()
    assert [parts_of(tmp_path / name) for name in ("scores", "empty", "gone", "scores/a.jpg")] == [[]] * 4


def test_the_table_of_a_run_that_goes_on_is_not_read(tmp_path, scores):
    write(tmp_path / "scores", [scores[:3]])
    (tmp_path / "scores/_manifest").mkdir()
    with pytest.raises(UsageError, match="has not come to its end"):
        read_score_file(tmp_path / "scores")
    done = tmp_path / "scores/_manifest/done.json"
    done.touch()
    assert read_score_file(tmp_path / "scores").height == 3
    done.write_text('{"partitions": 1, "rows": 3, "errors": 0}')
    assert read_score_file(tmp_path / "scores").height == 3


def test_a_table_that_was_copied_in_part_is_not_read(tmp_path, scores):
    """Tools copy by name, and `_manifest` stands before the parts."""
    write(tmp_path / "scores", [scores[:3]])
    (tmp_path / "scores/_manifest").mkdir()
    (tmp_path / "scores/_manifest/done.json").write_text('{"partitions": 2, "rows": 5, "errors": 0}')
    with pytest.raises(UsageError, match="has 1 of the 2 parts"):
        read_score_file(tmp_path / "scores")
