"""One spelling for each path: absolute, without `.` and `..`, and still leading to the same file."""

from __future__ import annotations

import os
from pathlib import Path


def absolute(path: Path | str) -> str:
    """The absolute path. Symbolic links stay what they are, as a browser follows them, unless `..` comes behind one.

    There the system goes up from where the link leads, and so does this: `link/../a.jpg` need not be `a.jpg`.
    """
    text = os.fspath(path)
    if ".." not in text or os.name == "nt":  # Windows goes by the names alone
        return os.path.abspath(text)  # noqa: PTH100 - ten times faster than Path.absolute on long lists
    found = ""
    for part in os.path.join(os.getcwd(), text).split("/"):  # noqa: PTH109, PTH118 - the same
        if part == "..":
            below = os.path.realpath(found) if os.path.islink(found) else found  # noqa: PTH114
            found = below.rpartition("/")[0]
        elif part not in ("", "."):
            found = f"{found}/{part}"
    return found or "/"
