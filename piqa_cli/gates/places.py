"""Paths as CI services want them: relative to the repository, from whichever of its folders piqa was started."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from urllib.parse import quote

from piqa_cli.spreadsheets import path_of


def relative(path: str, base: str) -> str:
    """A path of the score table, relative to the repository where it lies in it, else absolute.

    Args:
        path: as the table has it.
        base: absolute folder that it starts from, the working folder. Outside of any repository it stands for one.
    """
    found = os.path.normpath(os.path.join(base, path_of(path)))  # noqa: PTH118 - also for names that are no UTF-8
    repository, (folder, name) = _repository(base), os.path.split(found)
    inside = _inside(found, repository)
    if inside is None:  # a link may lead into it, as `$PWD` does in a working tree that is entered by one
        inside = _inside(os.path.join(_behind_links(folder), name), _behind_links(repository))  # noqa: PTH118
    return found if inside is None else inside


def uri(path: str, base: str) -> str:
    """The same as a URI reference: every byte that is not plain is percent-encoded; absolute ones are `file:`."""
    found = relative(path, base)
    encoded = quote(os.fsencode(found.replace(os.sep, "/")))
    if not os.path.isabs(found):  # noqa: PTH117
        return encoded  # a colon, which would make "a:b.jpg" a scheme, is encoded
    return f"file://{encoded}" if encoded.startswith("/") else f"file:///{encoded}"


def _inside(path: str, folder: str) -> str | None:
    """The path relative to the folder, where it lies in it."""
    try:
        inside = os.path.relpath(path, folder)
    except ValueError:  # on another drive of Windows
        return None
    return None if inside.startswith(os.pardir + os.sep) else inside


@cache
def _behind_links(folder: str) -> str:
    return os.path.realpath(folder)


@cache
def _repository(folder: str) -> str:
    """The git working tree that the folder is in, or the folder itself."""
    around = (Path(folder), *Path(folder).parents)
    return next((str(place) for place in around if (place / ".git").exists()), folder)
