"""One door to all data sets by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from platformdirs import user_cache_path

from piqa_cli.errors import UsageError
from piqa_training.datasets.gfiqa import read_gfiqa
from piqa_training.datasets.lsvq import ClipOptions, read_lsvq
from piqa_training.datasets.piq23 import read_piq23
from piqa_training.datasets.table import TEST_SHARE, read_table
from piqa_training.datasets.video import Progress
from piqa_training.manifest import Manifest

DATASETS = ("piq23", "gfiqa", "lsvq", "manifest")


def open_dataset(
    name: str,
    root: Path,
    *,
    attribute: str | None = None,
    split: str | None = None,
    test_share: float = TEST_SHARE,
    seed: int = 0,
    clips: ClipOptions | None = None,
    dry_run: bool = False,
    on_progress: Progress | None = None,
) -> Manifest:
    """Read a data set by name; for a photographer's own ratings see `ratings.read_ratings`.

    Args:
        name: one of `DATASETS`; case does not matter.
        root: the folder of the data set as published; for "manifest" the CSV or Parquet file.
        attribute: of PIQ23 only: Overall, which None means too, Details or Exposure.
        split: of PIQ23 only: its official "device" split, which None means too, or "scene" split.
        test_share: share of the photos that is held out where the data set brings no split.
        seed: for the choice of those.
        clips: of LSVQ only: how videos become frames. Without a folder for them they go to the user's cache.
        dry_run: do not decode videos: LSVQ gives a row for each video.
        on_progress: of LSVQ only: is told how many videos are decoded.

    Raises:
        UsageError: there is no data set of this name, an option does not go with it, or the data set is wrong.
    """
    known = name.casefold()
    if known not in DATASETS:
        raise UsageError(f"no data set is called {name!r}", hint=f"use one of {', '.join(DATASETS)}")
    if known == "piq23":
        return read_piq23(root, attribute=attribute or "Overall", split=split or "device")
    if attribute is not None:
        raise UsageError(f"--attribute {attribute} is for piq23 only", hint="leave it out")
    if split is not None:
        raise UsageError(
            f"--split {split} is for piq23 only",
            hint="name the split of each photo in a column split of the label file",
        )
    if known == "gfiqa":
        return read_gfiqa(root, test_share=test_share, seed=seed)
    if known == "lsvq":
        options = _clip_options(clips or ClipOptions(), dry_run=dry_run)
        return read_lsvq(root, options, test_share=test_share, seed=seed, on_progress=on_progress)
    return read_table(root, test_share=test_share, seed=seed)


def default_frames_dir() -> Path:
    """Where frames of videos are kept unless another folder is named."""
    return user_cache_path("piqa", appauthor=False) / "frames"


def _clip_options(options: ClipOptions, *, dry_run: bool) -> ClipOptions:
    return replace(options, cache_dir=None if dry_run else options.cache_dir or default_frames_dir())
