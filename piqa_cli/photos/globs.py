"""`--include` and `--exclude` patterns."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path


class Globs:
    """Shell patterns, tried on the path relative to the walked folder (with "/") and on the bare name.

    Upper and lower case are the same, since cameras write `IMG_1.JPG`. `*` crosses folders, so `2024/*` means all that
    is below `2024`; `**/` also stands for no folder at all; a trailing "/" is dropped. Accented letters are the same
    in one character and in two: Macs write names in the latter form, keyboards the former.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = tuple(patterns)
        variants = [form for pattern in patterns for form in _forms(pattern)]
        self._regex = re.compile("|".join(map(fnmatch.translate, variants)), re.IGNORECASE) if variants else None

    def __bool__(self) -> bool:
        return self._regex is not None

    def match(self, relative: str) -> bool:
        """Does any pattern match `relative`, or its last part?"""
        if self._regex is None:
            return False
        relative = _composed(relative)
        name = relative.rpartition("/")[2]
        return bool(self._regex.match(relative) or self._regex.match(name))

    def match_named(self, path: Path) -> bool:
        """Does any pattern match a path that no walk found: all of it, its last part, or what follows a folder?"""
        parts = _parts(path) if self else []
        return any(self.match("/".join(parts[start:])) for start in range(len(parts)))

    def below(self, root: Path) -> Globs:
        """The same for a walk of `root`, whose own name a pattern may repeat: `shoot/selects` in `shoot`.

        Not where `root` holds something of that name, which is meant then.
        """
        parts = _parts(root)
        starts = ["/".join(parts[start:]) for start in range(len(parts))] if self else []
        starts = [f"{start}/".casefold() for start in starts if not (root / start).exists()]
        patterns = [_composed(pattern.removeprefix("./")) for pattern in self._patterns]
        shorter = [p[len(start) :] for p in patterns for start in starts if p.casefold().startswith(start)]
        return Globs([*self._patterns, *filter(None, shorter)]) if shorter else self


def _forms(pattern: str) -> set[str]:
    trimmed = _composed(pattern.removeprefix("./").rstrip("/"))
    return {trimmed, trimmed.replace("**/", "")}


def _parts(path: Path) -> list[str]:
    return [_composed(part) for part in path.parts if part not in (path.anchor, "..")]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
