"""A photographer's own ratings as a data set: stars become scores, shooting days or folders become scenes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from piqa_cli.errors import PhotoError, UsageError
from piqa_cli.photos.discover import discover
from piqa_cli.photos.exif import read_capture
from piqa_cli.photos.ratings import REJECTED, read_rating
from piqa_cli.records import PhotoFile, counted
from piqa_training.datasets.table import TEST_SHARE, with_tested
from piqa_training.manifest import SCHEMA, Manifest, check_share, held_out, lot

NAME = "ratings"
LEAST_RATED = 20  # photos with stars; below this there is not even a test to speak of
REJECT_SCORE = 0.0  # one star below one star
_LARGEST_SHARE = 0.4  # of the photos, that one held-out day may cost

Scenes = Literal["day", "folder"]
Notes = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Rated:
    path: Path
    stars: float
    folder: str  # relative to the folder that was asked for
    day: str | None  # of the camera's clock


def read_ratings(
    folder: Path,
    *,
    scenes: Scenes = "day",
    test_share: float = TEST_SHARE,
    seed: int = 0,
    least: int = LEAST_RATED,
    on_note: Notes | None = None,
) -> Manifest:
    """Read the stars in embedded XMP, sidecars and EXIF of all photos below `folder`.

    Scores are 1 to 5 stars, and 0 for a reject. Photos without a rating, or with a rating of 0, are left out. A photo
    without a capture date counts to the day of its folder. Whole days are held out for the test, about `test_share` of
    the photos, chosen by `seed` and their dates; where there are too few days for that, photos of every scene are.

    Args:
        folder: is walked with its sub-folders; photos are only read.
        scenes: what photos are compared within: "day" of capture, or "folder".
        test_share: of the photos, from 0 to below 1.
        seed: for the choice of days.
        least: rated photos that there have to be.
        on_note: gets what is worth knowing, a line each: photos left out, ratings that could not be read.

    Raises:
        UsageError: `folder` is none, too few photos are rated, they give nothing to compare, or `test_share` is out of
            its range.
    """
    check_share(test_share)
    if folder.is_file():
        raise UsageError(
            f"{folder}: is a file, wanted a folder of rated photos", hint="name the folder that it lies in"
        )
    note = on_note or (lambda _: None)
    photos = list(discover([folder]))
    rated = _rated(folder, photos, note)
    if len(rated) < least:
        raise UsageError(
            f"{len(rated)} of {len(photos)} photos in {folder} have stars or are rejected; at least {least} are needed",
            hint="rate photos in your photo program and let it save metadata to the files (or .xmp files beside them); "
            "a few hundred make a good start",
        )
    _check_stars(folder, rated)
    manifest = _with_test_days(rated, _manifest(rated, scenes), test_share, seed, note)
    _check_pairs(manifest, folder, scenes)
    return manifest


def _rated(folder: Path, photos: Sequence[PhotoFile], note: Notes) -> list[_Rated]:
    problems: list[PhotoError] = []
    rated = []
    for photo in photos:
        rating = read_rating(photo.path, problems.append)
        if not rating and photo.raw_mate:  # cameras write "unrated" into their JPEGs
            rating = read_rating(photo.raw_mate, problems.append)
        if rating:
            rated.append(_labelled(folder, photo.path, rating))
    if problems:
        count = counted(len(problems), "rating")
        note(f"{count} could not be read, as that of {problems[0].path}: {problems[0].message}")
    if len(rated) < len(photos):
        unrated = len(photos) - len(rated)
        has, is_ = ("has", "is") if unrated == 1 else ("have", "are")
        note(f"{unrated} of {len(photos)} photos {has} no rating and {is_} left out")
    undated = sum(photo.day is None for photo in rated)
    if undated:
        note(f"{counted(undated, 'rated photo')} without a capture date; all of a folder count as one day")
    return rated


def _labelled(folder: Path, path: Path, rating: int) -> _Rated:
    taken = read_capture(path).captured_at
    stars = REJECT_SCORE if rating == REJECTED else float(rating)
    inside = path.absolute().parent.relative_to(folder.absolute()).as_posix()
    return _Rated(path.absolute(), stars, inside, taken.date().isoformat() if taken else None)


def _check_stars(folder: Path, rated: Sequence[_Rated]) -> None:
    counts = Counter(photo.stars for photo in rated)
    if len(counts) == 1:
        stars = next(iter(counts))
        what = "are rejects" if stars == REJECT_SCORE else f"have {stars:g} star{'s' * (stars > 1)}"
        raise UsageError(
            f"all {len(rated)} rated photos in {folder} {what}: there is nothing to compare",
            hint="rate better and worse photos of the same shoots differently; a reject counts as no star",
        )


def _check_pairs(manifest: Manifest, folder: Path, scenes: Scenes) -> None:
    varied = pl.col("score").n_unique().over("scene") > 1
    if not manifest.part("train").frame.filter(varied).height:
        other = "folder" if scenes == "day" else "day"
        raise UsageError(
            f"in {folder} no {scenes} has two training photos with different stars: there is nothing to compare",
            hint=f"use --scenes {other}, or rate more photos of the same {scenes}",
        )


def _manifest(rated: Sequence[_Rated], scenes: Scenes) -> Manifest:
    rows = [
        {
            "image": str(photo.path),
            "score": photo.stars,
            "scene": _day(photo) if scenes == "day" else photo.folder,
            "split": "train",
            "dataset": NAME,
        }
        for photo in rated
    ]
    return Manifest(pl.DataFrame(rows, schema=SCHEMA))


def _day(photo: _Rated) -> str:
    return photo.day or photo.folder


def _with_test_days(rated: Sequence[_Rated], manifest: Manifest, share: float, seed: int, note: Notes) -> Manifest:
    days = _test_days(rated, share, seed)
    if days:
        tested = [str(photo.path) for photo in rated if _day(photo) in days]
    else:
        tested = held_out(manifest.frame, share, seed, by_scene=False)
        if tested:
            note("too few shooting days to hold out whole ones: the test photos are of the same days as the others")
    return with_tested(manifest, tested)


def _test_days(rated: Sequence[_Rated], share: float, seed: int) -> set[str]:
    """Days in an order drawn by their date, as near to `share` of the photos as whole days come, none too large."""
    sizes = Counter(_day(photo) for photo in rated)
    stars = {day: {photo.stars for photo in rated if _day(photo) == day} for day in sizes}
    wanted, most = share * len(rated), max(_LARGEST_SHARE, share) * len(rated)
    varied = sum(len(of_day) > 1 for of_day in stars.values())
    chosen: set[str] = set()
    held = 0
    for day in sorted(sizes, key=lambda day: lot(seed, day)):
        if held >= wanted or len(chosen) == varied - 1:  # one has to be left to train on
            break
        nearer = not held or held + sizes[day] - wanted <= wanted - held
        if len(stars[day]) > 1 and nearer and held + sizes[day] <= most:
            chosen.add(day)
            held += sizes[day]
    return chosen
