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
        UsageError: a file to be written is one of those that are read, or would lie in the folder that one of them is.
    """
    sources, written = [path for path in read if path is not None], list(written)
    inputs = {os.path.realpath(path) for path in sources}
    if lost := next((path for path in written if path is not None and os.path.realpath(path) in inputs), None):
        raise UsageError(f"{lost} is read and would be overwritten", hint="name another file for the results")
    check_outside(filter(parts_of, sources), written)


def check_outside(tables: Iterable[Path], files: Iterable[Path | None]) -> None:
    """See that folders of Parquet parts hold nothing else, or they are no tables any more, and are replaced as a whole.

    Raises:
        UsageError: one of the files lies in one of them.
    """
    folders = {Path(os.path.realpath(folder)): folder for folder in tables}
    for file in files:
        if file is not None and (inside := folders.keys() & _way_to(file)):
            what = f"{file}: {folders[inside.pop()]} is a table of Parquet parts, which has its folder for itself"
            raise UsageError(what, hint="name a place outside of it")


def _way_to(path: Path) -> set[Path]:
    real = Path(os.path.realpath(path))
    return {real, *real.parents}
