"""Files that a command line names: none is written over another one, or over what is read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from piqa_cli.errors import UsageError

_STREAM = Path("-")


def check_apart(**named: Path | None) -> None:
    """See that every file has a name of its own; `named` as option -> path.

    Raises:
        UsageError: two options name one file, or one names `-`, which would make a file or folder of that name.
    """
    seen: dict[str, str] = {}
    for name, path in named.items():
        if path is None:
            continue
        option, file = f"--{name.replace('_', '-')}", os.path.realpath(path)
        if path == _STREAM:
            printed = "; piqa score and rank print without one, in the form of --format" if name == "output" else ""
            raise UsageError(f"{option} takes the name of a file, and - is none", hint=f"name a file{printed}")
        if file in seen:
            raise UsageError(f"{seen[file]} and {option} name the same file", hint="each needs a file of its own")
        seen[file] = option


def check_kept(read: Iterable[Path | None], written: Iterable[Path | None]) -> None:
    """See that what is read stays.

    Raises:
        UsageError: a file to be written is one of those that are read.
    """
    inputs = {os.path.realpath(path) for path in read if path is not None}
    if lost := next((path for path in written if path is not None and os.path.realpath(path) in inputs), None):
        raise UsageError(f"{lost} is read and would be overwritten", hint="name another file for the results")
