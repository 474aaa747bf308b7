from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from piqa_cli.faces.eyes import EyePairs
from piqa_cli.records import Face, PhotoScore
from piqa_cli.scoring import eyes
from piqa_cli.scoring.eyes import lowest_openness, with_eyes

CPU = torch.device("cpu")


def record(faces: int) -> PhotoScore:
    return PhotoScore(Path("a.jpg"), "ok", faces=tuple(Face((0, 0, 9 - i, 9), 0.9) for i in range(faces)))


def pairs(*values: float, faces: tuple[int, ...] | None = None) -> EyePairs:
    """The first pixel of a pair stands for its openness."""
    pixels = torch.zeros(len(values), 2, 3, 64, 64, dtype=torch.uint8)
    return EyePairs(faces or tuple(range(len(values))), pixels, torch.tensor(values))


@pytest.fixture(autouse=True)
def reader(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Stands in for the network: the turn comes back as the openness."""
    sizes: list[int] = []

    def read(pixels: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
        sizes.append(len(pixels))
        return turns

    monkeypatch.setattr(eyes, "load_eye_reader", lambda device: read)
    return sizes


def test_every_face_gets_its_own(reader) -> None:
    found = with_eyes([record(2), record(0), record(3)], [(0, pairs(0.25, 0.75)), (2, pairs(0.5, faces=(1,)))], CPU)
    assert [[face.eyes_open for face in one.faces] for one in found] == [[0.25, 0.75], [], [None, 0.5, None]]
    assert reader == [3]  # one pass for all


def test_hidden_eyes_stay_unknown() -> None:
    (found,) = with_eyes([record(1)], [(0, pairs(float("nan")))], CPU)
    assert found.faces[0].eyes_open is None


def test_no_eyes_no_pass(reader) -> None:
    records = [record(1)]
    assert with_eyes(records, [], CPU) == records
    assert reader == []


def test_the_lowest_is_of_those_known() -> None:
    faces = record(3).faces
    assert lowest_openness(faces) is None
    assert lowest_openness((replace(faces[0], eyes_open=0.9), faces[1], replace(faces[2], eyes_open=0.2))) == 0.2
