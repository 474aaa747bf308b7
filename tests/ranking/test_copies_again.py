"""Copying again after the marks have changed: a shot that is there is known by its photos, and does not come twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from piqa_cli.photos.metadata import read_embedded, read_sidecar
from piqa_cli.ranking.actions import ApplyOptions, Outcome, apply_plan, clear, undo
from piqa_cli.records import PhotoFile
from tests.photos.photo_makers import corners, encoded
from tests.ranking.shoots import LIGHTROOM, item, plan, rated, tree

JPEG = encoded(corners(), "JPEG")
EMBED = ApplyOptions(embed=True)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "shoot" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(JPEG)
    path.with_suffix(".CR2").write_bytes(b"raw")
    return path


def run(
    photo: Path, stars: int, options: ApplyOptions | None = None, *, mark: bool = True, move: str = "copy"
) -> Outcome:
    root = photo.parent.parent
    wanted = item(photo, mark=mark, stars=stars, move=move, destination=root / "out" / photo.name)
    outcome = apply_plan(plan(wanted), options or ApplyOptions(), root / f"journal-{len(list(root.iterdir()))}")
    assert not outcome.problems
    return outcome


def stars_of(path: Path) -> str:
    return (read_sidecar(path) if path.suffix == ".xmp" else read_embedded(path).xmp)["Xmp.xmp.Rating"]


@pytest.mark.parametrize("move", ["copy", "hardlink"])
@pytest.mark.parametrize(("options", "marked"), [(None, "a.xmp"), (EMBED, "a.jpg")], ids=["sidecars", "embedded"])
def test_the_copy_gets_the_new_marks(photo: Path, tmp_path: Path, move: str, options, marked: str) -> None:
    for stars in (4, 2, 5, 5):
        run(photo, stars, options, move=move)
        assert set(tree(tmp_path / "out")) == {"a.jpg", "a.CR2", "a.xmp"}
        assert stars_of(tmp_path / "out" / marked) == str(stars)
    assert tree(tmp_path / "out") == tree(photo.parent)


@pytest.mark.parametrize("move", ["copy", "hardlink"])
def test_the_copy_of_a_tiff_gets_the_new_marks(photo: Path, tmp_path: Path, move: str) -> None:
    tiff = photo.with_name("b.tif")
    tiff.write_bytes(encoded(corners(), "TIFF"))
    for stars in (4, 2, 5):
        run(tiff, stars, EMBED, move=move)
        assert tree(tmp_path / "out") == {"b.tif": tiff.read_bytes()}
        assert stars_of(tiff) == str(stars)


@pytest.mark.parametrize("options", [None, EMBED], ids=["sidecars", "embedded"])
def test_new_marks_of_the_copy_are_taken_back(photo: Path, tmp_path: Path, options) -> None:
    run(photo, 4, options)
    before = tree(tmp_path / "shoot"), tree(tmp_path / "out")
    outcome = run(photo, 2, options)
    assert outcome.journal is not None
    assert not undo(outcome.journal).problems
    assert (tree(tmp_path / "shoot"), tree(tmp_path / "out")) == before


@pytest.mark.parametrize("options", [None, EMBED], ids=["sidecars", "embedded"])
def test_marks_written_in_between_are_told(photo: Path, tmp_path: Path, options) -> None:
    """Copying alone writes no marks, and overwrites nothing."""
    run(photo, 4, options)
    before = tree(tmp_path / "out")
    apply_plan(plan(item(photo, mark=True, stars=1)), options or ApplyOptions(), tmp_path / "journal")
    (told,) = run(photo, 1, mark=False).skipped
    assert told.path == photo
    assert told.reason.startswith(f"already in {tmp_path / 'out'}, with other marks or edits: ")
    assert tree(tmp_path / "out") == before
    run(photo, 1, options)
    assert tree(tmp_path / "out") == tree(photo.parent)


def test_a_copy_whose_original_was_cleared(photo: Path, tmp_path: Path) -> None:
    run(photo, 4)
    clear([PhotoFile(photo, photo.with_suffix(".CR2"))], ApplyOptions())
    run(photo, 2)
    assert set(tree(tmp_path / "out")) == {"a.jpg", "a.CR2", "a.xmp"}
    assert stars_of(tmp_path / "out" / "a.xmp") == "2"


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace('crs:Exposure2012="+0.35"', 'crs:Exposure2012="+1.00"'),
        lambda text: text.replace('xmp:Rating="4"', 'xmp:Rating="1"'),
        lambda text: "<broken",
    ],
    ids=["developed", "rated", "broken"],
)
def test_a_sidecar_that_somebody_edited_there_is_left_alone(photo: Path, tmp_path: Path, edit) -> None:
    photo.with_suffix(".xmp").write_text(LIGHTROOM)
    run(photo, 4)
    copy = tmp_path / "out" / "a.xmp"
    edited = edit(copy.read_text())
    assert edited != copy.read_text()
    copy.write_text(edited)
    (told,) = run(photo, 2).skipped
    assert told.reason == f"already in {tmp_path / 'out'}, with other marks or edits: a.xmp"
    assert set(tree(tmp_path / "out")) == {"a.jpg", "a.CR2", "a.xmp"}
    assert copy.read_text() == edited
    assert stars_of(photo.with_suffix(".xmp")) == "2"


def test_a_copy_that_somebody_rated_in_another_sidecar(photo: Path, tmp_path: Path) -> None:
    run(photo, 4)
    (tmp_path / "out" / "a.jpg.xmp").write_text(rated(LIGHTROOM, 3))
    before = tree(tmp_path / "out")
    outcome = run(photo, 2)
    assert (tmp_path / "out" / "a.jpg", "rated by hand: 3 stars") in [(s.path, s.reason) for s in outcome.skipped]
    assert tree(tmp_path / "out") == before


def test_another_photo_of_that_name_is_copied_beside_it(photo: Path, tmp_path: Path) -> None:
    """Other pixels under the same marks, and another RAW file: neither shot is there already."""
    run(photo, 4, EMBED)
    photo.write_bytes(encoded(corners(80, 50), "JPEG"))
    run(photo, 4, EMBED)
    assert {"a.jpg", "a-2.jpg"} <= set(tree(tmp_path / "out"))
    photo.with_suffix(".CR2").write_bytes(b"another raw")
    run(photo, 4, EMBED)
    assert {"a.CR2", "a-2.CR2", "a-3.CR2", "a-3.jpg"} <= set(tree(tmp_path / "out"))


def test_a_raw_file_that_came_later_joins_its_copy(photo: Path, tmp_path: Path) -> None:
    raw = photo.with_suffix(".CR2").rename(tmp_path / "a.CR2")
    run(photo, 4)
    raw.rename(photo.with_suffix(".CR2"))
    run(photo, 2)
    assert tree(tmp_path / "out") == tree(photo.parent)


def test_equal_photos_keep_copies_of_their_own(photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "a.jpg"
    other.parent.mkdir()
    other.write_bytes(JPEG)
    photo.with_suffix(".CR2").unlink()
    for number, stars in enumerate((4, 2)):
        items = [
            item(path, mark=True, stars=stars - at, move="copy", destination=tmp_path / "out" / "a.jpg")
            for at, path in enumerate((photo, other))
        ]
        assert not apply_plan(plan(*items), ApplyOptions(), tmp_path / f"journal-{number}").problems
        assert set(tree(tmp_path / "out")) == {"a.jpg", "a.xmp", "a-2.jpg", "a-2.xmp"}
        assert [stars_of(tmp_path / "out" / name) for name in ("a.xmp", "a-2.xmp")] == [str(stars), str(stars - 1)]


def test_a_move_leaves_nothing_behind_for_the_sake_of_marks(photo: Path, tmp_path: Path) -> None:
    """What is moved is to be gone from where it was: with other marks it moves, under another name."""
    run(photo, 4)
    apply_plan(plan(item(photo, mark=True, stars=1)), ApplyOptions(), tmp_path / "journal")
    run(photo, 1, mark=False, move="move")
    assert tree(photo.parent) == {}
    assert {"a.xmp", "a-2.xmp", "a-2.jpg"} <= set(tree(tmp_path / "out"))
