from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest

from piqa_cli.records import DEFECTS, Face, PhotoScore, Severities
from piqa_cli.scoring.table import COLUMNS, SCHEMA, best_first, describe, path_text, to_frame, to_row


def test_columns_come_in_the_promised_order() -> None:
    names = [column.name for column in COLUMNS]
    assert names[:6] == ["path", "score", "status", "raw_score", "reason", "reasons"]
    about_faces = ["face_share", "face_roll", "face_pose", "face_cut", "eyes_open", "eyes", "faces"]
    assert names[13:21] == ["worst_face_score", *about_faces]
    assert names[21:39] == [f"{part}_{defect}" for part in ("photo", "face") for defect in DEFECTS]
    assert names[-2:] == ["raw_mate", "model"]
    assert len(set(names)) == len(names)


def test_a_full_record_fills_every_column(make_score) -> None:
    face = Face((10.04, 20.0, 110.5, 140.0), 0.99871, roll=-3.14, pose="frontal", eyes_open=0.4567)
    row = to_row(
        make_score("d/a.jpg", reason="why", raw_mate=Path("d/a.cr3"), faces=(face, face), eyes_open=0.4567, eyes="open")
    )
    assert list(row) == list(SCHEMA)
    assert None not in row.values()
    assert row["score"] == 61.23
    assert row["raw_score"] == 0.456789
    assert row["reasons"] == "face: motion blur; photo: noise"
    assert (row["n_faces"], row["face_x1"], row["face_confidence"]) == (2, 10.0, 0.999)
    assert (row["face_share"], row["face_roll"], row["face_pose"], row["face_cut"]) == (0.001, -3.1, "frontal", False)
    assert (row["eyes_open"], row["eyes"]) == (0.457, "open")
    assert (row["photo_motion_blur"], row["face_motion_blur"]) == (0.1, 0.7)
    assert row["captured_at"] == "2024-05-06T07:08:09.120000+02:00"
    assert row["shutter_s"] == 0.000125
    assert row["raw_mate"] == "d/a.cr3"


def test_a_failed_photo_has_a_row_with_empty_cells() -> None:
    row = to_row(PhotoScore(Path("a.jpg"), "error", reason="empty file"))
    filled = {name: value for name, value in row.items() if value is not None}
    assert filled == {"path": "a.jpg", "status": "error", "reason": "empty file"}


def test_a_photo_without_a_face_has_zero_faces() -> None:
    assert to_row(PhotoScore(Path("a.jpg"), "no_face", score=5.0))["n_faces"] == 0


def test_every_main_face_is_listed_as_json(make_score) -> None:
    judged = Severities(tuple(i / 9 for i in range(len(DEFECTS))))
    points = ((30.04, 50.0), (70.0, 58.26), (50.0, 70.0))
    main = Face((10.04, 20.0, 110.5, 140.0), 0.99871, points, 12.34, "profile", True, 71.236, judged, 0.1234)
    second, passer_by = Face((200.0, 20.0, 280.0, 120.0), 0.98), Face((300.0, 20.0, 310.0, 30.0), 0.98)
    row = to_row(make_score(faces=(main, second, passer_by)))
    assert " " not in row["faces"]
    first, other = json.loads(row["faces"])
    assert first == {
        "box": [10.0, 20.0, 110.5, 140.0],
        "confidence": 0.999,
        "score": 71.24,
        "eyes_open": 0.123,
        "eye_line": [30.0, 50.0, 70.0, 58.3],
        "roll": 12.3,
        "pose": "profile",
        "cut": True,
        "defects": {name: round(i / 9, 3) for i, name in enumerate(DEFECTS)},
    }
    assert other["box"] == [200.0, 20.0, 280.0, 120.0]
    assert [other[name] for name in ("score", "eyes_open", "eye_line", "roll", "pose", "defects")] == [None] * 6
    assert other["cut"] is False


def test_best_first_without_raw_scores() -> None:
    own = pl.DataFrame({"path": ["b", "c", "a", "d"], "score": [50.0, None, 50.0, 60.0]})
    assert best_first(own)["path"].to_list() == ["d", "a", "b", "c"]


def test_best_first_then_path_and_no_score_last(make_score) -> None:
    frame = to_frame(
        [
            PhotoScore(Path("z.jpg"), "error"),
            make_score("low.jpg", score=10.0, raw_score=-1.0),
            make_score("b.jpg", score=50.0, raw_score=0.5),
            PhotoScore(Path("y.jpg"), "error"),
            make_score("a.jpg", score=50.0, raw_score=0.5),
            make_score("c.jpg", score=50.0, raw_score=0.6),
        ]
    )
    assert frame["path"].to_list() == ["c.jpg", "a.jpg", "b.jpg", "low.jpg", "y.jpg", "z.jpg"]


@pytest.mark.parametrize("scores", [[], [PhotoScore(Path("a.jpg"), "error")]], ids=["no rows", "only nulls"])
def test_the_types_do_not_depend_on_the_rows(scores) -> None:
    assert dict(to_frame(scores).schema) == SCHEMA


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"plain.jpg", "plain.jpg"),
        ("écrit 写真.jpg".encode(), "écrit 写真.jpg"),
        (b"und\xff\xfe.jpg", r"und\xff\xfe.jpg"),
        (b"new\nline.jpg", "new\nline.jpg"),
    ],
)
def test_every_path_has_a_text(name: bytes, shown: str) -> None:
    path = Path(os.fsdecode(name))
    assert path_text(path) == shown
    assert to_frame([PhotoScore(path, "error")])["path"].to_list() == [shown]


def test_foreign_text_never_stops_the_table(make_score) -> None:
    frame = to_frame([make_score(reason="\udcff\ud800", reasons=("face: \udc80",))])
    assert frame["reason"].to_list() == [r"\udcff\ud800"]


def test_every_column_is_described() -> None:
    described = describe(COLUMNS)
    assert [name for name, _, _ in described] == list(SCHEMA)
    assert all(kind in ("text", "integer", "number", "true or false") and meaning for _, kind, meaning in described)
    assert dict(zip(SCHEMA, (kind for _, kind, _ in described), strict=True))["iso"] == "integer"
    assert SCHEMA["iso"] == pl.Int64
