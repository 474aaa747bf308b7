"""`--clear`, `--plan` and `--undo` refuse what they would pass over in silence, before they touch anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from piqa_cli.ranking.actions import ApplyOptions, apply_plan
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
