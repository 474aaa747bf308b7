import json

import pytest

from piqa_cli.records import DEFECTS, Face, Severities
from piqa_cli.report.faces_column import read_faces
from piqa_cli.scoring.table import faces_json


def test_what_the_table_writes_is_read():
    face = Face((1.0, 2.0, 30.0, 40.0), 0.987, score=61.5, roll=-3.25, pose="profile", cut=True, eyes_open=0.25)
    severe = Face((50.0, 2.0, 80.0, 40.0), 0.9, defects=Severities(tuple(0.1 for _ in DEFECTS)))
    first, second = read_faces(faces_json([face, severe]))
    assert first["box"] == [1.0, 2.0, 30.0, 40.0]
    assert (first["score"], first["eyes_open"], first["pose"], first["cut"]) == (61.5, 0.25, "profile", True)
    assert first["defects"] is None
    assert second["defects"] == dict.fromkeys(DEFECTS, 0.1)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "[" * 100_000,
        '{"box": [1, 2, 3, 4]}',
        '[{"box": [1, 2, 3]}]',
        '[{"box": [1, 2, 3, "4"]}]',
        '[{"box": [1, 2, 3, NaN]}]',
        '[{"box": [1, 2, 3, true]}]',
        '["face", 7, null]',
    ],
    ids=lambda text: str(text)[:20],
)
def test_anything_else_is_no_face(text):
    assert read_faces(text) is None


def test_only_what_is_known_gets_through():
    odd = {"box": [1, 2, 3, 4], "pose": "<b>", "cut": "yes", "score": 1e400, "gps": "here", "defects": {"evil": 1}}
    (face,) = read_faces(json.dumps([odd]))
    assert face["pose"] is None and face["cut"] is False and face["score"] is None
    assert "gps" not in face and set(face["defects"]) == set(DEFECTS)
