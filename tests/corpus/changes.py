"""Photos that change between being listed and being read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from piqa_cli.records import PhotoFile

Find = Callable[..., Iterator[PhotoFile]]


def changing_after(find: Find, folder: Path) -> Find:
    """As `find`, but then files of `folder` vanish, are replaced or cut off, and a whole folder goes away."""

    def find_then_change(*args: Any, **options: Any) -> Iterator[PhotoFile]:
        found = list(find(*args, **options))
        _change(folder)
        return iter(found)

    return find_then_change


def _change(folder: Path) -> None:
    (folder / "vanishes.jpg").unlink()
    shutil.rmtree(folder / "folder-vanishes")
    for name in ("becomes-fifo.jpg", "becomes-folder.jpg", "becomes-loop.jpg", "becomes-zero.jpg"):
        (folder / name).unlink()
    os.mkfifo(folder / "becomes-fifo.jpg")
    (folder / "becomes-folder.jpg").mkdir()
    (folder / "becomes-loop.jpg").symlink_to("becomes-loop.jpg")
    (folder / "becomes-zero.jpg").symlink_to("/dev/zero")
    (folder / "becomes-text.jpg").write_text("no photo any more")
    with (folder / "is-cut-off.jpg").open("rb+") as file:
        file.truncate(500)
    (folder / "becomes-empty.jpg").write_bytes(b"")
    (folder / "other.png").replace(folder / "becomes-other.jpg")
