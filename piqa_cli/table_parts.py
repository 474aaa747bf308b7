"""A score table in several Parquet files, as `piqa score -o FOLDER` writes it: what the files are called, and where."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

from piqa_cli.errors import UsageError

_PART = re.compile(r"part-\d{5,}\.parquet")
_BESIDE = (".", "_")  # how names begin that are no part of a table: hidden files, the manifest of a cluster's run

TABLE_SUFFIXES = (".csv", ".parquet", ".jsonl", ".json")
"""How the names of tables in one file end."""
MANIFEST = "_manifest"
"""The folder in which `piqa score --engine ray` keeps what is finished."""
DONE = f"{MANIFEST}/done.json"
"""Is there when all of that is."""


def part_name(number: int) -> str:
    """The file name of a part, counted from 0."""
    return f"part-{number:05}.parquet"


def is_part(name: str) -> bool:
    """Whether a file is called as a part is."""
    return _PART.fullmatch(name) is not None


def parts_of(folder: Path) -> list[Path]:
    """The files of the table that a folder is, in their order; none where it holds anything else, or is no folder."""
    names: list[str] = []
    with suppress(OSError):
        for file in folder.iterdir():
            if is_part(file.name):
                names.append(file.name)
            elif not file.name.startswith(_BESIDE):
                return []
    return [folder / name for name in sorted(names, key=lambda name: (len(name), name))]


def beside_parts(folder: Path) -> str | None:
    """What keeps a folder with parts from being a table: the first thing in it that is none of them."""
    with suppress(OSError):
        names = sorted(file.name for file in folder.iterdir())
        if any(map(is_part, names)):
            return next((name for name in names if not is_part(name) and not name.startswith(_BESIDE)), None)
    return None


def complete_parts(folder: Path) -> list[Path]:
    """`parts_of` a table that is all there.

    Raises:
        UsageError: the run on a cluster that writes it has not come to its end, or not all of its parts were copied.
    """
    parts = parts_of(folder)
    if parts and (folder / MANIFEST).is_dir():
        if not (folder / DONE).is_file():
            hint = "the same `piqa score --engine ray` again goes on with it"
            raise UsageError(f"{folder} is the table of a run that has not come to its end", hint=hint)
        if len(parts) < (wanted := _parts_written(folder / DONE)):
            what = f"{folder} has {len(parts):,} of the {wanted:,} parts of its table"
            raise UsageError(what, hint="copy the folder again: a copy that is cut short may be the cause")
    return parts


def _parts_written(done: Path) -> int:
    """How many parts the whole table has; 0 where the file does not tell."""
    try:
        return int(json.loads(done.read_bytes())["partitions"])
    except (OSError, ValueError, TypeError, KeyError):
        return 0
