"""Rows on their way to a manifest: every reader checks its cells here, and all problems come out together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from piqa_cli.errors import UsageError
from piqa_training.datasets.label_file import LabelFile, LabelRow
from piqa_training.datasets.listing import Listing
from piqa_training.manifest import LARGEST_SCORE, OPTIONAL, SCHEMA, Manifest, Split

PROBLEMS_SHOWN = 10
SPLIT_NAMES: dict[str, Split] = {  # without regard to case
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a label file."""

    kind: str  # "missing image", "duplicate row", ...
    file: Path
    place: str  # "line 7", "row 6"
    column: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}, column {self.column}: {self.text}"


class Draft:
    """Collects the rows and the problems of one data set.

    The methods that read a cell return None, and note a problem, where it cannot be used; `add` drops such rows, and
    `finish` raises when there was any problem.
    """

    def __init__(self, dataset: str) -> None:
        self._dataset = dataset
        self._rows: list[dict[str, str | float | None]] = []
        self._problems: list[Problem] = []
        self._listing = Listing()
        self._seen: dict[tuple[Path, str], str] = {}  # photo or video, and its data set -> where its label is

    def note(self, kind: str, file: LabelFile, row: LabelRow, column: str, text: str) -> None:
        """Note a problem."""
        shown = text if text.isprintable() else repr(text)  # messages are one line
        self._problems.append(Problem(kind, file.path, row.place, column, shown))

    def check_width(self, file: LabelFile) -> None:
        """Note the rows with more cells than the file has columns."""
        for row in file:
            if row.surplus:
                extra = ", ".join(row.surplus)
                text = f"more cells than columns: {extra}"
                if all(cell.isdecimal() for cell in row.surplus):
                    text += " (write numbers with a point, or in quotes)"
                self.note("row of wrong width", file, row, file.columns[-1], text)

    def text(self, file: LabelFile, row: LabelRow, column: str) -> str | None:
        """A cell that must not be empty."""
        if not row[column]:
            self.note("empty cell", file, row, column, "the cell is empty")
        return row[column] or None

    def number(self, file: LabelFile, row: LabelRow, column: str) -> float | None:
        """A finite number, at most `LARGEST_SCORE` on either side of 0."""
        text = self.text(file, row, column)
        if text is None:
            return None
        value = _number(text)
        if value is None or not math.isfinite(value):
            point = " (write it with a point)" if "," in text else ""
            what = f"not a {'' if value is None else 'finite '}number"
            self.note("bad number", file, row, column, f"{what}: {text!r}{point}")
            return None
        if abs(value) > LARGEST_SCORE:
            self.note("bad number", file, row, column, f"too large for a score: {text!r}")
            return None
        return value

    def spread(self, file: LabelFile, row: LabelRow, column: str) -> float | None:
        """A standard deviation; an empty or NaN cell, or a column that is not there, means that it is not known."""
        text = row[column]
        value = _number(text) if text else math.nan
        if value is None or value < 0 or value > LARGEST_SCORE:  # as good as infinite
            what = "not a number" if value is None else "a standard deviation cannot be negative or infinite"
            self.note("bad number", file, row, column, f"{what}: {text!r}")
            return None
        return None if math.isnan(value) else value

    def split(self, file: LabelFile, row: LabelRow, column: str) -> Split | None:
        """train, val or test, without regard to case; `training`, `validation` and `testing` too."""
        text = self.text(file, row, column)
        known = SPLIT_NAMES.get((text or "").casefold())
        if text and known is None:
            self.note("unknown split", file, row, column, f"unknown split {text!r}, use train, val or test")
        return known

    def find(
        self, file: LabelFile, row: LabelRow, column: str, spelled: str, bases: Sequence[Path], dataset: str = ""
    ) -> Path | None:
        """The file called `spelled` below the first of `bases` that has it; a data set may label each file once."""
        return self.claim(file, row, column, spelled, self._listing.first(bases, spelled), dataset)

    def claim(
        self, file: LabelFile, row: LabelRow, column: str, spelled: str, path: Path | None, dataset: str = ""
    ) -> Path | None:
        """The same for a path that was looked up already, None where nothing was found."""
        if path is None or not path.is_file():
            self.note("missing file", file, row, column, f"no such file: {spelled}")
            return None
        if (path, dataset) in self._seen:
            before = self._seen[path, dataset]
            self.note("duplicate row", file, row, column, f"{spelled} is labelled at {before} already")
            return None
        self._seen[path, dataset] = row.place
        return path

    def add(self, image: Path | None, score: float | None, split: Split | None, **more: str | float | None) -> None:
        """Add a photo; nothing happens where a part of it could not be read. `more`: std, scene, clip, features."""
        if image is None or score is None or split is None:
            return
        self._rows.append({"image": str(image), "score": score, "split": split, "dataset": self._dataset, **more})

    def check(self, hint: str = "correct these rows or remove them") -> None:
        """Raise UsageError where there were problems: the message says how many of which kind, the hint the first."""
        if self._problems:
            raise _error(self._problems, hint)

    def finish(self, hint: str = "correct these rows or remove them") -> Manifest:
        """The manifest. Raises UsageError as `check` does."""
        self.check(hint)
        used = {name for row in self._rows for name in row}
        optional = {name: kind for name, kind in OPTIONAL.items() if name in used}
        return Manifest(pl.DataFrame(self._rows, schema=SCHEMA | optional))


def _error(problems: Sequence[Problem], hint: str) -> UsageError:
    first = problems[0]
    if len(problems) == 1:
        return UsageError(f"{first.file}, {first}", hint=hint)
    kinds = Counter(problem.kind for problem in problems)
    summary = ", ".join(f"{kind} x {count:,}" for kind, count in kinds.most_common())
    shown = [
        str(problem) if problem.file == first.file else f"{problem.file.name} {problem}"
        for problem in _worth_showing(problems)
    ]
    more = len(problems) - len(shown)
    rest = f"; and {more:,} more" if more else ""
    return UsageError(f"{first.file}: {len(problems):,} problems: {summary}", hint=f"{'; '.join(shown)}{rest}. {hint}")


def _worth_showing(problems: Sequence[Problem]) -> list[Problem]:
    """The first of every kind and then the first ones, in their order: a thousand missing files hide nothing else."""
    first_of_kind = {problem.kind: place for place, problem in reversed(list(enumerate(problems)))}
    places = [*first_of_kind.values(), *range(len(problems))]
    return [problems[place] for place in sorted(list(dict.fromkeys(places))[:PROBLEMS_SHOWN])]


def _number(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)  # Python's digit separators are no part of a data file
    except ValueError:
        return None
