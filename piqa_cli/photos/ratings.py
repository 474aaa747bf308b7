"""The rating that a person gave a photo, wherever it was written: sidecars, XMP in the photo, EXIF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from piqa_cli.errors import PhotoError
from piqa_cli.photos.metadata import OWN_PREFIX, Properties, read_embedded, read_sidecar
from piqa_cli.photos.sidecars import existing_sidecars

REJECTED = -1
RATING = "Xmp.xmp.Rating"
PICK_LABEL = "Xmp.digiKam.PickLabel"
OWN_RATING = f"Xmp.{OWN_PREFIX}.Rating"  # what piqa wrote last
OWN_RATING_BEFORE = f"Xmp.{OWN_PREFIX}.RatingBefore"  # what it found there at first
OWN_PICK_LABEL = f"Xmp.{OWN_PREFIX}.PickLabel"

_MICROSOFT_RATING = "Xmp.MicrosoftPhoto.Rating"
_PERCENT_TO_STARS = {0: 0, 1: 1, 25: 2, 50: 3, 75: 4, 99: 5}  # what Windows writes
_PICKED_REJECTED = "1"

ProblemHandler = Callable[[PhotoError], None]


def read_rating(path: Path, on_problem: ProblemHandler | None = None) -> int | None:
    """The rating of a photo: -1 rejected, 0 explicitly unrated, 1-5 stars; None where nobody gave one.

    Sidecars come first, the one written last before the other, then XMP in the photo, then EXIF (Rating, tag 0x4746,
    then RatingPercent). A source that says nothing about a rating is passed over, and so is one that is malformed:
    that goes to `on_problem`. What piqa itself wrote is no person's rating: the one that it replaced counts instead,
    if there was any. Nor is what programs such as digiKam repeat of it, when they write anything else, as a percentage
    or in EXIF.
    """
    own: set[int] = set()  # what piqa wrote, and nobody has changed

    def report(error: PhotoError) -> None:
        if on_problem is not None:
            on_problem(error)

    for sidecar in existing_sidecars(path):
        try:
            rating = _rating_in(read_sidecar(sidecar), sidecar, report, own)
        except PhotoError as error:
            report(error)
            continue
        if rating is not None:
            return rating
    try:
        embedded = read_embedded(path)
    except PhotoError as error:
        report(error)
        return None
    rating = _rating_in(embedded.xmp, path, report, own)
    if rating is not None:
        return rating
    rating = _exif_rating(embedded.exif, path, report)
    return None if rating in own else rating


def _rating_in(xmp: Properties, path: Path, report: ProblemHandler, own: set[int]) -> int | None:
    """The rating in one XMP packet, by the rules of `read_rating`; what piqa wrote there is added to `own`."""
    rating, pick = xmp.get(RATING), xmp.get(PICK_LABEL)
    if rating is not None and rating == xmp.get(OWN_RATING):
        own.update(filter(None, [_stars(rating, path, report)]))
        rating = xmp.get(OWN_RATING_BEFORE)
    if pick == _PICKED_REJECTED and pick != xmp.get(OWN_PICK_LABEL):
        return REJECTED
    if rating is not None:
        return _stars(rating, path, report)
    microsoft = xmp.get(_MICROSOFT_RATING)
    stars = None if microsoft is None else _stars_of_percent(microsoft, path, report)
    return None if stars in own else stars


def _exif_rating(exif: Properties, path: Path, report: ProblemHandler) -> int | None:
    rating, percent = exif.get("Exif.Image.Rating"), exif.get("Exif.Image.RatingPercent")
    if rating is not None:
        return _stars(rating, path, report)
    return None if percent is None else _stars_of_percent(percent, path, report)


def _stars(text: str, path: Path, report: ProblemHandler) -> int | None:
    """-1 to 5; some programs write "3.0"."""
    value = _number(text)
    if value is None or not -1 <= value <= 5 or value != round(value):
        report(PhotoError(f"rating {text!r} is none of -1 to 5; it is passed over", path=path))
        return None
    return round(value)


def _stars_of_percent(text: str, path: Path, report: ProblemHandler) -> int | None:
    """0-99 -> stars; between the values that Windows writes, the next lower one counts."""
    value = _number(text)
    if value is None or not 0 <= value <= 100:
        report(PhotoError(f"rating {text!r} is no percentage; it is passed over", path=path))
        return None
    return max(stars for percent, stars in _PERCENT_TO_STARS.items() if percent <= value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
