"""Two names in a file system swapped in one step."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_FROM_HERE = -100  # AT_FDCWD: paths are as the process sees them
_EXCHANGE = 2  # RENAME_EXCHANGE


def exchange(first: Path, second: Path) -> bool:
    """Swap two paths so that nobody, not even a killed process, ever finds one of them missing.

    Returns:
        False, with nothing changed, where the system (other than Linux) or the file system cannot do that, or one of
        the paths is not there.
    """
    if sys.platform != "linux":
        return False
    call = getattr(ctypes.CDLL(None), "renameat2", None)  # glibc from 2.28 on
    paths = (_FROM_HERE, os.fsencode(first), _FROM_HERE, os.fsencode(second))
    return call is not None and call(*paths, ctypes.c_uint(_EXCHANGE)) == 0
