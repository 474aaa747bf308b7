"""What spreadsheets do with CSV: they write what the country's settings say, and run what looks like a formula.

And what a cell says for a path, which may have bytes that no text has.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_SEPARATORS = ",;\t"
_TOLD = re.compile(rf"sep=([{_SEPARATORS}|])\s*", re.IGNORECASE)
_BYTE = re.compile(rb"\\x([0-9a-f]{2})")
_FORMULA_SIGNS = ("=", "+", "-", "@")

TRUE_WORDS = ("wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar", "prawda")
FALSE_WORDS = ("falsch", "faux", "falso", "onwaar", "fałsz")
"""What the spreadsheets of countries with commas in numbers make of true and false."""

NOT_UTF8 = "its text is not in UTF-8"
SAVE_AS_UTF8 = "save it as 'CSV UTF-8', which spreadsheets offer beside plain CSV"


def separator_of(head: str) -> str:
    """Comma, semicolon or tab: the one that the first line, the names of the columns, has most of."""
    return max(_SEPARATORS, key=head.count)


def told_separator(line: str) -> str | None:
    """The character that a first line such as `sep=;` tells Excel to separate columns at; None for any other line."""
    found = _TOLD.fullmatch(line)
    return found[1] if found else None


def safe_cell(text: str) -> str:
    """A path, or a name of photos such as a folder's, with `./` before what a spreadsheet would run as a formula."""
    return f"./{text}" if text.startswith(_FORMULA_SIGNS) else text


def path_of(text: str) -> Path:
    r"""The path that a cell stands for: `\xNN` is a byte of the name where no file is called that literally.

    A name's bytes are those of the text in UTF-8, whatever encoding the system has for file names.
    """
    named = os.fsdecode(text.encode(errors="surrogateescape"))
    if "\\x" not in text or os.path.lexists(named):
        return Path(named)
    return Path(os.fsdecode(_BYTE.sub(lambda match: bytes.fromhex(match[1].decode()), text.encode())))
