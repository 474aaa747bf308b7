from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from piqa_cli.ranking.copies import find_copies
from tests.ranking.made_scores import photo


def test_copies_are_known_by_name_and_look() -> None:
    shoot = [
        photo("s/best/picks/IMG_1.JPG", 90, at=0),
        photo("s/IMG_1.JPG", 90, at=0),
        photo("s/best/picks/IMG_1-2.JPG", 80, at=9),
        photo("s/b/IMG_1.JPG", 80, at=9),
        photo("s/IMG_2.JPG", 70),
        photo("s/b/IMG_2.JPG", 60),  # another photo of that name
        photo("s/IMG_3.JPG", 50),
        photo("s/IMG_3-2.JPG", 50),  # in one folder
        photo("s/c/IMG_4.JPG", None),
        photo("s/IMG_4.JPG", None),
    ]
    assert find_copies(shoot) == [
        (Path("s/best/picks/IMG_1.JPG"), Path("s/IMG_1.JPG")),
        (Path("s/best/picks/IMG_1-2.JPG"), Path("s/b/IMG_1.JPG")),
    ]


def test_a_copy_is_known_whatever_it_was_scored_along_with() -> None:
    """Its raw score is that of the original but for the last digits, which depend on the batch."""
    original, copy = photo("s/IMG_1.JPG", 90), photo("s/best/IMG_1.JPG", 90)
    copy = replace(copy, raw_score=copy.raw_score + 2e-6)
    assert find_copies([original, copy]) == [(copy.path, original.path)]
    assert find_copies([original, replace(copy, raw_score=copy.raw_score + 0.01)]) == []
