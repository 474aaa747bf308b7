"""Text files, all or nothing."""

from __future__ import annotations

from pathlib import Path

from piqa_cli.outputs.tabular import check_target, write_bytes


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to `path`, whole or not at all, see `tabular.write_table`.

    Raises:
        OutputError: see `tabular.check_target`; or the disk is full, the folder went away, and so on.
    """
    check_target(path, any_suffix=True)
    write_bytes(text.encode(errors="backslashreplace"), path)
