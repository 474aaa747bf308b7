"""The plain manifest: one's own photos and scores in a CSV or Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from piqa_training.datasets.draft import Draft
from piqa_training.datasets.label_file import read_label_file
from piqa_training.manifest import MOVABLE_SCENES, ONE_SCENE, SCHEMA, Manifest, held_out, large_scenes

TEST_SHARE = 0.2
_COLUMNS_HINT = (
    "a manifest has the columns image and score (higher is better), and maybe scene, split (train, val, test) and std"
)


def read_table(path: Path, *, test_share: float = TEST_SHARE, seed: int = 0) -> Manifest:
    """Read a manifest with the columns `image` and `score`, higher is better, and maybe `scene`, `split` and `std`.

    Images are absolute paths or relative to the folder of the manifest. Without a scene column all photos are
    comparable: one scene. Without a split column about `test_share` of the photos become the test split, see
    `with_test_split`. Other columns are left alone, but for those of a training run's own manifest, which has all
    columns of `SCHEMA`: it keeps its data sets apart, and the frames of a clip together.

    Raises:
        UsageError: the file is no table or lacks a column, or rows are wrong: missing images, images that are there
            twice, scores that are no finite number, unknown splits, negative deviations; all of them in one message.
    """
    file = read_label_file(path)
    file.require("image", "score", hint=_COLUMNS_HINT)
    draft = Draft(path.stem)
    draft.check_width(file)
    of_a_run = file.has(*SCHEMA)
    for row in file:
        spelled = draft.text(file, row, "image")
        own = {name: row[name] for name in ("dataset", "clip") if of_a_run and row[name]}
        image = draft.find(file, row, "image", spelled, [path.parent], own.get("dataset", "")) if spelled else None
        score = draft.number(file, row, "score")
        std = draft.spread(file, row, "std")
        scene = draft.text(file, row, "scene") if file.has("scene") else ONE_SCENE
        split = draft.split(file, row, "split") if file.has("split") else "train"
        draft.add(image, score, split, std=std, scene=scene, **own)
    manifest = draft.finish(f"correct these rows or remove them; image paths start at {path.absolute().parent}")
    return manifest if file.has("split") else with_test_split(manifest, test_share, seed)


def with_test_split(manifest: Manifest, share: float, seed: int) -> Manifest:
    """Make about `share` of a data set without official splits its test part; a share of 0 leaves all of it to train.

    Whole scenes where there are at least `MOVABLE_SCENES` of them, so that the test asks about scenes never seen;
    photos of every scene otherwise. Which ones depends on the seed and the names of the scenes or files only, so that
    runs on the same files hold out the same photos.
    """
    frame = manifest.frame
    return with_tested(manifest, held_out(frame, share, seed, by_scene=len(large_scenes(frame)) >= MOVABLE_SCENES))


def with_tested(manifest: Manifest, images: Sequence[str]) -> Manifest:
    """The manifest with these images in its test part, whatever they were in."""
    to_test = pl.col("image").is_in(images)
    return Manifest(manifest.frame.with_columns(split=pl.when(to_test).then(pl.lit("test")).otherwise("split")))
