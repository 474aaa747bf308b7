from __future__ import annotations

import csv
import errno
import io
import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from piqa_cli.errors import OutputError
from piqa_cli.outputs.tabular import FORMATS, check_target, current_umask, format_of, serialize, to_stream, write_table
from piqa_cli.outputs.text import write_text
from piqa_cli.records import PhotoScore
from piqa_cli.scoring.table import SCHEMA, to_frame, to_row

JPEG = b"\xff\xd8\xff\xe0 and so on"
ODD_NAMES = [
    b"plain.jpg",
    b" leading and trailing .jpg ",
    b'quo"te,comma;semi.jpg',
    b"new\nline.jpg",
    b"car\rriage.jpg",
    b"tab\tbed.jpg",
    "写真 – é.jpg".encode(),
    b"und\xff\xfe.jpg",
    b"=SUM(A1).jpg",
    b"\x1b[31mred.jpg",
    b"back\\slash.jpg",
    b"NULL",
]


@pytest.fixture
def scores(make_score) -> list[PhotoScore]:
    paths = [Path(os.fsdecode(name)) for name in ODD_NAMES]
    full = [make_score(path, score=90.0 - i) for i, path in enumerate(paths)]
    return [*full, PhotoScore(Path("failed.jpg"), "error", reason='two\nlines, "quoted"')]


@pytest.fixture
def frame(scores) -> pl.DataFrame:
    return to_frame(scores)


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(("csv", lambda p: pl.read_csv(p, schema=SCHEMA)), id="csv"),
        pytest.param(("parquet", pl.read_parquet), id="parquet"),
        pytest.param(("jsonl", lambda p: pl.read_ndjson(p, schema=SCHEMA)), id="jsonl"),
        pytest.param(("json", lambda p: pl.read_json(p, schema=SCHEMA)), id="json"),
    ],
)
def test_every_format_comes_back_the_same(frame, tmp_path, read) -> None:
    form, reader = read
    write_table(frame, tmp_path / f"scores.{form}")
    assert reader(tmp_path / f"scores.{form}").equals(frame)


def test_csv_for_other_readers(frame, scores) -> None:
    text = serialize(frame, "csv").decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0]) == list(SCHEMA)
    assert [row["path"] for row in rows] == [to_row(score)["path"] for score in scores]
    assert rows[0]["score"] == "90.0"
    assert rows[0]["shutter_s"] == "0.000125"
    assert rows[-1]["score"] == ""
    assert rows[-1]["reason"] == 'two\nlines, "quoted"'


def test_json_for_other_readers(frame, scores) -> None:
    expected = [to_row(score) for score in scores]
    assert json.loads(serialize(frame, "json")) == expected
    lines = serialize(frame, "jsonl").decode().splitlines()
    assert [json.loads(line) for line in lines] == expected
    assert b"\x1b" not in serialize(frame, "jsonl")


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_table_is_a_valid_file(form, tmp_path) -> None:
    write_table(to_frame([]), tmp_path / f"empty.{form}")
    data = (tmp_path / f"empty.{form}").read_bytes()
    assert data.startswith({"csv": b"path,score,status", "parquet": b"PAR1", "jsonl": b"", "json": b"[]"}[form])


@pytest.mark.parametrize(
    ("name", "form"), [("a.csv", "csv"), ("a.b.JSONL", "jsonl"), ("a.Parquet", "parquet"), ("a.json", "json")]
)
def test_the_suffix_chooses(name, form) -> None:
    assert format_of(Path(name)) == form


def _missing_folder(tmp_path: Path) -> Path:
    return tmp_path / "nowhere" / "a.csv"


def _unknown_suffix(tmp_path: Path) -> Path:
    return tmp_path / "a.xlsx"


def _no_suffix(tmp_path: Path) -> Path:
    return tmp_path / "scores"


def _a_folder(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").mkdir()
    return tmp_path / "a.csv"


def _a_pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "a.csv")
    return tmp_path / "a.csv"


def _a_pipe_without_a_name(tmp_path: Path) -> Path:
    """As /dev/stdout of `piqa ... | jq` is one: a link to what has no name of its own."""
    reading, writing = os.pipe()
    os.close(reading)
    (tmp_path / "a.csv").symlink_to(f"/dev/fd/{writing}")
    return tmp_path / "a.csv"


def _named_like_a_photo(tmp_path: Path) -> Path:
    (tmp_path / "IMG_1.CR2").write_bytes(b"no format that is known")
    return tmp_path / "IMG_1.CR2"


def _a_photo_with_the_suffix_of_a_table(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_bytes(JPEG)
    return tmp_path / "a.csv"


def _a_link_to_a_photo(tmp_path: Path) -> Path:
    (tmp_path / "IMG_1.JPG").write_bytes(JPEG)
    (tmp_path / "a.csv").symlink_to("IMG_1.JPG")
    return tmp_path / "a.csv"


def _a_photo_as_a_link(tmp_path: Path) -> Path:
    (tmp_path / "content").write_bytes(b"no format that is known")
    (tmp_path / "IMG_1.JPG").symlink_to("content")
    return tmp_path / "IMG_1.JPG"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_named_like_a_photo, "that is the name of a photo"),
        (_a_photo_with_the_suffix_of_a_table, "it is a photo"),
        (_a_link_to_a_photo, "that is the name of a photo"),
        (_a_photo_as_a_link, "that is the name of a photo"),
    ],
)
def test_a_photo_is_never_overwritten(make, message, tmp_path, frame) -> None:
    target = make(tmp_path)
    before = target.read_bytes()
    for action in (lambda path: check_target(path, any_suffix=True), lambda path: write_text(path, "a note")):
        with pytest.raises(OutputError, match=message) as caught:
            action(target)
        assert "photos are never overwritten" in (caught.value.hint or "")
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    ("make", "message", "hint"),
    [
        (_missing_folder, "no folder", "create it"),
        (_unknown_suffix, "unknown suffix '.xlsx'", ".csv, .parquet, .jsonl, .json"),
        (_no_suffix, "no suffix", ".csv, .parquet, .jsonl, .json"),
        (_a_folder, "no plain file", "another name"),
        (_a_pipe, "no plain file", "--format"),
        (_a_pipe_without_a_name, "no plain file", "--format"),
    ],
)
def test_a_bad_target_is_refused_before_the_work(make, message, hint, tmp_path, frame) -> None:
    target = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    for action in (check_target, lambda path: write_table(frame, path)):
        with pytest.raises(OutputError) as caught:
            action(target)
        assert caught.value.message.startswith(f"cannot write {target}: ")
        assert message in caught.value.message
        assert hint in (caught.value.hint or "")
        assert caught.value.path == target
    assert sorted(tmp_path.rglob("*")) == before


def test_read_only_places_are_refused(tmp_path, monkeypatch) -> None:
    (tmp_path / "a.csv").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path / "a.csv")
    with pytest.raises(OutputError, match="the file is read-only"):
        check_target(tmp_path / "a.csv")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(OutputError, match=r"folder .* is read-only"):
        check_target(tmp_path / "b.csv")


class Interrupted(BaseException):
    """Stands for KeyboardInterrupt, which would end pytest."""


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("error", "seen"),
    [(OSError(errno.ENOSPC, "No space left on device"), OutputError), (Interrupted(), Interrupted)],
    ids=["disk full", "interrupted"],
)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(step, error, seen, tmp_path, frame, monkeypatch) -> None:
    target = tmp_path / "scores.csv"
    target.write_text("old")

    def fail(*args: object) -> None:
        assert len(list(tmp_path.iterdir())) == 2, "the bytes were on their way to a temporary file"
        raise error

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(seen) as caught:
        write_table(frame, target)
    if seen is OutputError:
        assert str(caught.value) == f"cannot write {target}: No space left on device"
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]
    assert target.read_text() == "old"


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_are_those_of_any_other_file(tmp_path, frame, umask) -> None:
    new, old = tmp_path / "new.csv", tmp_path / "old.csv"
    old.write_text("old")
    old.chmod(0o604)
    for target in (new, old):
        write_table(frame, target)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (new, old)] == [0o640, 0o604]


def test_a_file_that_is_a_mount_of_its_own_is_written_to(tmp_path, frame, monkeypatch) -> None:
    """As in a container that was given one file."""

    def busy(*_: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    path = tmp_path / "a.csv"
    path.write_text("old")
    node = path.stat().st_ino
    monkeypatch.setattr(Path, "replace", busy)
    write_table(frame, path)
    assert path.read_bytes() == serialize(frame, "csv")
    assert path.stat().st_ino == node
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError, match="Device or resource busy"):
        write_table(frame, tmp_path / "new.csv")
    assert list(tmp_path.iterdir()) == [path]


def test_up_from_behind_a_link_is_where_the_system_says(tmp_path, frame) -> None:
    for name in ("inside", "tables"):
        (tmp_path / "far" / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "inside")
    write_table(frame, tmp_path / "link" / ".." / "tables" / "scores.csv")
    assert [path.name for path in (tmp_path / "far" / "tables").iterdir()] == ["scores.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["far", "link"]


def test_a_symbolic_link_stays_one(tmp_path, frame) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "scores.csv"
    link.symlink_to(tmp_path / "real" / "target.csv")
    write_table(frame, link)
    assert link.is_symlink()
    assert (tmp_path / "real" / "target.csv").read_bytes() == serialize(frame, "csv")


def test_a_name_without_folder(tmp_path, frame, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(frame, Path("scores.jsonl"))
    assert Path("scores.jsonl").read_bytes() == serialize(frame, "jsonl")


def test_a_stream_gets_the_same_bytes(frame) -> None:
    stream = io.BytesIO()
    to_stream(frame, "parquet", stream)
    assert stream.getvalue() == serialize(frame, "parquet")


OTHERS = {
    "tags": [["a", "é"], None],
    "box": [{"x": 1}, {"x": 2}],
    "vector": [b"\xff\x00", None],
    "parts": [[b"\x01"], []],
}


@pytest.mark.parametrize("form", FORMATS)
def test_columns_of_others_that_a_format_has_no_cells_for(form: str) -> None:
    frame = pl.DataFrame({"path": ["1.jpg", "2.jpg"], **OTHERS, "took": [timedelta(seconds=90)] * 2})
    data = serialize(frame, form)
    if form == "csv":
        first, second = csv.DictReader(io.StringIO(data.decode()))
        assert (first["tags"], first["box"], first["parts"]) == ('["a", "é"]', '{"x": 1}', '["01"]')
        assert (first["vector"], first["took"], second["tags"], second["vector"]) == ("ff00", "0:01:30", "", "")
    elif form == "parquet":
        assert pl.read_parquet(data).equals(frame)
    else:
        lines = data.decode().splitlines()
        first, second = json.loads(data) if form == "json" else map(json.loads, lines)
        assert (first["tags"], first["box"], first["vector"], second["vector"]) == (["a", "é"], {"x": 1}, "ff00", None)


def test_to_ask_for_the_umask_does_not_change_it():
    before = os.umask(0o027)
    try:
        assert current_umask() == 0o027
        assert current_umask() == 0o027
    finally:
        assert os.umask(before) == 0o027
