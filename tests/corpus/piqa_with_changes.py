"""`piqa` whose photos change between being listed and being read: `piqa_with_changes.py FOLDER ARGS...`.

Everything in FOLDER is listed first; then files vanish, are replaced or cut off, and a whole folder goes away.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from piqa_cli.__main__ import main
from piqa_cli.commands import score_run
from piqa_cli.records import PhotoFile

FOLDER = Path(sys.argv.pop(1))
_find = score_run.find_photos


def find_then_change(*args: Any, **options: Any) -> Iterator[PhotoFile]:
    found = list(_find(*args, **options))
    (FOLDER / "vanishes.jpg").unlink()
    shutil.rmtree(FOLDER / "folder-vanishes")
    for name in ("becomes-fifo.jpg", "becomes-folder.jpg", "becomes-loop.jpg", "becomes-zero.jpg"):
        (FOLDER / name).unlink()
    os.mkfifo(FOLDER / "becomes-fifo.jpg")
    (FOLDER / "becomes-folder.jpg").mkdir()
    (FOLDER / "becomes-loop.jpg").symlink_to("becomes-loop.jpg")
    (FOLDER / "becomes-zero.jpg").symlink_to("/dev/zero")
    (FOLDER / "becomes-text.jpg").write_text("no photo any more")
    with (FOLDER / "is-cut-off.jpg").open("rb+") as file:
        file.truncate(500)
    (FOLDER / "becomes-empty.jpg").write_bytes(b"")
    (FOLDER / "other.png").replace(FOLDER / "becomes-other.jpg")
    return iter(found)


score_run.find_photos = find_then_change
main()
