"""The heat map of `piqa explain`: refused before the work where it cannot or must not be written, and written after."""

from __future__ import annotations

from pathlib import Path

from piqa_cli.outputs.tabular import check_place, refusal, write_bytes
from piqa_cli.scoring.explanation import Explanation
from piqa_cli.scoring.heatmap_file import is_heatmap, to_png
from piqa_cli.scoring.heatmap_picture import draw


def check_heatmap(path: Path, photo: Path) -> None:
    """Find out what stands against a heat map at `path`. Only a new name or an earlier heat map will do: photos stay.

    Raises:
        OutputError: no .png, the photo itself or another file of the user's, or a place that cannot be written to.
    """
    if path.suffix.lower() != ".png":
        raise refusal(path, "a heat map is a PNG", "end the name in .png")
    check_place(path)
    if not path.exists() or path.stat().st_size == 0:
        return
    if photo.exists() and path.samefile(photo):
        raise refusal(path, "it is the photo itself", "choose another name: photos are never written to")
    if not is_heatmap(path):
        raise refusal(path, "the file is there and no heat map", "choose another name, or remove it first")


def write_heatmap(explanation: Explanation, path: Path) -> None:
    """Draw the local map and write the PNG, whole or not at all.

    Raises:
        OutputError: the disk is full, the folder went away, and so on.
    """
    write_bytes(to_png(draw(explanation)), path)
