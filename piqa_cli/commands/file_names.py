"""Files that a command line names: none is written over another one, or over what is read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from piqa_cli.errors import UsageError
from piqa_cli.table_parts import parts_of

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
        UsageError: a file to be written is one of those that are read, or see `check_outside`.
    """
    inputs, outputs = ([path for path in paths if path is not None] for paths in (read, written))
    taken = set(map(os.path.realpath, inputs))
    if lost := next((path for path in outputs if os.path.realpath(path) in taken), None):
        raise UsageError(f"{lost} is read and would be overwritten", hint="name another file for the results")
    check_outside(inputs, outputs)


def check_outside(read: Iterable[Path], written: Iterable[Path | None]) -> None:
    """See that nothing is put into a score table in parts that is read: it is one as long as it holds nothing else.

    Raises:
        UsageError: something to be written lies in the folder of such a table.
    """
    tables = {Path(os.path.realpath(path)): path for path in read if parts_of(path)}
    for path in written if tables else ():
        place = Path(os.path.realpath(path)) if path is not None else None
        if place and (table := next((table for table in (place, *place.parents) if table in tables), None)):
            what = f"{path} lies in {tables[table]}, a score table that is to hold nothing else"
            raise UsageError(what, hint="name a place outside it for the results")
