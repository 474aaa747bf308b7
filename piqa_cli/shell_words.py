"""Names as they are typed into a shell, for the commands that messages print."""

from __future__ import annotations

import os
import shlex
from pathlib import Path


def shell_word(name: Path | str) -> str:
    """The name as one word of a command line: in quotes where it has a space, an umlaut or a sign of the shell."""
    if os.name != "nt":
        return shlex.quote(str(name))
    from subprocess import list2cmdline

    return list2cmdline([str(name)])
