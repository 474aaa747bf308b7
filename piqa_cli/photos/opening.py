"""Regular files: telling them from what else has a name, and opening a photo for reading."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from piqa_cli.errors import UnreadablePhoto

CANNOT_BE_READ = "cannot be read: "
"""How a photo's reason begins where the system, and not the content, is to blame."""
NO_SUCH_FILE = "no such file"
"""The reason where nothing is at the path."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file that holds at least one byte. Raises UnreadablePhoto for another, OSError as `open` does."""
    # Not blocking: opening a FIFO that nobody writes to would wait forever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    file = os.fdopen(descriptor, "rb")
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise UnreadablePhoto("not a regular file", path=path)
    if status.st_size == 0:
        file.close()
        raise UnreadablePhoto("empty file (0 bytes)", path=path, hint="copy it again from the camera or a backup")
    return file


def is_regular(path: Path) -> bool:
    """A regular file under its own name: there, no folder, no symbolic link."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False
