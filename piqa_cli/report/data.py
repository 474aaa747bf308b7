"""The data of a page: everything but the pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from piqa_cli import __version__
from piqa_cli.records import DEFECTS
from piqa_cli.report.columns import Columns, Groups, group_columns, mates_column, place_columns, table_columns
from piqa_cli.report.pictures import SUFFIX, Pictures
from piqa_cli.scoring.reasons import WORDS

FORMAT_VERSION = 1
DEFECT_THRESHOLD = 0.3
"""Severity from which a defect counts, where the model's own is not known."""


@dataclass(frozen=True, slots=True)
class About:
    """What the page says of itself."""

    title: str
    source: str  # what was reported, in words
    created: datetime
    grouping: str | None  # "burst", "folder", "table" (the groups are the table's own); None: no groups
    defect_threshold: float = DEFECT_THRESHOLD


@dataclass(slots=True)
class PageData:
    """The columns of a page, one value for each photo in each, and what stands beside them."""

    about: About
    columns: Columns
    groups: Groups
    model: str

    @property
    def count(self) -> int:
        """Photos."""
        return len(self.columns["path"])

    def add_pictures(self, pictures: Sequence[Pictures]) -> None:
        """Add what is known of the pictures; their bytes are not needed for it."""
        sizes = [one.thumb_size or (None, None) for one in pictures]
        self.columns |= {
            "thumb_w": [size[0] for size in sizes],
            "thumb_h": [size[1] for size in sizes],
            "face_crop": [one.face_crop for one in pictures],
            "thumb_error": [one.error for one in pictures],
        }

    def document(self, assets: str | None) -> dict[str, Any]:
        """What the page reads, see the module `page`; `assets` is the relative URL of the pictures, None: inside."""
        about = self.about
        return {
            "format": FORMAT_VERSION,
            "piqa": __version__,
            "id": self._identity(),
            "created": about.created.isoformat(),
            "title": about.title,
            "model": self.model,
            "source": about.source,
            "grouping": about.grouping,
            "defects": list(DEFECTS),
            "defect_words": WORDS,
            "defect_threshold": about.defect_threshold,
            "count": self.count,
            "assets": assets,
            "thumb_ext": SUFFIX,
            "groups": self.groups,
            "photos": self.columns,
        }

    def _identity(self) -> str:
        """The same for every report of the same photos: what a person chose in one is found again in the next."""
        photos = "\0".join(sorted(self.columns["photo"]))
        return hashlib.sha256(photos.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def page_data(frame: pl.DataFrame, about: About, folder: Path) -> PageData:
    """The data of a page in this folder, for a score table with the columns of ranking."""
    columns = table_columns(frame)
    columns |= place_columns(columns["path"], folder)
    columns["mates"] = mates_column(frame)
    grouped, groups = group_columns(frame)
    models = sorted(set(columns.pop("model", [])) - {None})
    return PageData(about, columns | grouped, groups, ", ".join(models))
