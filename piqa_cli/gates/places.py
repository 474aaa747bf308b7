"""Paths as CI services want them: relative to the repository, from whichever of its folders piqa was started."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from urllib.parse import quote

from piqa_cli.ranking.score_file import path_of


def relative(path: str, base: str) -> str:
    """A path of the score table, relative to the repository where it lies in it, else absolute.

    Args:
        path: as the table has it.
        base: absolute folder that it starts from, the working folder. Outside of any repository it stands for one.
    """
    found = os.path.normpath(os.path.join(base, path_of(path)))  # noqa: PTH118 - also for names that are no UTF-8
    try:
        inside = os.path.relpath(found, _repository(base))
    except ValueError:  # on another drive of Windows
        return found
    return found if inside.startswith(os.pardir + os.sep) else inside


def uri(path: str, base: str) -> str:
    """The same as a URI reference: every byte that is not plain is percent-encoded; absolute ones are `file:`."""
    found = relative(path, base)
    encoded = quote(os.fsencode(found.replace(os.sep, "/")))
    if not os.path.isabs(found):  # noqa: PTH117
        return encoded  # a colon, which would make "a:b.jpg" a scheme, is encoded
    return f"file://{encoded}" if encoded.startswith("/") else f"file:///{encoded}"


@cache
def _repository(folder: str) -> str:
    """The git working tree that the folder is in, or the folder itself."""
    around = (Path(folder), *Path(folder).parents)
    return next((str(place) for place in around if (place / ".git").exists()), folder)
