from __future__ import annotations

import os
from pathlib import Path

import pytest

from piqa_cli.photos.absolute import absolute

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows goes by the names alone")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """here/link leads to there/sub; both here and there have an a.jpg."""
    for folder in ("here/own", "there/sub"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder).with_name("a.jpg").touch()
    (tmp_path / "here/link").symlink_to("../there/sub")
    (tmp_path / "here/again").symlink_to("link")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.jpg", "here/a.jpg"),
        ("./own/../a.jpg", "here/a.jpg"),
        ("../there//a.jpg", "there/a.jpg"),
        ("link/a.jpg", "here/link/a.jpg"),
        ("link/../a.jpg", "there/a.jpg"),
        ("again/../sub/../a.jpg", "there/a.jpg"),
        ("link/..", "there"),
        ("gone/../a.jpg", "here/a.jpg"),
        ("a..jpg", "here/a..jpg"),
        ("b\udcff/../\0.jpg", "here/\0.jpg"),
    ],
)
def test_the_same_file_in_one_spelling(here: Path, path: str, expected: str) -> None:
    assert absolute(path) == absolute(Path(path)) == absolute(here / "here" / path) == str(here / expected)


def test_above_the_root_there_is_nothing() -> None:
    assert absolute("/..") == "/"
    assert absolute("/../a.jpg") == absolute("//a.jpg").replace("//", "/") == "/a.jpg"
