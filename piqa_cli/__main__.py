"""`piqa` and `python -m piqa_cli`."""

from __future__ import annotations

import io
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    from piqa_cli.commands.app import run

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file name must not be able to stop the printing
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
