"""`--clear`, `--plan` and `--undo` refuse what they would pass over in silence, before they touch anything."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from piqa_cli.photos.metadata import read_embedded, read_sidecar
from piqa_cli.ranking.actions import ApplyOptions, apply_plan
from piqa_cli.ranking.plan_file import plan_to_json
from tests.photos.photo_makers import corners, encoded
from tests.ranking.shoots import item, plan, tree


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """A folder with a RAW file that piqa has marked in a sidecar."""
    photo = tmp_path / "shoot" / "IMG_1.CR2"
    photo.parent.mkdir()
    photo.write_bytes(b"raw")
    assert not apply_plan(plan(item(photo, mark=True)), ApplyOptions(), tmp_path / "journal").problems
    assert photo.with_suffix(".xmp").exists()
    return photo.parent


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (["--reject-below", "20"], "--reject-below"),
        (["--top", "3", "-o", "x.csv"], "--top, --output"),
        (["--stars", "40,55,70,85"], "--stars"),
        (["--format", "csv"], "--format"),
        (["--fail-under", "50"], "--fail-under"),
        (["--strict"], "--strict"),
        (["--journal", "j.jsonl"], "--journal"),
        (["--by", "burst"], "--by"),
        (["--xmp-naming", "adobe"], "--xmp-naming"),
        (["--overwrite-ratings"], "--overwrite-ratings"),
        (["--copy-to", "out"], "--copy-to"),
        (["--into", "picks"], "--into"),
        (["--show", "3"], "--show"),
        (["--device", "cpu"], "--device"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_clear_takes_no_choice(piqa, marked: Path, args: list[str], named: str) -> None:
    before = tree(marked)
    result = piqa("rank", marked, "--clear", "--apply", *args)
    assert result.code == 2
    assert f"--clear stands alone, without {named}" in result.err
    assert tree(marked) == before


@pytest.mark.parametrize("name", ["scores.csv", "ranked.parquet"])
def test_clear_takes_no_table(piqa, marked: Path, name: str) -> None:
    (marked / name).write_text("path,score\nIMG_1.CR2,50\n")
    before = tree(marked)
    result = piqa("rank", marked / name, "--clear", "--apply")
    assert result.code == 2
    assert f"{marked / name} is a table" in result.err
    assert "name the photos or their folders" in result.err
    assert tree(marked) == before


def test_clear_takes_no_table_from_a_list(piqa, marked: Path, monkeypatch) -> None:
    table = marked / "scores.csv"
    table.write_text("path,score,status\nIMG_1.CR2,50,ok\n")
    before = tree(marked)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{marked}/IMG_1.CR2\n{table}\n".encode())))
    result = piqa("rank", "-", "--clear", "--apply")
    assert result.code == 2
    assert f"--clear goes by photos, and {table} is a table" in result.err
    assert tree(marked) == before


@pytest.mark.parametrize(
    "args", [[], ["--no-recursive"], ["--include", "*.CR2"], ["--no-keep-modified"], ["-q"]], ids=" ".join
)
def test_clear_takes_what_it_heeds(piqa, marked: Path, args: list[str]) -> None:
    assert piqa("rank", marked, "--clear", "--apply", *args).code == 0
    assert set(tree(marked)) == {"IMG_1.CR2"}


def test_clear_leaves_excluded_photos_alone(piqa, marked: Path) -> None:
    (marked / "b.CR2").write_bytes(b"another")
    assert piqa("rank", marked, "--clear", "--apply", "--exclude", "IMG_*").code == 0
    assert set(tree(marked)) == {"IMG_1.CR2", "IMG_1.xmp", "b.CR2"}


MARKING = [["--overwrite-ratings"], ["--xmp-naming", "both"], ["--no-keep-modified"], ["--embed"], ["--write-xmp"]]
OTHERS = [
    ["--stars", "40,55,70,85"],
    ["--fail-under", "50"],
    ["--strict"],
    ["--by", "folder"],
    ["--gap", "3"],
    ["--duplicates"],
    ["--top", "1"],
    ["--copy-to", "out"],
    ["--plan-out", "p.json"],
    ["--clear"],
    ["--list0"],
    ["--format", "csv"],
    ["--model", "other"],
    ["--no-cache"],
    ["--exclude", "*.CR2"],
]


@pytest.mark.parametrize("args", [*MARKING, *OTHERS], ids=" ".join)
def test_a_json_plan_says_all(piqa, marked: Path, tmp_path: Path, args: list[str]) -> None:
    file = tmp_path / "plan.json"
    file.write_text(plan_to_json(plan(item(marked / "IMG_1.CR2", mark=True, stars=1))))
    before = tree(marked)
    result = piqa("rank", "--plan", file, "--apply", *args)
    assert result.code == 2
    assert f"--plan stands alone, without {args[0]}" in result.err
    assert tree(marked) == before


@pytest.mark.parametrize("args", OTHERS, ids=" ".join)
def test_a_csv_plan_says_all_but_how(piqa, marked: Path, tmp_path: Path, args: list[str]) -> None:
    result = piqa("rank", "--plan", csv_plan(tmp_path, marked / "IMG_1.CR2"), "--apply", *args)
    assert result.code == 2
    assert f"--plan stands alone, without {args[0]}" in result.err
    assert "it takes --embed, --xmp-naming" in result.err


@pytest.mark.parametrize("args", [*MARKING, *OTHERS, ["--journal", "k"]], ids=" ".join)
def test_a_journal_says_all(piqa, marked: Path, tmp_path: Path, args: list[str]) -> None:
    before = tree(marked)
    result = piqa("rank", "--undo", tmp_path / "journal", *args)
    assert result.code == 2
    assert f"--undo stands alone, without {args[0]}" in result.err
    assert tree(marked) == before
    assert piqa("rank", "--undo", tmp_path / "journal", "--apply", "--quiet").code == 0
    assert set(tree(marked)) == {"IMG_1.CR2"}


def csv_plan(folder: Path, photo: Path) -> Path:
    file = folder / "choices.csv"
    file.write_text(f"photo,decision,stars\n{photo},pick,5\n")
    return file


@pytest.mark.parametrize(
    ("args", "sidecars"),
    [
        ([], {"a.xmp"}),
        (["--write-xmp"], {"a.xmp"}),
        (["--xmp-naming", "darktable"], {"a.jpg.xmp"}),
        (["--xmp-naming", "both"], {"a.xmp", "a.jpg.xmp"}),
        (["--embed"], set()),
    ],
    ids=lambda value: " ".join(value) or "default" if isinstance(value, list) else "",
)
def test_how_a_csv_plan_is_marked(piqa, tmp_path: Path, args: list[str], sidecars: set[str]) -> None:
    photo = tmp_path / "shoot" / "a.jpg"
    photo.parent.mkdir()
    photo.write_bytes(encoded(corners(), "JPEG"))
    assert piqa("rank", "--plan", csv_plan(tmp_path, photo), "--apply", *args).code == 0
    assert set(tree(photo.parent)) == {"a.jpg", *sidecars}
    marks = [read_sidecar(photo.with_name(name)) for name in sidecars] or [read_embedded(photo).xmp]
    assert {found["Xmp.xmp.Rating"] for found in marks} == {"5"}


def test_a_csv_plan_over_ratings_by_hand(piqa, marked: Path, tmp_path: Path) -> None:
    sidecar = marked / "IMG_1.xmp"
    sidecar.write_text(sidecar.read_text().replace('xmp:Rating="4"', 'xmp:Rating="2"'))
    file = csv_plan(tmp_path, marked / "IMG_1.CR2")
    assert "rated by hand" in piqa("rank", "--plan", file, "--apply").err
    assert read_sidecar(sidecar)["Xmp.xmp.Rating"] == "2"
    assert piqa("rank", "--plan", file, "--overwrite-ratings", "--apply").code == 0
    assert read_sidecar(sidecar)["Xmp.xmp.Rating"] == "5"


def test_embedding_a_csv_plan_may_change_the_modification_time(piqa, tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(encoded(corners(), "JPEG"))
    os.utime(photo, (1_000, 1_000))
    file = csv_plan(tmp_path, photo)
    assert piqa("rank", "--plan", file, "--embed", "--apply").code == 0
    assert photo.stat().st_mtime == 1_000
    file.write_text(file.read_text().replace("pick,5", "pick,4"))
    assert piqa("rank", "--plan", file, "--embed", "--no-keep-modified", "--apply").code == 0
    assert photo.stat().st_mtime > 1_000_000
