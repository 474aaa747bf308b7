from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from skimage import data

from piqa_cli.ranking.options import Choice, GroupOptions, Top
from piqa_cli.ranking.overlap import SIDE, best_shift, small
from piqa_cli.ranking.ranked import rank_shoot
from piqa_cli.ranking.sequence import sequences
from piqa_cli.ranking.sweeps import find_sweeps, look_at
from piqa_cli.records import PhotoScore
from tests.ranking.made_scores import FACE, photo

SCENES = {"coffee": data.coffee, "rocket": data.rocket, "cat": data.chelsea}


def frames(name: str, count: int, step: float, *, down: bool = False) -> list[Image.Image]:
    """Windows of a photo, each `step` of its own size further on."""
    scene = Image.fromarray(SCENES[name]())
    scene = scene.transpose(Image.Transpose.ROTATE_90) if down else scene
    width, height = scene.size
    share = 1 / (1 + step * (count - 1))
    size = (width, int(height * share)) if down else (int(width * share), height)
    moves = [int(n * step * (size[1] if down else size[0])) for n in range(count)]
    return [scene.crop((0, m, size[0], m + size[1]) if down else (m, 0, m + size[0], size[1])) for m in moves]


def shoot(folder: Path, images: list[Image.Image], pause: float = 2.0, **fields: object) -> list[PhotoScore]:
    photos = []
    for n, image in enumerate(images):
        path = folder / f"{n}.png"
        image.save(path)
        settings = {"faces": 0, "focal_length_mm": 35.0, "shutter_s": 1 / 250, "aperture": 8.0, "iso": 100, **fields}
        photos.append(photo(str(path), at=n * pause, **settings))  # type: ignore[arg-type]
    return photos


def sweeps(photos: list[PhotoScore]) -> list[list[str]]:
    look = look_at(200)
    return [[s.score.path.stem for s in sweep] for shots in sequences(photos) for sweep in find_sweeps(shots, look)]


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("step", [0.3, 0.6])
def test_the_shift_is_found(scene: str, step: float) -> None:
    first, second = frames(scene, 2, step)
    second = ImageEnhance.Brightness(second).enhance(1.2)
    shift = best_shift(small(first), small(second))
    assert max(small(first).shape) == SIDE
    assert shift is not None
    assert shift.x == pytest.approx(step, abs=0.05)
    assert shift.y == pytest.approx(0, abs=0.05)
    assert shift.correlation > 0.5


def test_correlation_is_that_of_the_overlapping_parts() -> None:
    noise = np.random.default_rng(0).random((30, 40)).astype(np.float32)
    shift = best_shift(noise[:, :30], noise[:, 10:])
    assert shift is not None
    assert (shift.x, shift.y) == (pytest.approx(10 / 30), 0)
    assert shift.correlation == pytest.approx(1, abs=1e-4)
    assert best_shift(noise, noise[:, 1:]) is None
    flat = best_shift(np.zeros((20, 20), np.float32), np.zeros((20, 20), np.float32))
    assert flat is not None
    assert abs(flat.correlation) < 0.5


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("down", [False, True], ids=["across", "down"])
def test_a_sweep_is_found_whole(tmp_path: Path, scene: str, down: bool) -> None:
    assert sweeps(shoot(tmp_path, frames(scene, 4, 0.4, down=down))) == [["0", "1", "2", "3"]]
    assert sweeps(shoot(tmp_path, frames(scene, 4, 0.4, down=down)[::-1])) == [["0", "1", "2", "3"]]


def test_a_person_in_some_frames_does_not_end_it(tmp_path: Path) -> None:
    photos = shoot(tmp_path, frames("coffee", 5, 0.4))
    photos[1:3] = [photo(str(p.path), at=2.0 * n, focal_length_mm=35.0, faces=1) for n, p in enumerate(photos[1:3], 1)]
    assert sweeps(photos) == [["0", "1", "2", "3", "4"]]


def test_a_person_in_every_other_frame_does_not_end_it(tmp_path: Path) -> None:
    photos = shoot(tmp_path, frames("coffee", 4, 0.4))
    photos = [replace(p, faces=(FACE,) * (n % 2)) for n, p in enumerate(photos)]
    assert sweeps(photos) == [["0", "1", "2", "3"]]


def test_portraits_are_not_even_opened(tmp_path: Path) -> None:
    opened: list[Path] = []
    [shots] = sequences(shoot(tmp_path, frames("coffee", 4, 0.4), faces=1))
    assert list(find_sweeps(shots, opened.append)) == []
    assert opened == []


@pytest.mark.parametrize(
    "spoil",
    [
        {"pause": 60.0},
        {"focal_length_mm": None},
    ],
    ids=["pauses", "no focal length"],
)
def test_no_sweep(tmp_path: Path, spoil: dict[str, object]) -> None:
    assert sweeps(shoot(tmp_path, frames("coffee", 4, 0.4), **spoil)) == []  # type: ignore[arg-type]


def test_a_still_camera_makes_no_sweep(tmp_path: Path) -> None:
    assert sweeps(shoot(tmp_path, [frames("coffee", 1, 0.4)[0]] * 4)) == []


def test_a_camera_that_turns_aslant_makes_no_sweep(tmp_path: Path) -> None:
    scene = Image.fromarray(data.coffee())
    assert sweeps(shoot(tmp_path, [scene.crop((60 * n, 40 * n, 60 * n + 300, 40 * n + 200)) for n in range(4)])) == []


@pytest.mark.parametrize("down", [False, True], ids=["across", "down"])
def test_there_and_back_are_two_sweeps(tmp_path: Path, down: bool) -> None:
    there = frames("coffee", 4, 0.3, down=down)
    assert sweeps(shoot(tmp_path, [*there, *there[2::-1]])) == [["0", "1", "2", "3"], ["4", "5", "6"]]


def test_two_frames_are_none_and_files_that_are_gone_are_none(tmp_path: Path) -> None:
    assert sweeps(shoot(tmp_path, frames("coffee", 2, 0.4))) == []
    photos = shoot(tmp_path, frames("coffee", 4, 0.4))
    (tmp_path / "2.png").unlink()
    assert sweeps(photos) == []


def test_a_sweep_is_picked_whole(tmp_path: Path) -> None:
    photos = shoot(tmp_path, frames("coffee", 4, 0.4))
    photos = [replace(p, score=30.0 + 20 * n) for n, p in enumerate(photos)]
    photos.append(photo("z.png", 80, at=600))
    ranked = rank_shoot(photos, GroupOptions(), Choice(top=Top(count=1)), None, look_at(200))
    assert [(p.score.path.stem, p.decision, p.kept_whole) for p in ranked] == [
        ("3", "pick", "panorama"),
        ("z", "keep", None),
        ("2", "pick", "panorama"),
        ("1", "pick", "panorama"),
        ("0", "pick", "panorama"),
    ]
    assert ranked[2].decision_reason.startswith("panorama sweep of 4, kept whole; ")


def test_a_sweep_before_an_exposure_bracket_is_found(tmp_path: Path) -> None:
    photos = shoot(tmp_path, frames("coffee", 3, 0.4))
    photos += [photo(f"b{n}.png", at=600 + n, exposure_bias=bias) for n, bias in enumerate((0.0, -1.0, 1.0))]
    ranked = rank_shoot(photos, GroupOptions(), Choice(), None, look_at(200))
    found = {p.score.path.stem: p.kept_whole for p in ranked}
    assert found == {**dict.fromkeys(("0", "1", "2"), "panorama"), **dict.fromkeys(("b0", "b1", "b2"), "bracket")}
