"""What a person has said of photos bears on the choice: rejected is no pick, rated or flagged is no reject."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from piqa_cli.photos.ratings import ByHand
from piqa_cli.ranking.by_hand import said_of_shoot
from piqa_cli.ranking.options import Choice, GroupOptions, Top
from piqa_cli.ranking.ranked import RankedPhoto, rank_shoot
from piqa_cli.records import PhotoScore
from tests.ranking.made_scores import blind, photo
from tests.ranking.shoots import DARKTABLE, LIGHTROOM, rated

REJECTED, FIVE, PICKED = ByHand(-1), ByHand(5), ByHand(picked=True)
SHOOT = [  # a burst abc, f and g alone
    photo("a", 90, at=0),
    photo("b", 80, at=1),
    photo("c", 70, at=2),
    photo("f", 50, at=40),
    photo("g", 10, at=60),
]


def ranked(shoot: list[PhotoScore], choice: Choice, **said: ByHand) -> dict[str, RankedPhoto]:
    by_hand = {n: said[score.path.name] for n, score in enumerate(shoot) if score.path.name in said}
    found = rank_shoot(shoot, GroupOptions(), choice, None, blind, by_hand)
    return {one.score.path.name: one for one in found}


def picks(found: dict[str, RankedPhoto]) -> str:
    return "".join(name for name, one in found.items() if one.decision == "pick")


def test_the_next_best_of_the_group_is_picked() -> None:
    found = ranked(SHOOT, Choice(per_group=1), a=REJECTED)
    assert picks(found) == "bfg"
    assert (found["a"].decision, found["a"].decision_reason) == ("keep", "rejected by hand")
    assert [found[name].rank_in_group for name in "abc"] == [3, 1, 2]
    assert [found[name].best_of_group for name in "abc"] == [False, True, False]
    assert found["b"].decision_reason == "best of 3 in burst-001"
    assert (found["a"].rank, found["b"].rank) == (1, 2)  # by score, as ever


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(top=Top(count=2)), "bc"),
        (Choice(top=Top(share=0.5)), "bc"),
        (Choice(top=Top(share=1.0)), "bcfg"),
        (Choice(max_photos=1), "b"),
        (Choice(min_score=60), "bc"),
        (Choice(per_group=3), "bcfg"),
    ],
    ids=str,
)
def test_no_condition_picks_what_was_rejected_or_gives_it_a_place(choice: Choice, expected: str) -> None:
    assert picks(ranked(SHOOT, choice, a=REJECTED)) == expected


def test_a_group_of_rejected_photos_has_no_pick() -> None:
    found = ranked(SHOOT, Choice(per_group=1, reject_below=60), a=REJECTED, b=REJECTED, c=REJECTED, g=REJECTED)
    assert {name for name, one in found.items() if one.decision == "keep"} == {"a", "b", "c"}
    assert {name for name, one in found.items() if one.decision == "reject"} == {"f", "g"}


@pytest.mark.parametrize(
    ("said", "words"),
    [(FIVE, "rated by hand: 5 stars"), (ByHand(1), "rated by hand: 1 star"), (PICKED, "picked by hand")],
)
def test_what_somebody_rated_or_picked_is_not_rejected(said: ByHand, words: str) -> None:
    found = ranked(SHOOT, Choice(reject_below=60, per_group=1), g=said)
    assert (found["f"].decision, found["f"].stars) == ("reject", -1)
    assert (found["g"].decision, found["g"].stars) == ("keep", 1)
    assert found["g"].decision_reason == f"scores below --reject-below 60, but {words}"


def test_stars_by_hand_make_no_pick() -> None:
    assert picks(ranked(SHOOT, Choice(per_group=1), c=FIVE, b=PICKED)) == "afg"


def test_a_frame_of_a_bracket_that_was_rejected_stays_behind() -> None:
    frames = [photo(f"{n}", 80 - n, at=10 + 0.3 * n, exposure_bias=bias) for n, bias in enumerate((0.0, -2.0, 2.0))]
    shoot = [photo("a", 75, at=0), *frames]
    assert picks(ranked(shoot, Choice(max_photos=2), **{"0": REJECTED})) == "12"
    found = ranked(shoot, Choice(top=Top(count=9)), **{"0": REJECTED, "1": REJECTED, "2": REJECTED})
    assert picks(found) == "a"
    assert {found[name].decision_reason for name in "012"} == {"rejected by hand"}


def said_of(*scores: PhotoScore) -> dict[int, str | None]:
    return {place: said.words for place, said in said_of_shoot(scores).items()}


def test_both_files_of_a_shot_are_asked(tmp_path: Path) -> None:
    shot = replace(photo(str(tmp_path / "IMG_1.JPG")), raw_mate=tmp_path / "IMG_1.CR2")
    for file in (shot.path, shot.raw_mate):
        file.write_bytes(b"x")
    assert said_of(photo("gone"), shot) == {}
    (tmp_path / "IMG_1.JPG.xmp").write_text(DARKTABLE.replace('Rating="0"', 'Rating="3"'))
    assert said_of(photo("gone"), shot) == {1: "3 stars"}
    (tmp_path / "IMG_1.CR2.xmp").write_text(DARKTABLE.replace('Rating="0"', 'Rating="-1"'))
    assert said_of(photo("gone"), shot) == {1: "rejected"}


def test_the_raw_files_sidecar_says_nothing_of_the_edited_photo_beside_it(tmp_path: Path) -> None:
    raw, edited = (photo(str(tmp_path / name)) for name in ("IMG_1.CR2", "IMG_1.tif"))
    for shot in (raw, edited):
        shot.path.write_bytes(b"x")
    (tmp_path / "IMG_1.xmp").write_text(rated(LIGHTROOM, -1))
    assert said_of(raw, edited) == {0: "rejected"}


def test_what_cannot_be_read_says_nothing_and_is_told(tmp_path: Path) -> None:
    shot = photo(str(tmp_path / "IMG_1.JPG"))
    shot.path.write_bytes(b"x")
    (tmp_path / "IMG_1.xmp").write_text("<torn")
    wrong: list[Path] = []
    assert said_of_shoot([shot, photo(str(tmp_path / "bad.jpg"), None)], lambda error: wrong.append(error.path)) == {}
    assert wrong == [tmp_path / "IMG_1.xmp"]
