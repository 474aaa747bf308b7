"""What a person said of a photo, wherever it was written: sidecars, XMP in the photo, EXIF."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
OWN_PICK_LABEL_BEFORE = f"Xmp.{OWN_PREFIX}.PickLabelBefore"
OWN_BY_HAND = "ByHand"  # in piqa's namespace: the choice that it wrote is a person's

_DARKTABLE = "Xmp.darktable.xmp_version"  # in every sidecar of darktable
_FLAG = "Xmp.xmpDM.pick"  # Lightroom's
_FLAGGED, _FLAGGED_REJECTED = "1", "-1"
_MICROSOFT_RATING = "Xmp.MicrosoftPhoto.Rating"
_PERCENT_TO_STARS = {0: 0, 1: 1, 25: 2, 50: 3, 75: 4, 99: 5}  # what Windows writes
_PICKED_REJECTED, _PICKED_ACCEPTED = "1", "3"

ProblemHandler = Callable[[PhotoError], None]


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a person said of a photo."""

    rating: int | None = None  # -1 rejected, 0 explicitly unrated, 1-5 stars; None: nobody gave one
    picked: bool = False  # digiKam's pick label says accepted, or Lightroom's flag is set

    @property
    def rejected(self) -> bool:
        """Whether it is not wanted, whatever else was said."""
        return self.rating == REJECTED

    @property
    def wanted(self) -> bool:
        """Whether it is to be kept: picked, or with stars."""
        return not self.rejected and (self.picked or bool(self.rating))

    @property
    def words(self) -> str | None:
        """In words: "rejected", "4 stars", "picked"; None: nothing was said, 0 stars included."""
        if self.rating:
            return "rejected" if self.rejected else f"{self.rating} star{'s' * (self.rating > 1)}"
        return "picked" if self.picked else None


def read_rating(path: Path, on_problem: ProblemHandler | None = None) -> int | None:
    """The rating of `read_by_hand`: -1 rejected, 0 explicitly unrated, 1-5 stars; None where nobody gave one."""
    return read_by_hand(path, existing_sidecars(path), on_problem).rating


def as_said(xmp: Properties) -> Properties:
    """The properties of a packet without piqa's notes where a person made the choice that it wrote."""
    if f"Xmp.{OWN_PREFIX}.{OWN_BY_HAND}" not in xmp:
        return xmp
    return {key: value for key, value in xmp.items() if not key.startswith(f"Xmp.{OWN_PREFIX}.")}


def is_unrated(rating: str | None, xmp: Properties) -> bool:
    """Whether a rating in this packet is nobody's: 0, or the one star that darktable gives to whatever it imports."""
    return rating in (None, "0") or (rating == "1" and _DARKTABLE in xmp)


def read_by_hand(
    path: Path, sidecars: Iterable[Path], on_problem: ProblemHandler | None = None, *, through_piqa: bool = True
) -> ByHand:
    """What a person said of the photo at `path`; nothing where there is no such file.

    Sidecars come first, in the order given, then XMP in the photo, then EXIF (Rating, tag 0x4746, then RatingPercent).
    A source that says nothing about a rating is passed over, and so is one that is malformed: that goes to
    `on_problem`. What piqa itself wrote is no person's rating: the one that it replaced counts instead, if there was
    any. Nor is what programs such as digiKam and Lightroom repeat of it, when they write anything else, as a
    percentage, as a flag or in EXIF. digiKam's pick label and Lightroom's flag reject as a rating of -1 does. What a
    person chose in a report, and piqa wrote down, counts unless `through_piqa` is false.
    """
    own: set[int] = set()  # what piqa wrote, and nobody has changed
    picked = False
    noted = as_said if through_piqa else dict

    def report(error: PhotoError) -> None:
        if on_problem is not None:
            on_problem(error)

    for sidecar in sidecars:
        try:
            xmp = noted(read_sidecar(sidecar))
        except PhotoError as error:
            report(error)
            continue
        picked = picked or _is_picked(xmp)
        rating = _rating_in(xmp, sidecar, report, own)
        if rating is not None:
            return ByHand(rating, picked)
    try:
        embedded = read_embedded(path)
    except PhotoError as error:
        report(error)
        return ByHand(None, picked)
    xmp = noted(embedded.xmp)
    picked = picked or _is_picked(xmp)
    rating = _rating_in(xmp, path, report, own)
    if rating is None:
        rating = _exif_rating(embedded.exif, path, report)
        rating = None if rating in own else rating
    return ByHand(rating, picked)


def _rating_in(xmp: Properties, path: Path, report: ProblemHandler, own: set[int]) -> int | None:
    """The rating in one XMP packet, by the rules of `read_by_hand`; what piqa wrote there is added to `own`."""
    rating = xmp.get(RATING)
    if rating is not None and rating == xmp.get(OWN_RATING):
        own.update(filter(None, [_stars(rating, path, report)]))
        rating = xmp.get(OWN_RATING_BEFORE)
    if _pick_label(xmp) == _PICKED_REJECTED or (xmp.get(_FLAG) == _FLAGGED_REJECTED and REJECTED not in own):
        return REJECTED
    if rating is not None:
        return 0 if is_unrated(rating, xmp) else _stars(rating, path, report)
    microsoft = xmp.get(_MICROSOFT_RATING)
    stars = None if microsoft is None else _stars_of_percent(microsoft, path, report)
    return None if stars in own else stars


def _is_picked(xmp: Properties) -> bool:
    return _pick_label(xmp) == _PICKED_ACCEPTED or xmp.get(_FLAG) == _FLAGGED


def _pick_label(xmp: Properties) -> str | None:
    """A person's pick label: what was there before where piqa wrote it."""
    label = xmp.get(PICK_LABEL)
    return xmp.get(OWN_PICK_LABEL_BEFORE) if label == xmp.get(OWN_PICK_LABEL) else label


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
