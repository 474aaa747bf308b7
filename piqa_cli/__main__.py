"""`piqa` and `python -m piqa_cli`."""

from __future__ import annotations

import atexit
import io
import logging
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    try:
        from piqa_cli.commands.app import run
    except KeyboardInterrupt:  # the commands answer it themselves, once they are there
        sys.exit(130)

    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by whoever started the program: nothing else may take its place
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 - as long as the program
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file name must not be able to stop the printing
    _have_a_home()
    code = run(sys.argv[1:])
    if "torch" in sys.modules:
        _leave(code)
    sys.exit(code)


def _have_a_home() -> None:
    """A user without an account, as a container may run as, gets `/`, which is what container engines say."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"


def _leave(code: int) -> NoReturn:
    """Exit in the usual order but for taking the modules apart, which costs a process with torch more than a second."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, ends idle pools of them
    atexit._run_exitfuncs()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
