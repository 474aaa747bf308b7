"""Folders that appear complete or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from piqa_cli.errors import OutputError, UsageError
from piqa_cli.model.config import CONFIG_FILE


@contextmanager
def model_folder_in_place(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """An empty folder to write a model into, which takes the name `folder` when the block ends without an error.

    Missing folders above it are made, and are gone again after an error.

    Raises:
        UsageError: `folder` is there and `overwrite` is False, or what is there is no model.
        OutputError: the folder cannot be made or put in place.
    """
    _check(folder, overwrite)
    staging = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    made = [place for place in folder.parents if not place.exists()]  # the deepest first
    try:
        staging.mkdir(parents=True)
        yield staging
        _put_in_place(staging, folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}", path=folder) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for place in made:
            with suppress(OSError):  # it holds the model, or somebody else has put something there
                place.rmdir()


def _check(folder: Path, overwrite: bool) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    if not overwrite:
        raise UsageError(f"{folder} is there already", hint="--overwrite replaces it, or choose another name")
    if not (folder / CONFIG_FILE).is_file():
        raise UsageError(f"{folder} is no model folder, so it is not replaced", hint="choose another name")


def _put_in_place(staging: Path, folder: Path) -> None:
    """A folder cannot be renamed onto another, so the older one steps aside first, and comes back if that fails."""
    if not folder.exists():
        staging.rename(folder)
        return
    older = folder.with_name(f"{staging.name}.old")
    folder.rename(older)
    try:
        staging.rename(folder)
    except OSError:
        older.rename(folder)
        raise
    if older.is_symlink():
        older.unlink()
    else:
        shutil.rmtree(older)
