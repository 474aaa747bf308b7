from __future__ import annotations

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
