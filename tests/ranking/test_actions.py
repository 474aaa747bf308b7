"""Applying a plan: marks, files that travel, names, refusals."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from piqa_cli.errors import UsageError
from piqa_cli.photos.metadata import read_embedded, read_sidecar
from piqa_cli.photos.ratings import ByHand, read_rating
from piqa_cli.photos.sidecars import Companions
from piqa_cli.ranking import files, space
from piqa_cli.ranking.actions import ApplyOptions, apply_plan, clear, default_journal, preview, undo
from piqa_cli.ranking.by_hand import said_of_shot
from piqa_cli.records import PhotoFile
from tests.photos.photo_makers import corners, encoded
from tests.ranking.shoots import DARKTABLE, LIGHTROOM, item, plan, rated, tree

JPEG = encoded(corners(), "JPEG")


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    """IMG_1 as JPEG and CR2 with Lightroom's sidecar, IMG_2 as NEF alone."""
    folder = tmp_path / "shoot"
    folder.mkdir()
    (folder / "IMG_1.JPG").write_bytes(JPEG)
    (folder / "IMG_1.CR2").write_bytes(b"raw one")
    (folder / "IMG_1.xmp").write_text(LIGHTROOM)
    (folder / "IMG_2.NEF").write_bytes(b"raw two")
    return folder


def apply(folder: Path, *items, options: ApplyOptions | None = None, ok: bool = True):
    outcome = apply_plan(plan(*items), options or ApplyOptions(), folder / "journal")
    assert not (ok and outcome.problems), outcome.problems
    return outcome


NAMINGS = {
    "adobe": {"IMG_1.xmp", "IMG_2.xmp"},
    "darktable": {"IMG_1.JPG.xmp", "IMG_1.CR2.xmp", "IMG_2.NEF.xmp", "IMG_1.xmp"},
    "both": {"IMG_1.xmp", "IMG_1.JPG.xmp", "IMG_1.CR2.xmp", "IMG_2.xmp", "IMG_2.NEF.xmp"},
}


@pytest.mark.parametrize("naming", NAMINGS)
def test_sidecar_names(shoot: Path, tmp_path: Path, naming: str) -> None:
    apply(tmp_path, *(item(shoot / n, mark=True) for n in ("IMG_1.JPG", "IMG_2.NEF")), options=ApplyOptions(naming))
    assert {path.name for path in shoot.glob("*.xmp")} == NAMINGS[naming]
    assert (shoot / "IMG_1.JPG").read_bytes() == JPEG
    for name in NAMINGS[naming]:
        found = read_sidecar(shoot / name)
        if naming != "darktable" or name != "IMG_1.xmp":  # Lightroom's was not asked for
            assert (found["Xmp.xmp.Rating"], found["Xmp.piqa.Decision"]) == ("4", "pick")
    assert read_sidecar(shoot / "IMG_1.xmp")["Xmp.crs.Version"] == "15.0"


def test_rated_by_hand_is_left_alone(shoot: Path, tmp_path: Path) -> None:
    (shoot / "IMG_1.xmp").write_text(rated(LIGHTROOM, 2))
    before = tree(shoot)
    outcome = apply(tmp_path, item(shoot / "IMG_1.JPG", mark=True))
    assert [(skip.path.name, skip.reason) for skip in outcome.skipped] == [("IMG_1.JPG", "rated by hand: 2 stars")]
    assert tree(shoot) == before
    assert outcome.journal is None
    apply(tmp_path, item(shoot / "IMG_1.JPG", mark=True), options=ApplyOptions(overwrite_ratings=True))
    assert read_sidecar(shoot / "IMG_1.xmp")["Xmp.xmp.Rating"] == "4"
    assert read_rating(shoot / "IMG_1.JPG") == 2


def test_the_rating_of_a_raw_file_says_nothing_of_the_edited_photo_beside_it(shoot: Path, tmp_path: Path) -> None:
    (shoot / "IMG_1.xmp").write_text(rated(LIGHTROOM, -1))
    (shoot / "IMG_1.png").write_bytes(encoded(corners(), "PNG"))
    outcome = apply(tmp_path, item(shoot / "IMG_1.png", mates=(), mark=True))
    assert [step.target.name for step in outcome.done] == ["IMG_1.png.xmp"]
    assert not outcome.skipped


@pytest.mark.parametrize("embed", [False, True])
def test_what_a_person_chose_in_the_report_is_by_hand(shoot: Path, tmp_path: Path, embed: bool) -> None:
    options = ApplyOptions(embed=embed)
    raw, jpeg = (item(shoot / name, mates=(), mark=True, group=None) for name in ("IMG_2.NEF", "IMG_1.JPG"))
    chosen = [replace(one, stars=5, by_hand=True) for one in (raw, jpeg)]
    apply_plan(plan(*chosen), options, tmp_path / "a")
    assert [read_rating(one.photo) for one in chosen] == [5, 5]
    outcome = apply_plan(plan(raw, jpeg), options, tmp_path / "b")
    assert {skip.reason for skip in outcome.skipped} == {"rated by hand: 5 stars"}
    assert not outcome.done
    anew = [replace(one, stars=-1, decision="reject") for one in chosen]
    assert not apply_plan(plan(*anew), options, tmp_path / "c").skipped  # the person has changed their mind
    assert [read_rating(one.photo) for one in chosen] == [-1, -1]
    apply_plan(plan(raw, jpeg), replace(options, overwrite_ratings=True), tmp_path / "d")
    assert [read_rating(one.photo) for one in chosen] == [-1, -1]  # as with a rating of another program
    clear([PhotoFile(one.photo) for one in chosen], options)
    assert [read_rating(one.photo) for one in chosen] == [-1, -1]


def test_what_a_person_picked_in_the_report_stays_a_pick(shoot: Path, tmp_path: Path) -> None:
    pick = item(shoot / "IMG_2.NEF", stars=None, mark=True, by_hand=True)
    apply_plan(plan(pick), ApplyOptions(), tmp_path / "a")
    assert said_of_shot([pick.photo], Companions()) == ByHand(picked=True)
    apply_plan(plan(item(pick.photo, stars=2, decision="keep", label=None, mark=True)), ApplyOptions(), tmp_path / "b")
    found = read_sidecar(shoot / "IMG_2.xmp")
    assert (found["Xmp.xmp.Rating"], found["Xmp.xmp.Label"], found["Xmp.digiKam.PickLabel"]) == ("2", "Green", "3")
    assert said_of_shot([pick.photo], Companions()) == ByHand(picked=True)


@pytest.mark.parametrize(("decision", "stars"), [("pick", -1), ("reject", 2)])
@pytest.mark.parametrize("mark", [False, True])
def test_a_plan_does_nothing_to_what_a_person_has_judged_otherwise_since(
    shoot: Path, tmp_path: Path, decision: str, stars: int, mark: bool
) -> None:
    goes = {"decision": decision, "mark": mark, "move": "move", "destination": tmp_path / "out" / "IMG_1.JPG"}
    (shoot / "IMG_1.xmp").write_text(rated(LIGHTROOM, stars))
    planned = item(shoot / "IMG_1.JPG", **goes)
    outcome = apply(tmp_path, planned)
    assert not outcome.done
    words = {-1: "no pick any more, by hand: rejected", 2: "no reject any more, by hand: 2 stars"}[stars]
    assert [skip.reason for skip in outcome.skipped] == [words]
    assert preview(plan(replace(planned, by_hand=True)), ApplyOptions()).steps
    assert preview(plan(planned), ApplyOptions(overwrite_ratings=True)).steps
    (shoot / "IMG_1.xmp").write_text(LIGHTROOM)
    assert preview(plan(planned), ApplyOptions()).steps


def test_the_star_that_darktable_gives_on_import_is_nobodys(shoot: Path, tmp_path: Path) -> None:
    sidecar = shoot / "IMG_2.NEF.xmp"
    sidecar.write_text(DARKTABLE.replace('Rating="0"', 'Rating="1"'))
    imported = sidecar.read_bytes()
    apply(tmp_path, item(shoot / "IMG_2.NEF", mark=True), options=ApplyOptions(xmp_naming="darktable"))
    assert read_sidecar(sidecar)["Xmp.xmp.Rating"] == "4"
    assert read_rating(shoot / "IMG_2.NEF") == 0
    clear([PhotoFile(shoot / "IMG_2.NEF")], ApplyOptions())
    assert sidecar.read_bytes() == imported
    sidecar.write_text(DARKTABLE.replace('Rating="0"', 'Rating="2"'))
    planned = plan(item(shoot / "IMG_2.NEF", mark=True))
    assert [skip.reason for skip in preview(planned, ApplyOptions()).skipped] == ["rated by hand: 2 stars"]


@pytest.mark.parametrize("by_hand", [False, True], ids=["piqa rejected", "rejected in the report"])
@pytest.mark.parametrize("decision", ["pick", "keep"])
def test_a_reject_that_is_picked_in_the_report_is_none_any_more(
    shoot: Path, tmp_path: Path, decision: str, by_hand: bool
) -> None:
    raw = item(shoot / "IMG_2.NEF", mark=True)
    rejected = replace(raw, stars=-1, label="Red", decision="reject", by_hand=by_hand)
    apply_plan(plan(rejected), ApplyOptions(), tmp_path / "a")
    apply_plan(plan(replace(raw, stars=None, decision=decision, by_hand=True)), ApplyOptions(), tmp_path / "b")
    assert "Xmp.xmp.Rating" not in read_sidecar(shoot / "IMG_2.xmp")
    said = said_of_shot([raw.photo], Companions())
    assert said == (ByHand(picked=True) if decision == "pick" else None)


def test_a_keep_without_stars_in_the_report_makes_piqas_stars_nobodys(shoot: Path, tmp_path: Path) -> None:
    raw = item(shoot / "IMG_2.NEF", mark=True, stars=3)
    apply_plan(plan(raw), ApplyOptions(), tmp_path / "a")
    kept = replace(raw, stars=None, decision="keep", label=None, by_hand=True)
    apply_plan(plan(kept), ApplyOptions(), tmp_path / "b")
    assert read_sidecar(shoot / "IMG_2.xmp")["Xmp.xmp.Rating"] == "3"
    assert said_of_shot([raw.photo], Companions()) is None


def test_own_marks_are_renewed(shoot: Path, tmp_path: Path) -> None:
    for stars in (4, -1, 2):
        apply_plan(plan(item(shoot / "IMG_1.JPG", mark=True, stars=stars)), ApplyOptions(), tmp_path / f"j{stars}")
        assert read_sidecar(shoot / "IMG_1.xmp")["Xmp.xmp.Rating"] == str(stars)
    clear([PhotoFile(shoot / "IMG_1.JPG", shoot / "IMG_1.CR2")], ApplyOptions())
    assert (shoot / "IMG_1.xmp").read_text() == LIGHTROOM


def test_malformed_sidecar_is_reported_and_left(shoot: Path, tmp_path: Path) -> None:
    (shoot / "IMG_1.xmp").write_text("<x:xmpmeta")
    outcome = apply(tmp_path, item(shoot / "IMG_1.JPG", mark=True), ok=False)
    assert [(p.path.name, p.message) for p in outcome.problems] == [("IMG_1.xmp", "malformed XMP")]
    assert (shoot / "IMG_1.xmp").read_text() == "<x:xmpmeta"


def test_embedding_leaves_sidecars_to_raw_files(shoot: Path, tmp_path: Path) -> None:
    os.utime(shoot / "IMG_1.JPG", ns=(1_000_000_007, 1_500_000_000_123_456_789))
    before = (shoot / "IMG_1.JPG").stat()
    apply(tmp_path, *(item(shoot / n, mark=True) for n in ("IMG_1.JPG", "IMG_2.NEF")), options=ApplyOptions(embed=True))
    after = (shoot / "IMG_1.JPG").stat()
    assert (after.st_mtime_ns, after.st_mode) == (before.st_mtime_ns, before.st_mode)
    assert read_embedded(shoot / "IMG_1.JPG").xmp["Xmp.xmp.Rating"] == "4"
    assert read_sidecar(shoot / "IMG_1.xmp")["Xmp.xmp.Rating"] == "4"
    assert (shoot / "IMG_2.NEF").read_bytes() == b"raw two"
    undo(tmp_path / "journal")
    assert (shoot / "IMG_1.JPG").read_bytes() == JPEG
    assert (shoot / "IMG_1.JPG").stat().st_mtime_ns == before.st_mtime_ns


def test_modification_time_changes_when_told(shoot: Path, tmp_path: Path) -> None:
    os.utime(shoot / "IMG_1.JPG", (1_000, 1_000))
    apply(tmp_path, item(shoot / "IMG_1.JPG", mark=True), options=ApplyOptions(embed=True, keep_modified=False))
    assert (shoot / "IMG_1.JPG").stat().st_mtime > 1_000_000


def test_two_photos_of_one_stem_do_not_share_marks(shoot: Path, tmp_path: Path) -> None:
    (shoot / "IMG_1.HEIC").write_bytes(b"third")
    apply(
        tmp_path,
        item(shoot / "IMG_1.JPG", mark=True),
        item(shoot / "IMG_1.HEIC", mates=(), mark=True, stars=1),
    )
    assert read_sidecar(shoot / "IMG_1.xmp")["Xmp.xmp.Rating"] == "4"
    assert read_sidecar(shoot / "IMG_1.HEIC.xmp")["Xmp.xmp.Rating"] == "1"


@pytest.mark.parametrize("embed", [False, True])
def test_a_sidecar_by_the_stem_is_the_raw_files_whichever_photo_is_better(shoot: Path, tmp_path: Path, embed) -> None:
    png = shoot / "IMG_1.png"
    png.write_bytes(encoded(corners(), "PNG"))
    edited = item(png, mates=(), mark=True, stars=5)
    apply(tmp_path, edited, item(shoot / "IMG_1.JPG", mark=True, stars=3), options=ApplyOptions(embed=embed))
    apply_plan(plan(edited), ApplyOptions(embed=embed), tmp_path / "alone")  # the RAW file is not ranked along
    assert read_sidecar(shoot / "IMG_1.xmp")["Xmp.xmp.Rating"] == "3"
    marks = read_embedded(png).xmp if embed else read_sidecar(shoot / "IMG_1.png.xmp")
    assert marks["Xmp.xmp.Rating"] == "5"


def test_clear_leaves_the_marks_of_the_raw_file_beside(shoot: Path, tmp_path: Path) -> None:
    (shoot / "IMG_1.tif").write_bytes(b"edited")
    apply(tmp_path, *(item(shoot / name, mates=(), mark=True) for name in ("IMG_1.JPG", "IMG_1.tif")))
    marked = (shoot / "IMG_1.xmp").read_bytes()
    cleared = clear([PhotoFile(shoot / "IMG_1.tif")], ApplyOptions()).done
    assert [step.target.name for step in cleared] == ["IMG_1.tif.xmp"]
    assert (shoot / "IMG_1.xmp").read_bytes() == marked
    assert [s.target.name for s in clear([PhotoFile(shoot / "IMG_1.CR2")], ApplyOptions()).done] == ["IMG_1.xmp"]


def test_clear_takes_the_marks_of_the_raw_mate_too(shoot: Path, tmp_path: Path) -> None:
    before = tree(shoot)
    apply(tmp_path, item(shoot / "IMG_1.JPG", mark=True), options=ApplyOptions("both", embed=True))
    outcome = clear([PhotoFile(shoot / "IMG_1.JPG", shoot / "IMG_1.CR2")], ApplyOptions())
    taken = {(step.action, step.target.name) for step in outcome.done}
    assert taken == {("embed", "IMG_1.JPG"), ("mark", "IMG_1.xmp"), ("mark", "IMG_1.CR2.xmp")}
    assert (outcome.problems, tree(shoot)) == ((), before)


@pytest.mark.parametrize("move", ["copy", "hardlink", "symlink", "move"])
def test_mates_and_sidecars_travel(shoot: Path, tmp_path: Path, move: str) -> None:
    (shoot / "IMG_1.CR2.pp3").write_text("raw therapee")
    (shoot / "IMG_1_01.CR2.xmp").write_text(DARKTABLE)
    before = tree(shoot)
    out = tmp_path / "new" / "out"
    apply(tmp_path, item(shoot / "IMG_1.JPG", mark=True, move=move, destination=out / "IMG_1.JPG"))
    names = {"IMG_1.JPG", "IMG_1.CR2", "IMG_1.xmp", "IMG_1.CR2.pp3", "IMG_1_01.CR2.xmp"}
    assert set(tree(out)) == names
    assert set(tree(shoot)) == ({"IMG_2.NEF"} if move == "move" else set(before))
    assert read_sidecar(out / "IMG_1.xmp")["Xmp.xmp.Rating"] == "4"
    assert not undo(tmp_path / "journal").problems
    assert tree(shoot) == before
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("move", ["copy", "move"])
def test_a_raw_file_that_piqa_does_not_read_travels(tmp_path: Path, move: str) -> None:
    shoot, out = tmp_path / "shoot", tmp_path / "out"
    shoot.mkdir()
    (shoot / "IMG_1.JPG").write_bytes(JPEG)
    for name in ("IMG_1.PEF", "IMG_1.PEF.pp3", "IMG_1.xmp"):
        (shoot / name).write_text(LIGHTROOM if name == "IMG_1.xmp" else name)
    before = tree(shoot)
    going = item(shoot / "IMG_1.JPG", move=move, destination=out / "IMG_1.JPG")
    apply(tmp_path, going)
    assert tree(out) == before
    assert tree(shoot) == (before if move == "copy" else {})
    if move == "copy":
        assert not apply_plan(plan(going), ApplyOptions(), tmp_path / "again").done
    assert not undo(tmp_path / "journal").problems
    assert (tree(shoot), out.exists()) == (before, False)


@pytest.mark.parametrize("other", ["IMG_1.HEIC", "IMG_1.PEF"])  # piqa does not read the latter
def test_a_shared_sidecar_stays_with_the_photo_that_stays(shoot: Path, tmp_path: Path, other: str) -> None:
    (shoot / other).write_bytes(b"stays")
    apply(tmp_path, item(shoot / "IMG_1.JPG", move="move", destination=tmp_path / "out" / "IMG_1.JPG"))
    assert (shoot / "IMG_1.xmp").read_text() == LIGHTROOM
    assert (tmp_path / "out" / "IMG_1.xmp").read_text() == LIGHTROOM


@pytest.mark.parametrize("move", ["copy", "move"])
def test_a_shared_sidecar_goes_with_its_own_photo(shoot: Path, tmp_path: Path, move: str) -> None:
    (shoot / "IMG_1.tif").write_bytes(b"edited")
    before, out = tree(shoot), tmp_path / "out"
    names = ("IMG_1.tif", "IMG_1.JPG")
    items = [item(shoot / n, mark=True, move=move, destination=out / n) for n in names]
    items[0] = replace(items[0], mates=(shoot / "IMG_1.xmp",))
    apply(tmp_path, *items)
    assert set(tree(out)) == {*names, "IMG_1.CR2", "IMG_1.xmp", "IMG_1.tif.xmp"}
    assert move == "copy" or set(tree(shoot)) == {"IMG_2.NEF"}
    if move == "copy":
        again = apply_plan(plan(*items), ApplyOptions(), tmp_path / "again")
        assert not again.done
        assert {skip.reason for skip in again.skipped} == {f"already in {out}"}
    assert not undo(tmp_path / "journal").problems
    assert tree(shoot) == before
    assert not out.exists()


@pytest.mark.parametrize("taken", ["IMG_1.JPG", "img_1.jpg", "IMG_1.cr2", "IMG_1.XMP"])
def test_a_clash_renames_the_whole_shot(shoot: Path, tmp_path: Path, taken: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / taken).write_text("was here first")
    (out / "IMG_1-2.NEF").write_text("unrelated")
    apply(tmp_path, item(shoot / "IMG_1.JPG", move="copy", destination=out / "IMG_1.JPG"))
    assert set(tree(out)) == {taken, "IMG_1-2.NEF", "IMG_1-2.JPG", "IMG_1-2.CR2", "IMG_1-2.xmp"}
    assert (out / taken).read_text() == "was here first"


def test_clashes_within_a_plan(tmp_path: Path) -> None:
    photos = [
        tmp_path / place / name for place, name in (("a", "x.jpg"), ("b", "x.jpg"), ("c", "X.JPG"), ("d", "é.jpg"))
    ]
    photos.append(tmp_path / "e" / "e\u0301.jpg")
    for number, photo in enumerate(photos):
        photo.parent.mkdir()
        photo.write_bytes(b"%d" % number)
    apply(tmp_path, *(item(p, move="move", destination=tmp_path / "out" / p.name) for p in photos))
    assert set(tree(tmp_path / "out")) == {"x.jpg", "x-2.jpg", "X-3.JPG", "é.jpg", "e\u0301-2.jpg"}


def test_copying_twice_copies_once(shoot: Path, tmp_path: Path) -> None:
    wanted = item(shoot / "IMG_1.JPG", move="copy", destination=tmp_path / "out" / "IMG_1.JPG")
    apply(tmp_path, wanted)
    again = apply_plan(plan(wanted), ApplyOptions(), tmp_path / "journal-2")
    assert again.done == ()
    assert [skip.reason for skip in again.skipped] == [f"already in {tmp_path / 'out'}"]
    assert len(tree(tmp_path / "out")) == 3


def test_a_file_that_comes_between_is_not_overwritten(shoot: Path, tmp_path: Path, monkeypatch) -> None:
    """Someone writes the target after the names were chosen: the shot stays whole where it is."""
    real = files.rename_exclusively
    out = tmp_path / "out"

    def racing(source: Path, target: Path) -> bool:
        if target.name == "IMG_1.xmp" and source.parent == shoot:
            target.write_text("came between")
        return real(source, target)

    monkeypatch.setattr(files, "rename_exclusively", racing)
    before = tree(shoot)
    outcome = apply(
        tmp_path,
        item(shoot / "IMG_1.JPG", move="move", destination=out / "IMG_1.JPG"),
        item(shoot / "IMG_2.NEF", move="move", destination=out / "IMG_2.NEF"),
        ok=False,
    )
    assert len(outcome.problems) == 1
    assert "another file is at" in outcome.problems[0].message
    assert {name: text for name, text in before.items() if "IMG_1" in name} == tree(shoot)
    assert set(tree(out)) == {"IMG_1.xmp", "IMG_2.NEF"}
    assert (out / "IMG_1.xmp").read_text() == "came between"
    assert not undo(tmp_path / "journal").problems
    assert tree(shoot) == before


@pytest.mark.parametrize("move", ["copy", "move"])
def test_a_copy_is_verified(shoot: Path, tmp_path: Path, monkeypatch, move: str) -> None:
    monkeypatch.setattr(files, "rename_exclusively", lambda source, target: False)
    real = files.sha256_of
    monkeypatch.setattr(files, "sha256_of", lambda path: "0" * 64 if path.suffix == ".part" else real(path))
    before = tree(shoot)
    wanted = item(shoot / "IMG_1.JPG", move=move, destination=tmp_path / "out" / "IMG_1.JPG")
    outcome = apply(tmp_path, wanted, ok=False)
    assert "differs from the original" in outcome.problems[0].message
    assert tree(shoot) == before
    assert tree(tmp_path / "out") == {}


def test_not_enough_room(shoot: Path, tmp_path: Path, monkeypatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda folder: usage._replace(free=1000))
    wanted = item(shoot / "IMG_1.JPG", move="copy", destination=tmp_path / "out" / "IMG_1.JPG")
    with pytest.raises(UsageError, match="not enough room"):
        apply(tmp_path, wanted)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "journal").exists()
    moved = item(shoot / "IMG_1.JPG", move="move", destination=tmp_path / "out" / "IMG_1.JPG")
    apply(tmp_path, moved)  # within a disk: takes no room


@pytest.fixture
def read_only(monkeypatch) -> list[Path]:
    """Folders put into this list are on a read-only disk."""
    folders: list[Path] = []

    def refused(path) -> bool:
        return any(folder in (Path(path), *Path(path).parents) for folder in folders)

    def made(path, *args, real=Path.mkdir, **options):
        if refused(path):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return real(path, *args, **options)

    def opened(path, flags, *args, real=os.open, **options):
        if flags & os.O_CREAT and refused(path):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return real(path, flags, *args, **options)

    monkeypatch.setattr(Path, "mkdir", made)
    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(files, "rename_exclusively", lambda source, target: False)  # on another disk
    monkeypatch.setattr(os, "access", lambda path, mode, real=os.access: not refused(path) and real(path, mode))
    return folders


@pytest.mark.parametrize("there", [False, True], ids=["new folder", "folder that is there"])
@pytest.mark.parametrize("move", ["copy", "move"])
def test_a_folder_on_a_read_only_disk_is_one_problem(shoot: Path, tmp_path: Path, read_only, there, move) -> None:
    out = tmp_path / "out"
    if there:
        (out / "best" / "picks").mkdir(parents=True)
    read_only.append(out)
    before = tree(shoot)
    names = ("IMG_1.JPG", "IMG_2.NEF")
    items = [item(shoot / name, move=move, destination=out / "best" / "picks" / name) for name in names]
    (problem,) = apply(tmp_path, *items, ok=False).problems
    assert problem.path == (out / "best" / "picks" if there else out)
    assert problem.message.startswith("nothing can be put there (Read-only file system)")
    assert tree(shoot) == before
    undone = undo(tmp_path / "journal")
    assert not undone.done and not undone.problems
    read_only.clear()
    assert not apply(tmp_path, *items).problems  # the same journal: tried again
    assert {path.name for path in (out / "best" / "picks").iterdir()} >= set(names)


def test_moves_off_a_read_only_disk_are_one_problem(shoot: Path, tmp_path: Path, read_only, monkeypatch) -> None:
    def removed(path: Path, missing_ok: bool = False, real=Path.unlink) -> None:
        if path.parent in read_only:
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", removed)
    read_only.append(shoot)
    out, before = tmp_path / "out", tree(shoot)
    names = ("IMG_1.JPG", "IMG_2.NEF")
    items = [item(shoot / name, move="move", destination=out / name) for name in names]
    (problem,) = apply(tmp_path, *items, ok=False).problems
    assert problem.path == shoot
    assert problem.message.startswith("nothing can be moved out of it (Read-only file system)")
    assert (tree(shoot), [path for path in out.rglob("*") if path.is_file()]) == (before, [])
    undone = undo(tmp_path / "journal")
    assert ([step.action for step in undone.done], undone.problems) == (["folder"], ())
    read_only.clear()
    assert not apply(tmp_path, *items).problems  # the same journal: tried again
    assert {path.name for path in out.iterdir()} >= set(names)


def test_photos_of_a_read_only_disk_are_copied_though_their_marks_cannot_be_written(
    shoot: Path, tmp_path: Path, read_only
) -> None:
    names = ("IMG_2.NEF", "IMG_3.NEF")
    (shoot / names[1]).write_bytes(b"raw three")
    read_only.append(shoot)
    out = tmp_path / "out"
    items = [item(shoot / name, mark=True, move="copy", destination=out / name) for name in names]
    (problem,) = apply(tmp_path, *items, ok=False).problems
    assert (problem.path, set(tree(out))) == (shoot, set(names))


@pytest.mark.skipif(not hasattr(os, "fork") or os.geteuid() != 0, reason="plays another user")
def test_folders_that_may_not_be_written(shoot: Path, tmp_path: Path) -> None:
    """As a user who may read the shoot and nothing more: all is reported, nothing is touched, the rest goes on."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    allowed.chmod(0o777)
    for folder in allowed.parents:
        if Path(tempfile.gettempdir()) in folder.parents:  # pytest's own, which are for their owner only
            folder.chmod(0o755)
    (allowed / "own.jpg").write_bytes(JPEG)
    os.chown(allowed / "own.jpg", 65534, 65534)
    before = tree(shoot)
    b"".decode("utf-8-sig")  # loaded now: the other user may not be able to read Python's own files
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgid(65534)
            os.setuid(65534)
            outcome = apply_plan(
                plan(
                    item(shoot / "IMG_1.JPG", mark=True, move="move", destination=allowed / "out" / "IMG_1.JPG"),
                    item(shoot / "IMG_2.NEF", move="copy", destination=shoot / "sub" / "IMG_2.NEF"),
                    item(allowed / "own.jpg", mark=True, move="move", destination=allowed / "out" / "own.jpg"),
                ),
                ApplyOptions(),
                allowed / "journal",
            )
            denied = [problem.path for problem in outcome.problems if "ermission" in problem.message]
            code = 0 if denied == [shoot, shoot] else 3  # no marks into it, no move out of it
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert tree(shoot) == before
    assert set(tree(allowed / "out")) == {"own.jpg", "own.xmp"}


def test_symbolic_links_are_not_moved(shoot: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.jpg"
    link.symlink_to(shoot / "IMG_1.JPG")
    outcome = apply(tmp_path, item(link, move="move", destination=tmp_path / "out" / "link.jpg"), ok=False)
    assert "symbolic link" in outcome.problems[0].message
    assert link.is_symlink()
    apply(tmp_path, item(link, move="copy", destination=tmp_path / "out" / "link.jpg"))
    assert (tmp_path / "out" / "link.jpg").read_bytes() == JPEG
    assert not (tmp_path / "out" / "link.jpg").is_symlink()


def test_vanished_photos_are_reported(shoot: Path, tmp_path: Path) -> None:
    wanted = item(shoot / "IMG_2.NEF", mark=True, move="move", destination=tmp_path / "out" / "IMG_2.NEF")
    (shoot / "IMG_2.NEF").unlink()
    outcome = apply(tmp_path, wanted, ok=False)
    assert "no longer there" in outcome.problems[0].message
    assert set(tree(tmp_path)) == {"shoot/IMG_1.JPG", "shoot/IMG_1.CR2", "shoot/IMG_1.xmp"}


def test_journal_of_another_plan(shoot: Path, tmp_path: Path) -> None:
    apply(tmp_path, item(shoot / "IMG_1.JPG", mark=True))
    with pytest.raises(UsageError, match="journal of another plan"):
        apply(tmp_path, item(shoot / "IMG_2.NEF", mark=True))
    assert not (shoot / "IMG_2.xmp").exists()


def test_preview_touches_nothing_and_progress_is_told(shoot: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    wanted = item(shoot / "IMG_1.JPG", mark=True, move="move", destination=tmp_path / "out" / "IMG_1.JPG")
    steps = preview(plan(wanted), ApplyOptions()).steps
    assert tree(tmp_path) == before
    assert [step.action for step in steps] == ["mark", "folder", "move", "move", "move"]
    told: list[tuple[int, int]] = []
    outcome = apply_plan(
        plan(wanted), ApplyOptions(), tmp_path / "journal", lambda done, total: told.append((done, total))
    )
    assert told == [(n, 5) for n in range(1, 6)]
    assert outcome.done == steps


def test_new_sidecars_follow_the_umask(shoot: Path, tmp_path: Path) -> None:
    apply(tmp_path, item(shoot / "IMG_2.NEF", mark=True))
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE((shoot / "IMG_2.xmp").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_the_journal_has_a_place_of_its_own(shoot: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    outcome = apply_plan(plan(item(shoot / "IMG_2.NEF", mark=True)), ApplyOptions())
    assert outcome.journal is not None
    assert outcome.journal.parent == default_journal().parent
    assert not undo(outcome.journal).problems
    assert not (shoot / "IMG_2.xmp").exists()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_move_to_another_disk_and_back(shoot: Path, tmp_path: Path) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        if Path(other).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("one file system only")
        os.utime(shoot / "IMG_1.JPG", ns=(10**18, 10**18 + 123456000))
        before, modified = tree(shoot), (shoot / "IMG_1.JPG").stat().st_mtime_ns
        apply(tmp_path, item(shoot / "IMG_1.JPG", move="move", destination=Path(other) / "IMG_1.JPG"))
        assert set(tree(Path(other))) == {"IMG_1.JPG", "IMG_1.CR2", "IMG_1.xmp"}
        assert (Path(other) / "IMG_1.JPG").stat().st_mtime_ns == modified
        assert set(tree(shoot)) == {"IMG_2.NEF"}
        linked = item(Path(other) / "IMG_1.JPG", move="hardlink", destination=shoot / "IMG_1.JPG")
        outcome = apply_plan(plan(linked), ApplyOptions(), tmp_path / "journal-2")
        assert "hard links" in outcome.problems[0].message
        assert not undo(tmp_path / "journal").problems
        assert tree(shoot) == before
        assert tree(Path(other)) == {}
        assert (shoot / "IMG_1.JPG").stat().st_mtime_ns == modified
