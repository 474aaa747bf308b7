"""One table of labelled photos, whatever data set they come from: what training and evaluation read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

import polars as pl

from piqa_cli.errors import UsageError
from piqa_cli.records import counted

Split = Literal["train", "val", "test"]
MANIFEST_FILE = "manifest.parquet"  # in the folder of a run
SPLITS: tuple[Split, ...] = ("train", "val", "test")
LARGEST_SCORE = 1e30  # on either side of 0: what is larger is a mistake, and its squares are no numbers any more
ONE_SCENE = "all"  # the scene of a data set whose labels all share one scale
SCHEMA: dict[str, type[pl.DataType]] = {
    "image": pl.String,  # absolute path of the photo, or of a cached frame of a video
    "score": pl.Float64,  # higher is better
    "std": pl.Float64,  # standard deviation of the score in the score's own units; null = unknown
    "scene": pl.String,  # labels are compared within a scene of a data set only
    "split": pl.String,  # one of SPLITS
    "dataset": pl.String,  # "piq23", "gfiqa", ...
}
OPTIONAL: dict[str, type[pl.DataType]] = {
    "clip": pl.String,  # the video that a frame is of; the frames of a clip share one label
    "features": pl.String,  # absolute path of the clip's motion features, a .npy of 256 numbers
}
MOVABLE_SCENES = 5  # with fewer scenes than this, photos are held out rather than scenes
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Manifest:
    """Labelled photos: a frame with the columns of `SCHEMA`, and those of `OPTIONAL` where they are known.

    Raises:
        UsageError: a column is missing or of another type, a score is not finite, or a split is none of `SPLITS`.
            The readers in `piqa_training.datasets` find such things earlier, and say in which file and row.
    """

    frame: pl.DataFrame

    def __post_init__(self) -> None:
        known = {name: kind for name, kind in (SCHEMA | OPTIONAL).items() if name in self.frame.columns}
        missing = [name for name in SCHEMA if name not in known]
        if missing:
            raise UsageError(f"the manifest has no column {', '.join(missing)}; it has {', '.join(self.frame.columns)}")
        frame = self.frame.select(pl.col(name).cast(kind) for name, kind in known.items())
        wrong = frame.filter(~pl.col("score").is_finite().fill_null(False) | ~pl.col("split").is_in(SPLITS))
        if wrong.height:
            raise UsageError(f"the manifest has {counted(wrong.height, 'row')} without a finite score or a known split")
        object.__setattr__(self, "frame", frame)

    def __len__(self) -> int:
        return self.frame.height

    @property
    def datasets(self) -> list[str]:
        """Names of the data sets, sorted."""
        return sorted(self.frame["dataset"].unique())

    def counts(self) -> pl.DataFrame:
        """How many photos there are: columns dataset, scene, split, n, sorted, with train before val before test."""
        sizes = self.frame.group_by("dataset", "scene", "split").agg(pl.len().alias("n"))
        order = pl.col("split").replace_strict({name: place for place, name in enumerate(SPLITS)})
        return sizes.sort("dataset", "scene", order)

    def part(self, split: Split) -> Manifest:
        """The photos of one split, in their order."""
        return Manifest(self.frame.filter(pl.col("split") == split))

    def with_validation(self, share: float, seed: int) -> Manifest:
        """Move about `share` of the train photos of each data set to val; one that has a val part already keeps it.

        Whole scenes move where the data set has at least `MOVABLE_SCENES` train scenes of three photos or more and no
        test photo is of a train scene: validation then asks what the test asks. Otherwise photos (all frames of a clip
        together) move, the same share of every scene. The choice depends on the seed and the names of the files, not
        on where they lie or on the order of the rows. Test photos are never touched.
        """
        moved = {image for name in self.datasets for image in self._to_validate(name, share, seed)}
        to_val = (pl.col("split") == "train") & pl.col("image").is_in(list(moved))
        return Manifest(self.frame.with_columns(split=pl.when(to_val).then(pl.lit("val")).otherwise("split")))

    def _to_validate(self, dataset: str, share: float, seed: int) -> list[str]:
        frame = self.frame.filter(pl.col("dataset") == dataset)
        if (frame["split"] == "val").any():
            return []
        train = frame.filter(pl.col("split") == "train")
        tested = set(frame.filter(pl.col("split") == "test")["scene"])
        by_scene = tested.isdisjoint(train["scene"]) and len(large_scenes(train)) >= MOVABLE_SCENES
        return held_out(train, share, seed, by_scene=by_scene)

    def warnings(self) -> list[str]:
        """What is allowed but worth knowing, one line each: train scenes that can form no pair."""
        train = self.frame.filter(pl.col("split") == "train")
        scenes = train.group_by("dataset", "scene").agg(n=pl.len(), labels=pl.col("score").n_unique())
        lonely = sorted(scenes.filter(pl.col("n") == 1)["scene"])
        flat = sorted(scenes.filter((pl.col("n") > 1) & (pl.col("labels") == 1))["scene"])
        found = []
        if lonely:
            found.append(f"{_scenes(lonely)} of the train split with one photo only, which forms no pair")
        if flat:
            found.append(f"{_scenes(flat)} of the train split with the same score on every photo, which teach nothing")
        return found

    def unjudged(self) -> list[str]:
        """What the held-out parts cannot tell, one line each: which epoch is the best, or how good the model is."""
        found, last = [], "the last epoch will count as the best one"
        if not len(val := self.part("val")):
            found.append(f"there is no validation part: {last}")
        elif not val.has_pairs():
            found.append(f"no two photos of the validation part can be compared: {last}")
        if len(test := self.part("test")) and not test.has_pairs():
            found.append("no two photos of the test part can be compared: its results will be undefined")
        return found

    def has_pairs(self) -> bool:
        """Whether a scene has two photos with different scores."""
        return bool((self.frame.group_by("dataset", "scene").agg(pl.col("score").n_unique())["score"] > 1).any())

    def leaks(self, contents: Mapping[str, str]) -> list[str]:
        """Held-out photos that another part has under another name, one line for each two parts that share some.

        Args:
            contents: image -> a digest of the file's content.
        """
        shared: list[tuple[Split, Split, str]] = [
            ("val", "train", "its figures flatter"),
            ("test", "train", "its figures flatter"),
            ("test", "val", "they have a say in which epoch is the best one, which flatters slightly"),
        ]
        return [line for held, other, so in shared if (line := self._shared(held, other, contents, so))]

    def _shared(self, held: Split, other: Split, contents: Mapping[str, str], so: str) -> str | None:
        known = {contents[image]: image for image in self.part(other).frame["image"]}
        seen = [image for image in self.part(held).frame["image"] if contents[image] in known]
        if not seen:
            return None
        count = f"{counted(len(seen), 'photo')} of the {held} split"
        return f"{count} also in the {other} split: {seen[0]} is {known[contents[seen[0]]]}; {so}"

    @staticmethod
    def join(manifests: Sequence[Manifest]) -> Manifest:
        """Several data sets as one, in the order given.

        Two of the same name get a number (`labels`, `labels-2`): their scales may differ, so they are not compared.

        Raises:
            UsageError: none is given, or a photo is in different splits of two of them.
        """
        if not manifests:
            raise UsageError("no data set was given", hint="name a data set or a manifest")
        frame = pl.concat(_told_apart([manifest.frame for manifest in manifests]), how="diagonal")
        splits = frame.group_by("image").agg(pl.col("split").unique().sort()).sort("image")
        leaked = splits.filter(pl.col("split").list.len() > 1)
        if leaked.height:
            image, of = leaked.row(0)
            raise UsageError(
                f"photos in different splits of two data sets: {leaked.height}, as {image} ({' and '.join(of)})",
                hint="give both data sets the same splits, or leave one of them out",
            )
        return Manifest(frame)


def held_out(frame: pl.DataFrame, share: float, seed: int, *, by_scene: bool) -> list[str]:
    """Images to hold out of a frame of one data set: whole scenes, or about `share` of every scene.

    A scene or photo is drawn by the SHA-256 of the seed and its name, so that the same files give the same choice on
    every machine. The frames of a clip stay together. At least one scene is drawn; of the photos of a scene at least
    one, three where there are nine, and none where there are fewer than three.

    Raises:
        UsageError: `share` is not between 0 and 1.
    """
    check_share(share)
    if share == 0:
        return []
    if by_scene:
        scenes = sorted(large_scenes(frame), key=lambda scene: lot(seed, scene))
        chosen = scenes[: max(1, round(share * len(scenes)))]
        return frame.filter(pl.col("scene").is_in(chosen))["image"].to_list()
    scenes_of = frame.partition_by("scene", maintain_order=True)
    return [image for scene in scenes_of for image in _held_out_of_scene(scene, share, seed)]


def check_share(share: float) -> None:
    """Raise UsageError where a share that is to be held out is not from 0 to below 1."""
    if not 0 <= share < 1:
        raise UsageError(f"a share of {share:g} cannot be held out", hint="give a share from 0 to below 1")


def large_scenes(frame: pl.DataFrame) -> list[str]:
    """Scenes of three photos or more, with fewer there is no correlation; or of two, where those are too few."""
    sizes = frame.group_by("scene").agg(pl.len())
    large = sizes.filter(pl.col("len") >= 3)
    return (large if large.height >= MOVABLE_SCENES else sizes.filter(pl.col("len") >= 2))["scene"].to_list()


def _held_out_of_scene(scene: pl.DataFrame, share: float, seed: int) -> list[str]:
    units: dict[str, list[str]] = {}  # clip or photo -> its images
    clips = scene["clip"] if "clip" in scene.columns else [None] * scene.height
    for image, clip in zip(scene["image"], clips, strict=True):
        units.setdefault(clip or image, []).append(image)
    drawn = sorted(units, key=lambda unit: (lot(seed, f"{scene['scene'][0]}/{Path(unit).name}"), unit))
    least = 3 if len(units) >= 9 else 1 if len(units) >= 3 else 0  # three make a correlation
    number = max(least, round(share * len(units))) if least else 0
    return [image for unit in drawn[:number] for image in units[unit]]


def lot(seed: int, name: str) -> str:
    """What names are sorted by to draw among them: the same on every machine, another order for every seed."""
    return hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()


def _told_apart(frames: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    taken: set[str] = set()
    renamed = []
    for frame in frames:
        names = {}
        for name in frame["dataset"].unique().sort():
            free = (f"{name}-{number}" if number > 1 else name for number in count(1))
            names[name] = next(candidate for candidate in free if candidate not in taken)
        taken.update(names.values())
        renamed.append(frame.with_columns(pl.col("dataset").replace(names)))
    return renamed


def _scenes(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{counted(len(names), 'scene')} ({', '.join(names[:_SHOWN])}{more})"
