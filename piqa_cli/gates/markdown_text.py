"""Foreign text in Markdown: it shows as it is, and nothing in it is markup, a link or the end of a table cell."""

from __future__ import annotations

import re

from piqa_cli.gates.xml_text import xml_safe

_PLAIN = re.compile(r"[\w./\- ]+", re.ASCII)
_LINK = re.compile(r"(?<=www)\.|:(?=//)", re.IGNORECASE)  # GitHub makes links of www.a and x://a
_HARMLESS = ".,:;/-%()+='"
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def escaped(text: str) -> str:
    """The text for a paragraph or a table cell, on one line: ASCII punctuation as character references.

    A reference is never markup (CommonMark 2.5), and the bar that ends a cell of a table is one of them.
    """
    return _LINK.sub(_number, _PUNCTUATION.sub(_reference, xml_safe(text)))


def code(text: str) -> str:
    """The same in fixed width: for paths. Not a code span where the text could end it."""
    if _PLAIN.fullmatch(text) and text == text.strip():
        return f"`{text}`"
    return f"<code>{escaped(text)}</code>"


def _reference(match: re.Match[str]) -> str:
    character = match.group()
    return character if character in _HARMLESS else _number(match)


def _number(match: re.Match[str]) -> str:
    return f"&#{ord(match.group())};"
