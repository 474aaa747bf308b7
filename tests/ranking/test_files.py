"""What another program, or a failing disk, does while a file is brought or marked: nothing gets lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from piqa_cli.errors import PhotoError, UnreadablePhoto
from piqa_cli.ranking import files
from piqa_cli.ranking.files import copy_file, move_file, replace_content, sha256_of


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Have another program write to this file when the copy of it is read back."""

    def call(path: Path) -> None:
        def read_back(part: Path) -> str:
            with path.open("ab") as file:
                file.write(b" and more")
            return sha256_of(part)

        monkeypatch.setattr(files, "sha256_of", read_back)

    return call


def test_a_photo_that_changes_while_it_is_copied_stays(tmp_path: Path, meanwhile: Callable[[Path], None]) -> None:
    source, target = tmp_path / "a.jpg", tmp_path / "b.jpg"
    source.write_bytes(b"photo")
    meanwhile(source)
    with pytest.raises(PhotoError, match="changed while it was copied"):
        copy_file(source, target, tmp_path / ".part", str)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.jpg": b"photo and more"}


def test_a_sidecar_that_changes_while_marks_are_written_stays(
    tmp_path: Path, meanwhile: Callable[[Path], None]
) -> None:
    sidecar = tmp_path / "a.xmp"
    sidecar.write_bytes(b"by hand")
    meanwhile(sidecar)
    with pytest.raises(PhotoError, match="changed while marks were written"):
        replace_content(sidecar, b"marked", sidecar.stat(), tmp_path / ".part", None)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.xmp": b"by hand and more"}


def test_marks_that_read_back_differently_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sidecar = tmp_path / "a.xmp"
    sidecar.write_bytes(b"by hand")
    monkeypatch.setattr(files, "sha256_of", lambda part: "0" * 64)
    with pytest.raises(PhotoError, match="reads back differently"):
        replace_content(sidecar, b"marked", sidecar.stat(), tmp_path / ".part", None)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.xmp": b"by hand"}


def test_what_is_no_file_is_not_moved(tmp_path: Path) -> None:
    for name in ("gone.jpg", "folder"):
        (tmp_path / "folder").mkdir(exist_ok=True)
        with pytest.raises(UnreadablePhoto, match="no regular file"):
            move_file(tmp_path / name, tmp_path / "b", tmp_path / ".part", str)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
