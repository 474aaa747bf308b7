"""`--include` and `--exclude` patterns."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Sequence


class Globs:
    """Shell patterns, tried on the path relative to the walked folder (with "/") and on the bare name.

    Upper and lower case are the same, since cameras write `IMG_1.JPG`. `*` crosses folders, so `2024/*` means all that
    is below `2024`; `**/` also stands for no folder at all; a trailing "/" is dropped. Accented letters are the same
    in one character and in two: Macs write names in the latter form, keyboards the former.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
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


def _forms(pattern: str) -> set[str]:
    trimmed = _composed(pattern.removeprefix("./").rstrip("/"))
    return {trimmed, trimmed.replace("**/", "")}


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
