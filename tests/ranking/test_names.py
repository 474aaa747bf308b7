from __future__ import annotations

from pathlib import Path

from piqa_cli.ranking.names import TargetNames


def test_a_mate_of_another_stem_is_numbered_with_its_photo(tmp_path: Path) -> None:
    """As a CSV plan may name one: it is not renamed after the photo, and not left behind."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.jpg").write_bytes(b"another")
    photo, note = tmp_path / "a.jpg", tmp_path / "note.en.txt"
    photo.write_bytes(b"photo")
    note.write_bytes(b"note")
    found = TargetNames().choose([(photo, "move"), (note, "move")], out / "a.jpg")
    assert found.new == {photo: out / "a-2.jpg", note: out / "note-2.en.txt"}
    assert TargetNames().choose([(photo, "move"), (note, "move")], out / "b.jpg").new == {
        photo: out / "b.jpg",
        note: out / "note.en.txt",
    }
