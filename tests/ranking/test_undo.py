"""Undo and clear where the world has moved on since: nothing that someone did meanwhile is thrown away."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from piqa_cli.errors import UsageError
from piqa_cli.photos.metadata import packet_in, read_embedded, read_sidecar
from piqa_cli.ranking import files, transfers
from piqa_cli.ranking.actions import ApplyOptions, apply_plan, clear, undo
from piqa_cli.ranking.journal import read_journal
from piqa_cli.records import PhotoFile
from tests.photos.photo_makers import corners, encoded
from tests.ranking.shoots import DARKTABLE, item, plan, tree

JPEG = encoded(corners(), "JPEG")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "shoot" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(JPEG)
    return path


def run(photo: Path, options: ApplyOptions | None = None, **changes) -> Path:
    journal = photo.parent.parent / "journal"
    out = photo.parent.parent / "out" / photo.name
    wanted = item(photo, destination=out if changes.get("move") else None, **changes)
    assert not apply_plan(plan(wanted), options or ApplyOptions(), journal).problems
    return journal


def test_an_occupied_place_keeps_the_moved_file(photo: Path, tmp_path: Path) -> None:
    journal = run(photo, move="move")
    photo.write_bytes(b"another one")
    outcome = undo(journal)
    assert "stays: another file is at" in outcome.problems[0].message
    assert photo.read_bytes() == b"another one"
    assert (tmp_path / "out" / "a.jpg").read_bytes() == JPEG
    photo.unlink()
    assert not undo(journal).problems
    assert photo.read_bytes() == JPEG


def test_an_edited_file_moves_back_as_edited(photo: Path, tmp_path: Path) -> None:
    journal = run(photo, move="move")
    (tmp_path / "out" / "a.jpg").write_bytes(b"edited")
    assert not undo(journal).problems
    assert photo.read_bytes() == b"edited"


def test_an_edited_copy_stays(photo: Path, tmp_path: Path) -> None:
    journal = run(photo, move="copy")
    (tmp_path / "out" / "a.jpg").write_bytes(b"edited")
    outcome = undo(journal)
    assert "it stays" in outcome.problems[0].message
    assert (tmp_path / "out" / "a.jpg").read_bytes() == b"edited"


@pytest.mark.parametrize("first", [0, 1], ids=["in the order of the runs", "last run first"])
def test_runs_are_undone_in_any_order(photo: Path, tmp_path: Path, first: int) -> None:
    """The first one marked, the second copied what was marked: a sidecar of marks alone is not left behind."""
    before = tree(tmp_path)
    journals = tmp_path.parent / f"{tmp_path.name}-a", tmp_path.parent / f"{tmp_path.name}-b"
    goes = {"move": "copy", "destination": tmp_path / "out" / "a.jpg"}
    for journal, wanted in zip(journals, (item(photo, mark=True), item(photo, mark=True, **goes)), strict=True):
        assert not apply_plan(plan(wanted), ApplyOptions(), journal).problems
    assert {"out/a.jpg", "out/a.xmp"} <= set(tree(tmp_path))
    for journal in (journals[first], journals[1 - first]):
        assert not undo(journal).problems
    assert tree(tmp_path) == before


def test_a_copied_sidecar_that_somebody_wrote_into_stays(photo: Path, tmp_path: Path) -> None:
    journal = run(photo, move="copy", mark=True)
    copy = tmp_path / "out" / "a.xmp"
    edited = copy.read_text().replace("piqa:Decision", 'xmp:CreatorTool="Somebody" piqa:Decision')
    copy.write_text(edited)
    assert "differs from" in undo(journal).problems[0].message
    assert "the original is gone" in undo(journal).problems[0].message
    assert copy.read_text() == edited


def test_a_copy_without_its_original_stays(photo: Path, tmp_path: Path) -> None:
    journal = run(photo, move="copy")
    photo.unlink()
    assert "original is gone" in undo(journal).problems[0].message
    assert (tmp_path / "out" / "a.jpg").read_bytes() == JPEG


def test_a_moved_file_that_is_gone_is_reported(photo: Path, tmp_path: Path) -> None:
    journal = run(photo, move="move")
    (tmp_path / "out" / "a.jpg").unlink()
    assert "is gone" in undo(journal).problems[0].message


def test_a_move_that_failed_brings_nobody_elses_file_back(photo: Path, tmp_path: Path, monkeypatch) -> None:
    real = files.rename_exclusively
    raw, out = photo.with_suffix(".CR2"), tmp_path / "out"
    raw.write_bytes(b"raw")

    def racing(source: Path, target: Path) -> bool:
        if source == photo:
            target.write_bytes(b"somebody else's")
            target.with_suffix(".CR2").write_bytes(b"somebody else's raw")
        return real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files, "rename_exclusively", racing)
        wanted = plan(item(photo, move="move", destination=out / "a.jpg"))
        assert apply_plan(wanted, ApplyOptions(), tmp_path / "journal").problems
    photo.parent.rename(tmp_path / "kept")
    before = tree(tmp_path)
    assert not undo(tmp_path / "journal").problems
    assert {name: text for name, text in tree(tmp_path).items() if name != "journal"} == {
        name: text for name, text in before.items() if name != "journal"
    }
    assert set(tree(out)) == {"a.jpg", "a.CR2"}


def test_a_move_that_failed_half_way_comes_back_from_where_it_is(photo: Path, tmp_path: Path, monkeypatch) -> None:
    """To another disk: the copy has its name, and the original could be removed by others only."""

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(files, "rename_exclusively", lambda source, target: False)
        patch.setattr(files, "remove_twin", denied)
        patch.setattr(transfers, "remove_twin", denied)
        wanted = plan(item(photo, move="move", destination=tmp_path / "out" / "a.jpg"))
        assert apply_plan(wanted, ApplyOptions(), tmp_path / "journal").problems
    assert read_journal(tmp_path / "journal").state(1) == "failed"
    photo.unlink()
    undone = undo(tmp_path / "journal")
    assert ([step.action for step in undone.done], undone.problems) == (["folder"], ())  # the move had not been done
    assert photo.read_bytes() == JPEG
    assert not (tmp_path / "out").exists()


def test_a_copy_of_a_linked_photo_goes(photo: Path, tmp_path: Path) -> None:
    original = photo.rename(tmp_path / "original.jpg")
    photo.symlink_to(original)
    journal = run(photo, move="copy")
    assert (tmp_path / "out" / "a.jpg").read_bytes() == JPEG
    assert not undo(journal).problems
    assert not (tmp_path / "out").exists()
    assert photo.readlink() == original
    assert original.read_bytes() == JPEG


@pytest.mark.parametrize("move", ["copy", "hardlink"])
@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_copy_that_the_original_leads_to_stays(photo: Path, tmp_path: Path, move: str, linked: str) -> None:
    """To save room someone has put a link where the original was: the copy is the only one left."""
    journal = run(photo, move=move)
    photo.unlink()
    if linked == "file":
        photo.symlink_to(tmp_path / "out" / "a.jpg")
    else:
        photo.parent.rmdir()
        photo.parent.symlink_to(tmp_path / "out")
    assert "it stays" in undo(journal).problems[0].message
    assert (tmp_path / "out" / "a.jpg").read_bytes() == JPEG


def test_a_copy_that_failed_is_no_concern_of_undo(photo: Path, tmp_path: Path, monkeypatch) -> None:
    real = files.publish

    def racing(part: Path, target: Path) -> None:
        target.write_bytes(b"somebody else's")
        real(part, target)

    with monkeypatch.context() as patch:
        patch.setattr(files, "publish", racing)
        wanted = plan(item(photo, move="copy", destination=tmp_path / "out" / "a.jpg"))
        assert apply_plan(wanted, ApplyOptions(), tmp_path / "journal").problems
    assert not undo(tmp_path / "journal").problems
    assert (tmp_path / "out" / "a.jpg").read_bytes() == b"somebody else's"


def test_a_move_off_a_read_only_disk_leaves_no_copy(photo: Path, tmp_path: Path, monkeypatch) -> None:
    """Another disk, so that it is copied first; nothing can be removed there, not even what is not there."""

    def refuse(self: Path, missing_ok: bool = False, real=Path.unlink) -> None:
        if self.parent == photo.parent:
            raise OSError(errno.EROFS, "Read-only file system", str(self))
        real(self, missing_ok=missing_ok)

    monkeypatch.setattr(files, "rename_exclusively", lambda source, target: False)
    monkeypatch.setattr(Path, "unlink", refuse)
    wanted = plan(item(photo, move="move", destination=tmp_path / "out" / "a.jpg"))
    assert apply_plan(wanted, ApplyOptions(), tmp_path / "journal").problems
    assert not undo(tmp_path / "journal").problems
    assert photo.read_bytes() == JPEG
    assert not (tmp_path / "out" / "a.jpg").exists()


def test_the_source_folder_is_made_again(photo: Path) -> None:
    journal = run(photo, move="move")
    photo.parent.rmdir()
    assert not undo(journal).problems
    assert photo.read_bytes() == JPEG


def test_a_folder_with_something_in_it_stays(photo: Path, tmp_path: Path) -> None:
    journal = run(photo, move="move")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert not undo(journal).problems
    assert tree(tmp_path / "out") == {"notes.txt": b"mine"}


def test_edits_in_a_sidecar_survive_undo(photo: Path) -> None:
    sidecar = photo.with_name("a.jpg.xmp")
    sidecar.write_text(DARKTABLE)
    journal = run(photo, ApplyOptions("darktable"), mark=True)
    sidecar.write_text(sidecar.read_text().replace('history_end="2"', 'history_end="3"'))
    assert not undo(journal).problems
    assert sidecar.read_text() == DARKTABLE.replace('history_end="2"', 'history_end="3"')


def test_a_rating_changed_by_hand_survives_undo_and_clear(photo: Path) -> None:
    for action in (undo, lambda _: clear([PhotoFile(photo)], ApplyOptions())):
        journal = run(photo, mark=True)
        sidecar = photo.with_name("a.xmp")
        sidecar.write_text(sidecar.read_text().replace('xmp:Rating="4"', 'xmp:Rating="5"'))
        assert not action(journal).problems
        assert read_sidecar(sidecar) == {"Xmp.xmp.Rating": "5"}
        sidecar.unlink()
        journal.unlink()


def test_a_sidecar_that_is_gone_is_no_problem(photo: Path) -> None:
    journal = run(photo, mark=True)
    photo.with_name("a.xmp").unlink()
    assert not undo(journal).problems


def test_pixels_edited_after_embedding_stay_edited(photo: Path) -> None:
    journal = run(photo, ApplyOptions(embed=True), mark=True)
    other = encoded(corners(80, 50), "JPEG")
    from piqa_cli.photos.embedding import embed_packet

    photo.write_bytes(embed_packet(other, packet_in(photo.read_bytes(), photo), photo))
    assert not undo(journal).problems
    assert photo.read_bytes() == other


def test_clear_reports_what_is_malformed_and_goes_on(photo: Path) -> None:
    run(photo, mark=True)
    bad = photo.with_name("b.jpg")
    bad.write_bytes(JPEG)
    bad.with_name("b.xmp").write_text("<broken")
    outcome = clear([PhotoFile(bad), PhotoFile(photo)], ApplyOptions())
    assert [problem.path.name for problem in outcome.problems] == ["b.xmp"]
    assert [step.target.name for step in outcome.done] == ["a.xmp"]
    assert set(tree(photo.parent)) == {"a.jpg", "b.jpg", "b.xmp"}


def test_clear_touches_nothing_without_marks(photo: Path) -> None:
    photo.with_name("a.xmp").write_text(DARKTABLE)
    before = {path.name: path.stat() for path in photo.parent.iterdir()}
    assert clear([PhotoFile(photo)], ApplyOptions()).done == ()
    assert {path.name: path.stat() for path in photo.parent.iterdir()} == before


def test_undo_needs_a_journal(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the journal"):
        undo(tmp_path / "missing")


def test_marks_that_are_there_already_are_not_counted_as_written(photo: Path, tmp_path: Path) -> None:
    wanted = plan(item(photo, mark=True))
    assert len(apply_plan(wanted, ApplyOptions(), tmp_path / "first").done) == 1
    again = apply_plan(wanted, ApplyOptions(), tmp_path / "second")
    assert (again.done, len(again.already)) == ((), 1)
    assert undo(tmp_path / "second").done == ()
    assert photo.with_suffix(".xmp").exists()
    assert len(undo(tmp_path / "first").done) == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_photos_that_hold_the_marks_already_are_not_written_again(photo: Path, tmp_path: Path, kind: str) -> None:
    photo.write_bytes(encoded(corners(), kind))
    wanted, options = plan(item(photo, mark=True)), ApplyOptions(embed=True)
    assert len(apply_plan(wanted, options, tmp_path / "first").done) == 1
    before = photo.read_bytes()
    again = apply_plan(wanted, options, tmp_path / "second")
    assert (again.done, len(again.already)) == ((), 1)
    assert photo.read_bytes() == before


def test_undo_twice_does_nothing_more(photo: Path) -> None:
    journal = run(photo, mark=True, move="move")
    assert len(undo(journal).done) == 4
    assert undo(journal).done == ()


@pytest.mark.parametrize("embed", [False, True])
def test_undo_after_clear_takes_nothing_back(photo: Path, embed: bool) -> None:
    journal = run(photo, ApplyOptions(embed=embed), mark=True)
    assert len(clear([PhotoFile(photo)], ApplyOptions()).done) == 1
    outcome = undo(journal)
    assert (outcome.done, outcome.problems) == ((), ())
    assert tree(photo.parent) == {"a.jpg": JPEG}


def test_undo_of_a_copy_that_is_gone_takes_nothing_back(photo: Path, tmp_path: Path) -> None:
    journal = run(photo, move="copy")
    (tmp_path / "out" / "a.jpg").unlink()
    assert [step.action for step in undo(journal).done] == ["folder"]


@pytest.mark.parametrize("embed", [False, True])
def test_marks_of_a_photo_that_was_moved_are_taken_back_when_it_is_there_again(photo: Path, embed: bool) -> None:
    journal = run(photo, ApplyOptions(embed=embed), mark=True)
    shoot, elsewhere = photo.parent, photo.parent.with_name("elsewhere")
    marked = tree(shoot)
    shoot.rename(elsewhere)
    outcome = undo(journal)
    assert outcome.done == ()
    assert [p.message.partition(",")[0] for p in outcome.problems] == ["no longer there"]
    assert tree(elsewhere) == marked
    elsewhere.rename(shoot)
    assert len(undo(journal).done) == 1
    assert tree(shoot) == {"a.jpg": JPEG}


def test_a_marked_copy_that_is_gone_is_no_problem(photo: Path, tmp_path: Path) -> None:
    out, options = tmp_path / "out" / "a.jpg", ApplyOptions(embed=True)
    for stars in (4, 3):
        wanted = plan(item(photo, mark=True, stars=stars, move="copy", destination=out))
        assert not apply_plan(wanted, options, tmp_path / f"journal-{stars}").problems
    assert read_embedded(out).xmp["Xmp.xmp.Rating"] == "3"  # the second run renewed the marks of the copy
    out.unlink()
    outcome = undo(tmp_path / "journal-3")
    assert ([step.target for step in outcome.done], outcome.problems) == ([photo], ())


def test_a_readers_view_of_marks_after_undo(photo: Path) -> None:
    journal = run(photo, ApplyOptions(embed=True), mark=True)
    assert read_embedded(photo).xmp["Xmp.xmp.Rating"] == "4"
    undo(journal)
    assert read_embedded(photo).xmp == {}
