"""Where a score table in several Parquet files goes; free of polars, so that it can be asked before a run."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from piqa_cli.outputs.tabular import refusal
from piqa_cli.table_parts import is_part

_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})  # what file managers leave in folders that they show
SLASHES = tuple({"/", os.sep})
"""A name that ends in one of them is that of a folder, also where it has a suffix: `2024.05/`."""


def names_folder(path: Path) -> bool:
    """Whether `-o path` asks for a folder of Parquet files: it is a folder, or its name has no suffix.

    A slash at the end says so as well, but no `Path` has one.
    """
    return path.is_dir() or not path.suffix


def check_folder(folder: Path) -> None:
    """Find out what would stop a table in this folder, before hours of scoring. Nothing is created.

    Raises:
        OutputError: a missing parent, or something in the way that no earlier run has written.
    """
    if not folder.parent.is_dir():
        raise refusal(folder, f"no folder {folder.parent}", "create it first, or choose another place")
    if folder.is_symlink() and folder.is_dir():
        raise refusal(folder, "it is a symbolic link", f"-o {folder.resolve()} writes to the folder that it leads to")
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise refusal(folder, "it is no folder", "end the name in .csv, .parquet, .jsonl, .json, or choose another")
    if folder.is_dir() and (
        other := next((p for p in folder.iterdir() if not is_part(p.name) and p.name not in _LITTER), None)
    ):
        raise refusal(folder, f"it holds other things, like {other.name}", "choose a new or empty folder")


def check_replaceable(folder: Path) -> None:
    """`check_folder`, and whether a finished table can take the folder's place as a whole. Nothing is created.

    Raises:
        OutputError: see `check_folder`; or it is the folder that the program runs in, or the root of a disk.
    """
    check_folder(folder)
    with suppress(OSError):  # not there, mostly
        if folder.samefile(Path.cwd()):
            raise refusal(folder, "it is the current folder, and a table replaces its folder", "name a folder in it")
    if os.path.ismount(folder):
        raise refusal(
            folder, "it is a disk of its own (mount point), which cannot be replaced", f"-o {folder / 'scores'} works"
        )
