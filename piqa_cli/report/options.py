"""What a person asks `piqa report` for. Free of polars, Pillow and Jinja2, so that the command line can build it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from piqa_cli import __version__
from piqa_cli.scoring.options import FILE_TIMEOUT_S

DEFAULT_PAGE = Path("report.html")
"""Where a report goes that no place is named for: the folder at hand."""

GENERATOR = f"piqa {__version__} report"
"""What the page says it was made by; the first word is how piqa knows a report of its own again."""

MOST_INLINE = 1000
"""Reports of more photos keep their pictures beside them."""

PAGE_BYTES = 30_000_000
"""What a page with everything inside may weigh."""


class Grouping(StrEnum):
    """What makes a group of the contact sheet."""

    BURST = "burst"
    FOLDER = "folder"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How the page is made."""

    output: Path
    assets: Path | None = None  # where pictures go; None: into the page, or for many photos into `STEM_assets`
    force: bool = False  # overwrite what is no report of piqa
    workers: int | None = None  # processes that make pictures; None: chosen for the machine, 0: none
    max_megapixels: float = 200.0
    file_timeout: float = FILE_TIMEOUT_S  # seconds for the pictures of one photo

    @property
    def max_pixels(self) -> int:
        """The limit in pixels."""
        return int(self.max_megapixels * 1_000_000)

    def assets_for(self, photos: int) -> Path | None:
        """The folder for the pictures of so many photos; None: they go into the page."""
        if self.assets is not None or photos <= MOST_INLINE:
            return self.assets
        return self.output.with_name(f"{self.output.stem}_assets")
