from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from piqa_cli.errors import UsageError
from piqa_cli.outputs.tabular import write_table
from piqa_cli.ranking.options import is_score_table
from piqa_cli.ranking.score_file import read_score_file, to_scores
from piqa_cli.records import PhotoScore
from piqa_cli.scoring.table import to_frame
from piqa_cli.spreadsheets import path_of
from tests.fake_engine import full_score


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_table_that_a_spreadsheet_saved_in_its_own_encoding(tmp_path: Path, encoding: str) -> None:
    table = tmp_path / "own.csv"
    table.write_text("path,score,status\nMüller.jpg,50,ok\n", encoding=encoding)
    with pytest.raises(UsageError, match=r"own\.csv: its text is not in UTF-8") as caught:
        read_score_file(table)
    assert "CSV UTF-8" in (caught.value.hint or "")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "json"])
def test_what_score_writes_is_read_back(tmp_path: Path, suffix: str) -> None:
    scores = [
        full_score("ä b.jpg", score=80.0, raw_mate=Path("ä b.cr2"), eyes="closed", eyes_open=0.125),
        full_score("007.jpg", score=70.0, status="no_face", faces=()),
        PhotoScore(Path("bad.jpg"), "error", reason="truncated"),
    ]
    frame = to_frame(scores)
    write_table(frame, tmp_path / f"s.{suffix}")
    read = read_score_file(tmp_path / f"s.{suffix}")
    assert read.equals(frame)
    first, second, third = to_scores(read)
    capture = scores[0].capture
    assert (first.path, first.raw_mate, first.score, len(first.faces)) == (Path("ä b.jpg"), Path("ä b.cr2"), 80.0, 2)
    assert first.capture.captured_at == capture.captured_at
    assert (first.capture.camera, first.capture.iso, first.capture.exposure_bias) == (capture.camera, 400, -0.33)
    assert first.reasons == ("face: motion blur", "photo: noise")
    assert (first.eyes, first.eyes_open, second.eyes) == ("closed", 0.125, None)
    assert (second.path, second.status, second.faces) == (Path("007.jpg"), "no_face", ())
    assert (third.status, third.score, third.reason) == ("error", None, "truncated")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json"])
def test_a_byte_order_mark_that_an_editor_put_before_it(tmp_path: Path, suffix: str) -> None:
    table = tmp_path / f"s.{suffix}"
    write_table(to_frame([full_score("a.jpg")]), table)
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert read_score_file(table)["path"].to_list() == ["a.jpg"]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "json"])
@pytest.mark.parametrize("name", ["Shoot [1]/scores", "scores[1]", "score?", "scor*", "{scores1,scores2}"])
def test_a_name_is_no_pattern(tmp_path: Path, name: str, suffix: str) -> None:
    for other in ("scores1", "scores2"):  # what the names would stand for as patterns
        write_table(to_frame([full_score("other.jpg")]), tmp_path / f"{other}.{suffix}")
    table = tmp_path / f"{name}.{suffix}"
    table.parent.mkdir(exist_ok=True)
    write_table(to_frame([full_score("mine.jpg")]), table)
    assert read_score_file(table)["path"].to_list() == ["mine.jpg"]


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("true", "false"),
        ("True", "False"),
        ("TRUE", "FALSE"),
        ("1", "0"),
        ("1.0", "0.0"),
        ("WAHR", "FALSCH"),
        ("VRAI", "FAUX"),
    ],
)
def test_truth_as_other_programs_write_it(tmp_path: Path, yes: str, no: str) -> None:
    table = tmp_path / "own.csv"
    table.write_text(f"path,score,status,face_cut\na.jpg,50,ok,{yes}\nb.jpg,40,ok,{no}\n")
    assert read_score_file(table)["face_cut"].to_list() == [True, False]


def test_whole_numbers_as_pandas_writes_them(tmp_path: Path) -> None:
    """A column with an empty cell has numbers with a point there."""
    table = tmp_path / "own.csv"
    table.write_text("path,score,status,n_faces,width\na.jpg,50,ok,2.0,4000\nb.jpg,,error,,\nc.jpg,40,ok,0.00,3000.0\n")
    frame = read_score_file(table)
    assert (frame["n_faces"].to_list(), frame["width"].to_list()) == ([2, None, 0], [4000, None, 3000])
    table.write_text("path,score,status,n_faces\na.jpg,50,ok,2.5\n")
    with pytest.raises(UsageError, match=r"row 1, column n_faces: '2\.5' cannot be used"):
        read_score_file(table)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_is_no_number_is_not_known(tmp_path: Path, suffix: str) -> None:
    table = tmp_path / f"own.{suffix}"
    columns = {"path": ["a", "b"], "score": [50.0, 40.0], "status": ["ok", "no_face"]}
    write_table(pl.DataFrame({**columns, "face_x1": [3.0, float("nan")], "aperture": [8.0, float("-inf")]}), table)
    frame = read_score_file(table)
    assert (frame["face_x1"].to_list(), frame["aperture"].to_list()) == ([3.0, None], [8.0, None])
    write_table(pl.DataFrame({**columns, "score": [50.0, float("nan")]}), table)
    with pytest.raises(UsageError, match="row 2, column score: nan cannot be used"):
        read_score_file(table)


def test_a_photo_without_a_score_was_not_scored(tmp_path: Path) -> None:
    """Whatever its status says: gates passed over it."""
    table = tmp_path / "own.csv"
    table.write_text("path,score,status\na.jpg,,ok\nb.jpg,60,no_face\n")
    assert read_score_file(table)["status"].to_list() == ["error", "no_face"]


def test_a_small_table_of_ones_own_is_enough(tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("path,score,status,mine\na.jpg,50,ok,7\nb.jpg,,error,8\n")
    read = read_score_file(table)
    assert read["mine"].to_list() == ["7", "8"]
    assert [score.score for score in to_scores(read)] == [50.0, None]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_separators_and_decimals_of_other_countries(tmp_path: Path, separator: str) -> None:
    table = tmp_path / "own.csv"
    rows = [["path", "score", "status", "reasons"], ["a, b.jpg", "50,25", "ok", "x, y"], ["c.jpg", "40.5", "ok", ""]]
    table.write_text("\ufeff" + "".join(separator.join(row) + "\r\n" for row in rows), encoding="utf-8", newline="")
    read = read_score_file(table)
    assert read["path"].to_list() == ["a, b.jpg", "c.jpg"]
    assert read["score"].to_list() == [50.25, 40.5]
    assert read["reasons"].to_list() == ["x, y", None]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,score\na,1\n", "no column status"),
        ("path,score,status\na,1,ok\nb,x,ok\n", "row 2, column score: 'x'"),
        ("path,score,status\na,101,ok\n", "row 1, column score: 101"),
        ("path,score,status\na,1,fine\n", "row 1, column status: 'fine'"),
        ("path,score,status\na,1,ok\nc,1,ok\na,2,ok\n", "row 3, column path: 'a'"),
        ("path,score,status\na,1,ok\n./a,2,ok\n", "row 2, column path: './a'"),
        ("path,score,status\n,1,ok\n", "row 1, column path"),
        ("path,score,status,iso\na,1,ok,many\n", "row 1, column iso: 'many'"),
        ("path,score,status,face_cut\na,1,ok,true\nb,1,ok,yes\n", "row 2, column face_cut: 'yes'"),
        ("", "cannot read"),
    ],
)
def test_a_bad_table_is_named_with_row_and_column(tmp_path: Path, text: str, words: str) -> None:
    table = tmp_path / "bad.csv"
    table.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_score_file(table)
    assert words in caught.value.message
    assert str(table) in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "json"])
def test_garbage_and_missing_files(tmp_path: Path, suffix: str) -> None:
    table = tmp_path / f"t.{suffix}"
    for _ in range(2):
        with pytest.raises(UsageError, match="t\\." + suffix):
            read_score_file(table)
        table.write_bytes(b"\0\xff{[" * 50)


def test_paths_with_odd_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert path_of("a.jpg") == Path("a.jpg")
    assert os.fsencode(path_of(r"a\xff.jpg")) == b"a\xff.jpg"
    if sys.platform == "linux":
        Path(r"a\xff.jpg").touch()
        assert path_of(r"a\xff.jpg") == Path(r"a\xff.jpg")


def test_paths_where_the_system_has_no_utf8() -> None:
    """File names in the encoding of an old locale, and those of a table lead to the same files all the same."""
    program = """
from pathlib import Path
from piqa_cli.gates.places import uri
from piqa_cli.report.links import Links
from piqa_cli.spreadsheets import path_of
print(uri("späte Stunde/🎉.jpg", "/shoot"), Links(Path("/shoot")).to(str(path_of("/shoot/ü.jpg"))))
"""
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-X", "utf8=0", "-"]
    done = subprocess.run(command, input=program.encode(), env=os.environ | plain, capture_output=True, check=False)
    assert done.stdout.split() == [b"sp%C3%A4te%20Stunde/%F0%9F%8E%89.jpg", b"%C3%BC.jpg"], done.stderr


def test_what_counts_as_a_table(tmp_path: Path) -> None:
    assert is_score_table(Path("a.PARQUET"))
    assert not is_score_table(Path("a.jpg"))
    (tmp_path / "folder.csv").mkdir()
    assert not is_score_table(tmp_path / "folder.csv")
    (tmp_path / "folder.csv/part-00000.parquet").touch()
    assert is_score_table(tmp_path / "folder.csv")
    assert pl.__version__


def test_an_object_in_a_column_of_numbers_is_named(tmp_path: Path) -> None:
    table = tmp_path / "own.jsonl"
    table.write_text('{"path": "a.jpg", "score": 5, "status": "ok", "width": {"px": 4000}}\n')
    with pytest.raises(UsageError, match="column width has the wrong type"):
        read_score_file(table)
