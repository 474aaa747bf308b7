"""`piqa` and `python -m piqa_cli`.

At the top only what Python has loaded by itself: an interrupt while anything else is loaded is answered by `main`.
"""

from __future__ import annotations

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    try:
        _run()
    except KeyboardInterrupt:  # before the commands, which answer it themselves, or after them
        sys.exit(130)


def _run() -> NoReturn:
    # Read by OpenMP when torch is imported: threads that wait for the others leave their core, instead of turning round
    # on it. On a machine with other things to do that makes piqa many times as fast.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from piqa_cli.commands.app import run

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
    from pathlib import Path

    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"


def _leave(code: int) -> NoReturn:
    """Exit in the usual order but for taking the modules apart, which costs a process with torch more than a second."""
    import atexit
    import logging
    import threading
    from contextlib import suppress

    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, ends idle pools of them
    atexit._run_exitfuncs()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
