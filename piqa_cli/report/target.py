"""The file that a report becomes: never anything else than a report is overwritten. Free of polars and Pillow."""

from __future__ import annotations

import os
from pathlib import Path

from piqa_cli.errors import OutputError
from piqa_cli.outputs.tabular import check_target
from piqa_cli.report.options import ReportOptions

_SUFFIXES = (".html", ".htm")
_SIGN = b'<meta name="generator" content="piqa'
_SIGN_WITHIN = 16_384  # bytes from the start


def check_page(options: ReportOptions) -> None:
    """Find out what would stop the report before the work. Nothing is created.

    Raises:
        OutputError: another suffix, a missing or read-only folder, or a file in the way that is no report of piqa.
    """
    path = options.output
    if path.suffix.lower() not in _SUFFIXES:
        hint = "end the name in .html; piqa score -o writes tables"
        raise OutputError(f"cannot write {path}: a report is a web page", path=path, hint=hint)
    check_target(path, any_suffix=True)
    if os.path.lexists(path) and not options.force and not is_report(path):
        hint = "name another file with -o FILE, or add --force"
        raise OutputError(f"{path} exists and is no report of piqa: it is left alone", path=path, hint=hint)
    if options.assets is not None:
        check_assets(options.assets)


def check_assets(folder: Path) -> None:
    """Find out what would stop pictures from being written there.

    Raises:
        OutputError: a file is in the way, or the folder cannot be written to or made.
    """
    existing = next(parent for parent in (folder, *folder.absolute().parents) if os.path.lexists(parent))
    what = None if os.access(existing, os.W_OK) else f"{existing} is read-only"
    what = what if existing.is_dir() else f"{existing} is no folder"
    if what is not None:
        hint = "choose another place with --assets DIR"
        raise OutputError(f"cannot write into {folder}: {what}", path=folder, hint=hint)


def is_report(path: Path) -> bool:
    """Whether the file says that piqa made it, or is empty."""
    try:
        with path.open("rb") as file:
            head = file.read(_SIGN_WITHIN)
    except OSError:
        return False
    return not head or _SIGN in head
