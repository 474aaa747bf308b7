"""Which line of a TOML file each key stands on. tomllib, the standard library's reader, does not say."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from io import StringIO
from typing import Any

Path = tuple[str, ...]


def key_lines(text: str) -> dict[Path, int]:
    """Path of a key or table -> line of its statement, from 1 on.

    A TOML statement ends with its line, so the file up to a line either ends inside a statement and cannot be parsed,
    or holds one statement more than before: the keys that came with it begin where the parsed part ended. The work
    grows with the square of the lines; a policy has few.
    """
    lines = StringIO(text).readlines()  # cut at "\n" alone, as TOML does
    found: dict[Path, int] = {}
    parsed = 0  # lines that belong to complete statements
    for end in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        start = _first_statement(lines, parsed, end)
        for path in _paths(document):
            found.setdefault(path, start)
        parsed = end
    return found


def _first_statement(lines: list[str], start: int, end: int) -> int:
    """Line number of the first line in [start, end) that is neither empty nor a comment."""
    for index in range(start, end):
        if lines[index].strip() and not lines[index].lstrip().startswith("#"):
            return index + 1
    return end


def _paths(table: dict[str, Any], above: Path = ()) -> Iterator[Path]:
    for key, value in table.items():
        path = (*above, key)
        yield path
        if isinstance(value, dict):
            yield from _paths(value, path)
