"""What leaves a photo only when it is asked to, and what a spreadsheet must not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from piqa_cli.records import PhotoScore
from piqa_cli.scoring.table import SCHEMA, to_frame
from piqa_cli.spreadsheets import path_of
from tests.here import Piqa
from tests.photos.photo_makers import corners, encoded, exif


def test_positions_are_in_the_table_when_asked_for(here: Piqa, tmp_path: Path, tiny_model: Path) -> None:
    block = exif({0x010F: "Canon"})
    block.get_ifd(0x8825).update({1: "S", 2: (33.0, 51.0, 24.48), 3: "E", 4: (151.0, 12.0, 55.08)})
    (tmp_path / "a.jpg").write_bytes(encoded(corners(), "JPEG", exif=block))
    (tmp_path / "b.jpg").write_bytes(encoded(corners(), "JPEG"))
    arguments = ("score", tmp_path, "-q", "--format", "jsonl", "--model", tiny_model, "--cache-dir", tmp_path / "cache")
    told = here(*arguments, "--with-gps")
    assert told.code == 0, told.err
    assert (told.rows["a.jpg"]["latitude"], told.rows["a.jpg"]["longitude"]) == (-33.8568, 151.2153)
    assert (told.rows["b.jpg"]["latitude"], told.rows["b.jpg"]["longitude"]) == (None, None)
    silent = here(*arguments)
    assert "latitude" not in silent.out
    (tmp_path / "told.jsonl").write_text(told.out)
    ranked = here("rank", tmp_path / "told.jsonl", "-q", "--format", "jsonl", "--no-cache")
    assert ranked.code == 0, ranked.err
    assert set(ranked.rows) == {"a.jpg", "b.jpg"}
    assert "latitude" not in ranked.out
    assert "33.85" not in silent.out + ranked.out
    assert b"33.85" not in b"".join(path.read_bytes() for path in (tmp_path / "cache").iterdir())


def test_no_cell_of_a_table_begins_like_a_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["=cmd|' -C calc'!A0.jpg", "+1.jpg", "-1.jpg", "@SUM(A1).jpg"]
    scores = [PhotoScore(Path(name), "error", reason="damaged", raw_mate=Path(name)) for name in names]
    frame = to_frame(scores)
    for column, kind in SCHEMA.items():
        if str(kind) == "String":
            assert not any((cell or "x").startswith(("=", "+", "-", "@")) for cell in frame[column]), column
    monkeypatch.chdir(tmp_path)
    for name, cell in zip(sorted(names), sorted(frame["path"]), strict=True):
        Path(name).write_bytes(b"x")
        assert path_of(cell).samefile(name)
