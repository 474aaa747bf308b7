"""Files found as a label file spells them, whatever system the label file or the disk comes from."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

_DEPTH = 3  # folders below the root that are searched for label files


class Listing:
    """Looks paths up in folders that are listed once each, so that thousands of look-ups are quick."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, str]] = {}

    def find(self, base: Path, spelled: str) -> Path | None:
        """The absolute path of what is called `spelled` below `base`, or None.

        The spelling wins as it stands; otherwise backslashes are slashes, and case and Unicode composition do not
        matter (`Overall\\66.JPG` finds `overall/66.jpg`). An absolute `spelled` stands for itself.
        """
        return self._walk(base, spelled) or (self._walk(base, spelled.replace("\\", "/")) if "\\" in spelled else None)

    def first(self, bases: Sequence[Path], spelled: str) -> Path | None:
        """The same below the first of `bases` that has it."""
        return next((path for base in bases if (path := self.find(base, spelled))), None)

    def _walk(self, base: Path, spelled: str) -> Path | None:
        relative = Path(spelled)
        here = Path(relative.anchor) if relative.is_absolute() else base.absolute()
        for part in relative.parts[relative.is_absolute() :]:
            if part == "..":
                here = here.parent
                continue
            names = self._names(here)
            name = names.get(part) or names.get(_folded(part)) or part
            if name not in names and not os.path.exists(here / name):  # noqa: PTH110 - False for what is no name, too
                return None  # what exists all the same lies in a folder that may be entered, but not listed
            here = here / name
        return here

    def _names(self, folder: Path) -> dict[str, str]:
        """Names in a folder by their exact and, behind those, by their folded spelling."""
        if folder not in self._folders:
            try:
                found = sorted(entry.name for entry in folder.iterdir())
            except OSError:
                found = []
            exact = {name: name for name in found}
            self._folders[folder] = {_folded(name): name for name in reversed(found)} | exact
        return self._folders[folder]


def tables_below(root: Path, *, skip: Sequence[str] = ()) -> Iterator[Path]:
    """CSV files in `root` and its folders, a few levels down, nearest first. Folders named in `skip` are left out."""
    skipped = {name.casefold() for name in skip}
    level = [root]
    for _ in range(_DEPTH + 1):
        inside = [entry for folder in level for entry in _entries(folder)]
        yield from (entry for entry in inside if entry.suffix.lower() == ".csv" and entry.is_file())
        level = [entry for entry in inside if entry.is_dir() and entry.name.casefold() not in skipped]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError:
        return []


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


class VideoIndex:
    """Finds `<name>.mp4` below a folder, however deep; listed once, on the first name that is not right there."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._listing = Listing()
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, name: str) -> Path | None:
        """The video called `name`, which may hold folders (`yfcc-batch1/123`); the first by path among several."""
        spelled = f"{name}.mp4".replace("\\", "/")
        direct = self._listing.find(self._root, spelled)
        if direct:
            return direct
        if self._by_name is None:
            self._by_name = self._all()
        wanted = f"/{_folded(spelled)}"
        candidates = self._by_name.get(wanted.rpartition("/")[2], [])
        ending = [path for path in candidates if _folded(path.as_posix()).endswith(wanted)]
        return next(iter(ending or candidates), None)

    def _all(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in sorted(self._root.rglob("*")):
            if path.suffix.lower() == ".mp4":
                found.setdefault(_folded(path.name), []).append(path)
        return found
