"""What must hold whatever the bytes: a result or a `PiqaError` that a person can read."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from piqa_cli.errors import PiqaError

Attempt = Callable[[bytes, Path], None]  # an input, and a folder of its own to write into


@dataclass(frozen=True)
class Target:
    """A parser: how it is tried, and sound inputs to start from."""

    name: str
    attempt: Attempt
    seeds: Callable[[], list[bytes]]


@contextmanager
def reported_only() -> Iterator[None]:
    """Let piqa's own errors pass if their message is a line for a person; everything else is a finding."""
    try:
        yield
    except PiqaError as error:
        assert error.message.strip(), "an empty message"
        assert is_one_line(error.message), f"not one line: {error.message!r}"
        assert len(error.message) < 5000, f"{len(error.message)} characters of message"


def is_one_line(text: str) -> bool:
    """No line break, no control character: nothing that a terminal would obey."""
    return not any(unicodedata.category(character) == "Cc" or character in "\u2028\u2029" for character in text)
