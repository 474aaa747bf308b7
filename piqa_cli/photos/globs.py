"""`--include` and `--exclude` patterns."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path


class Globs:
    """Shell patterns, tried on the path relative to the walked folder (with "/") and on the bare name.

    Upper and lower case are the same, since cameras write `IMG_1.JPG`. `*` crosses folders, so `2024/*` means all that
    is below `2024`; `**/` also stands for no folder at all; a trailing "/" is dropped. Accented letters are the same
    in one character and in two: Macs write names in the latter form, keyboards the former.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._set({pattern: [pattern] for pattern in patterns}, set(patterns))

    def _set(self, spellings: Mapping[str, Sequence[str]], unmatched: set[str]) -> None:
        self._spellings = spellings  # of each pattern
        self._unmatched = unmatched
        regexes = {pattern: "|".join(map(_translated, texts)) for pattern, texts in spellings.items()}
        self._regex = re.compile("|".join(regexes.values()), re.IGNORECASE) if regexes else None
        self._regexes = {pattern: re.compile(regex, re.IGNORECASE) for pattern, regex in regexes.items()}

    def __bool__(self) -> bool:
        return self._regex is not None

    def match(self, relative: str) -> bool:
        """Does any pattern match `relative`, or its last part?"""
        if self._regex is None:
            return False
        relative = _composed(relative)
        texts = (relative, relative.rpartition("/")[2])
        if not any(map(self._regex.match, texts)):
            return False
        if self._unmatched:
            self._unmatched -= {one for one in self._unmatched if any(map(self._regexes[one].match, texts))}
        return True

    def match_named(self, path: Path) -> bool:
        """Does any pattern match a path that no walk found: all of it, its last part, or what follows a folder?"""
        parts = _parts(path) if self else []
        tries = (self.match("/".join(parts[start:])) for start in range(len(parts)))
        return any(list(tries) if self._unmatched else tries)

    @property
    def unmatched(self) -> list[str]:
        """Patterns that have matched nothing so far, here or below a folder."""
        return [pattern for pattern in self._spellings if pattern in self._unmatched]

    def below(self, root: Path) -> Globs:
        """The same for a walk of `root`, whose own name a pattern may repeat: `shoot/selects` in `shoot`.

        Not where `root` holds something of that name, which is meant then.
        """
        parts = _parts(root)
        starts = ["/".join(parts[start:]) for start in range(len(parts))] if self else []
        starts = [f"{start}/".casefold() for start in starts if not (root / start).exists()]
        inside = Globs(())
        inside._set({one: [*texts, *_shorter(one, starts)] for one, texts in self._spellings.items()}, self._unmatched)
        return inside


def _shorter(pattern: str, starts: Sequence[str]) -> list[str]:
    composed = _composed(pattern.removeprefix("./"))
    rests = [composed[len(start) :] for start in starts if composed.casefold().startswith(start)]
    return list(filter(None, rests))


def _translated(pattern: str) -> str:
    return "|".join(map(fnmatch.translate, _forms(pattern)))


def _forms(pattern: str) -> set[str]:
    trimmed = _composed(pattern.removeprefix("./").rstrip("/"))
    return {trimmed, trimmed.replace("**/", "")}


def _parts(path: Path) -> list[str]:
    return [_composed(part) for part in path.parts if part not in (path.anchor, "..")]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
