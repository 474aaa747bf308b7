from __future__ import annotations

import pytest

from piqa_cli.ranking.brackets import find_brackets
from piqa_cli.ranking.sequence import sequences
from piqa_cli.records import PhotoScore
from tests.ranking.made_scores import photo


def brackets(photos: list[PhotoScore]) -> list[list[str]]:
    return [[shot.score.path.name for shot in found] for shots in sequences(photos) for found in find_brackets(shots)]


def by_bias(*biases: float | None, step: float = 0.3) -> list[PhotoScore]:
    return [photo(f"{n}", at=n * step, exposure_bias=bias) for n, bias in enumerate(biases)]


@pytest.mark.parametrize(
    "biases",
    [
        (0, -1, 1),
        (-2, 0, 2),
        (0, -0.33, 0.33),
        (-0.7, 0, 0.7),
        (0, -1, 1, -2, 2),
        (0, -0.67, -1.33, 0.67, 1.33),
        (-3, -2, -1, 0),
        (0, 0.3, 0.6, 0.9, 1.2),
    ],
    ids=str,
)
def test_ladders(biases: tuple[float, ...]) -> None:
    assert brackets(by_bias(*biases)) == [[str(n) for n in range(len(biases))]]


@pytest.mark.parametrize(
    "biases",
    [(0, 0, 0), (0, -1), (0, -1, 0), (0, -1, 2), (0, 0.1, 0.2), (0, None, 1), (None, None, None), (0, 1, 3, 4)],
    ids=str,
)
def test_what_is_no_ladder(biases: tuple[float | None, ...]) -> None:
    assert brackets(by_bias(*biases)) == []


def test_brackets_one_after_the_other_and_photos_around_them() -> None:
    assert brackets(by_bias(0, 0, -1, 1, 0, -1, 1, 0, 0)) == [["1", "2", "3"], ["4", "5", "6"]]


def test_someone_turning_the_wheel_makes_no_bracket() -> None:
    assert brackets(by_bias(0, -1, 1, step=5.0)) == []


def test_long_exposures_are_no_pause() -> None:
    photos = [photo(f"{n}", at=n * 12, exposure_bias=bias, shutter_s=10.0) for n, bias in enumerate((0, -1, 1))]
    assert brackets(photos) == [["0", "1", "2"]]


def manual(*shutters: float | None, iso: tuple[int, ...] | None = None) -> list[PhotoScore]:
    isos = iso or (100,) * len(shutters)
    return [
        photo(f"{n}", at=n * 0.5, exposure_bias=0.0, shutter_s=shutter, aperture=8.0, iso=isos[n])
        for n, shutter in enumerate(shutters)
    ]


def test_a_bracket_in_manual_exposure_is_told_by_shutter_times() -> None:
    assert brackets(manual(1 / 125, 1 / 500, 1 / 30)) == [["0", "1", "2"]]
    assert brackets(manual(1 / 60, 1 / 30, 1 / 15)) == [["0", "1", "2"]]


def test_automatic_exposure_makes_no_bracket() -> None:
    assert brackets(manual(1 / 250, 1 / 320, 1 / 400)) == []
    assert brackets(manual(1 / 250, 1 / 500, 1 / 1000, iso=(100, 200, 400))) == []
    assert brackets(manual(1 / 250, 1 / 250, 1 / 250)) == []


def test_a_frame_of_unknown_exposure_is_in_no_bracket() -> None:
    assert brackets(manual(1 / 500, None, 1 / 30)) == []
