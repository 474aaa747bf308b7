"""The hidden folder beside a table in which its parts are written, and what killed runs have left of such folders."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from piqa_cli.table_parts import is_part

if sys.platform != "win32":
    import fcntl

_SUFFIX = ".tmp"
_YOUNG = 86_400.0  # seconds: locks of another machine on a shared disk may not be seen here


class WorkFolder:
    """A new folder `.NAME-….tmp`, locked as long as its run lives: a kill leaves it behind without a lock."""

    def __init__(self, table: Path) -> None:
        """Make one beside the folder `table`, and remove those that killed runs have left there.

        Raises:
            OSError: the parent folder is missing, full, or may not be written.
        """
        prefix = f".{table.name[:40]}-"
        for left in table.parent.glob(f"{_literal(prefix)}*{_SUFFIX}"):
            _sweep(left)
        beside = table.parent.resolve()  # `tempfile` does not follow a link that `..` comes behind
        self.path = Path(tempfile.mkdtemp(prefix=prefix, suffix=_SUFFIX, dir=beside))
        self._lock = _lock(self.path)

    def remove(self) -> None:
        """Remove what stands under the folder's name, if anything does, and let go of the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _literal(name: str) -> str:
    """A glob pattern that matches this name alone."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _sweep(left: Path) -> None:
    """Remove a work folder that no living run holds, if nothing but parts is in it.

    One beside a `.old`, from a kill in mid-swap, is a whole table.
    """
    with suppress(OSError):
        young = time.time() - left.stat().st_mtime < _YOUNG
        if young or left.with_suffix(".old").exists() or not all(is_part(path.name) for path in left.iterdir()):
            return
        lock = _lock(left)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """A descriptor that holds the folder, None where another process does or the system has no such locks."""
    if sys.platform == "win32":
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
