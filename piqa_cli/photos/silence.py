"""Keeping C libraries quiet that write to stderr themselves."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

_STDERR = 2
_lock = threading.Lock()
_users = 0
_kept: int | None = None  # the real stderr, while anyone is inside


@contextlib.contextmanager
def silent_stderr() -> Iterator[None]:
    """Send what anything writes to file descriptor 2 nowhere, for as long as anyone is inside.

    libtiff prints its complaints about a damaged file, and Pillow gives no way to stop it. What is wrong becomes an
    exception all the same. Other threads' messages are lost meanwhile, so keep it around single calls.
    """
    global _users, _kept
    with _lock:
        _users += 1
        if _users == 1:
            _kept = _redirected()
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and _kept is not None:
                os.dup2(_kept, _STDERR)
                os.close(_kept)
                _kept = None


def _redirected() -> int | None:
    """Point descriptor 2 at nothing; what it was before, or None where there is no stderr."""
    try:
        kept = os.dup(_STDERR)
    except OSError:
        return None
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    os.close(nowhere)
    return kept
