"""Links from a report to the photos on disk."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from urllib.parse import quote

from piqa_cli.photos.absolute import absolute

_SHOWN_BY_BROWSERS = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".bmp", ".gif"})


class Links:
    """Relative URLs, percent-encoded, as seen from the folder of a page."""

    def __init__(self, folder: Path) -> None:
        self._folder = absolute(folder)
        self._to_folder = cache(self._relative)  # a shoot has few folders and many photos

    def to(self, photo: str) -> str | None:
        """The URL of the file at this absolute path; None where there is no way (another drive, a name with NUL)."""
        folder, name = os.path.split(photo)
        way = self._to_folder(folder)
        return None if way is None or not name else way + _quoted(name)

    def _relative(self, folder: str) -> str | None:
        try:
            way = os.path.relpath(folder, self._folder)
        except ValueError:
            return None
        return "" if way == os.curdir else _quoted(way.replace(os.sep, "/")) + "/"


def viewable(photo: str) -> bool:
    """Whether browsers can show a file of that name."""
    return os.path.splitext(photo)[1].lower() in _SHOWN_BY_BROWSERS  # noqa: PTH122 - 20,000 of them


def _quoted(text: str) -> str:
    return quote(os.fsencode(text))
