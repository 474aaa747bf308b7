"""How well the embedded model does on photos that it was not trained on.

    python -m benchmarks.held_out DATA --photos 24

DATA is the training data folder (`photos/`, `scenes/`, `biq2021/`); only its held-out fifth is read. Versions of each
photo are rendered by the training's own families with fresh draws, written as files, and scored the way `piqa score`
does it. Prints the table that the model card shows.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr

from piqa_cli.model.store import DEFAULT_MODEL, find_model
from piqa_cli.records import DEFECTS, Box, PhotoFile, PhotoScore
from piqa_cli.scoring.engine import score_files
from piqa_training.degrade.masks import face_mask
from piqa_training.degrade.recipes import Region, ladder
from piqa_training.samples import find_faces
from piqa_training.sources import Source, read_sources

LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
REGION_FAMILIES = ("defocus_blur", "motion_blur", "noise", "underexposure")
REGION_LEVEL = 0.6
NAMED_LEVEL = 3  # the level at which the right family should be named first


@dataclass(frozen=True)
class Version:
    """One rendered file."""

    path: Path
    photo: int
    family: str
    level: int
    region: Region = "photo"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=24, help="held-out portraits to degrade")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--seed", type=int, default=2024)
    options = parser.parse_args()
    held_out = [s for s in read_sources(options.data) if s.split == "val"]
    opinions(held_out, options.model)
    portraits = [s for s in held_out if s.part == "photos"]
    chosen = portraits[:: max(len(portraits) // options.photos, 1)][: options.photos]
    with tempfile.TemporaryDirectory() as folder:
        versions = list(render(chosen, Path(folder), options.seed))
        scores = score([v.path for v in versions], options.model)
    ladders([v for v in versions if v.region == "photo"], scores, len(chosen))
    regions([v for v in versions if v.region != "photo"], scores)


def score(paths: Sequence[Path], model: str) -> dict[Path, PhotoScore]:
    found = {r.path: r for batch in score_files(map(PhotoFile, paths), find_model(model)) for r in batch}
    if failed := [r for r in found.values() if r.score is None]:
        raise SystemExit(f"{len(failed)} photos were not scored, the first: {failed[0].path}: {failed[0].reason}")
    return found


def value(score: PhotoScore) -> float:
    assert score.score is not None
    return score.score


def opinions(held_out: Sequence[Source], model: str) -> None:
    rated = [s for s in held_out if s.opinion is not None]
    scores = score([s.path for s in rated], model)
    for name, some in (("all", rated), ("with a face", [s for s in rated if scores[s.path].faces])):
        srcc = spearmanr([s.opinion for s in some], [value(scores[s.path]) for s in some]).statistic
        print(f"SRCC with mean opinions, held-out BIQ2021 photos, {name}: {srcc:.3f} (n = {len(some)})")


def render(sources: Sequence[Source], folder: Path, seed: int) -> Iterator[Version]:
    faces = find_faces(list(sources))
    for number, source in enumerate(sources):
        image = np.asarray(Image.open(source.path).convert("RGB"), dtype=np.float32) / np.float32(255)
        mask = _mask(image.shape[:2], faces[source.path])
        for family in DEFECTS:
            rng = np.random.default_rng([seed, number, DEFECTS.index(family)])
            for level, version in enumerate(ladder(image, family, LEVELS, rng)):
                yield _save(version, Version(folder / f"{number}-{family}-{level}.png", number, family, level))
        for family in REGION_FAMILIES if mask is not None else ():
            for region in ("face", "background"):
                rng = np.random.default_rng([seed, number, DEFECTS.index(family)])
                (version,) = ladder(image, family, [REGION_LEVEL], rng, region=region, face_mask=mask)
                path = folder / f"{number}-{family}-{region}.png"
                yield _save(version, Version(path, number, family, NAMED_LEVEL, region))


def _mask(shape: tuple[int, ...], face: Box | None) -> NDArray[np.float32] | None:
    if face is None or face[2] - face[0] > 0.6 * shape[1]:
        return None
    return face_mask((shape[0], shape[1]), face)


def _save(image: NDArray[np.float32], version: Version) -> Version:
    Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)).save(version.path, compress_level=1)
    return version


def ladders(versions: Sequence[Version], scores: dict[Path, PhotoScore], photos: int) -> None:
    print(f"\n{photos} held-out portraits, five levels of each family (training's renderer, fresh draws)")
    print(f"{'family':<16}{'pairs':>8}{'2 apart':>9}{'SRCC':>8}{'named':>8}   median score by level 0-5")
    for family in DEFECTS:
        own = [v for v in versions if v.family == family]
        levels = [[value(scores[v.path]) for v in own if v.level == n] for n in range(len(LEVELS))]
        near, far = _right_order(own, scores, 1), _right_order(own, scores, 2)
        srcc = -spearmanr([v.level for v in own], [value(scores[v.path]) for v in own]).statistic
        named = np.mean([_worst(scores[v.path]) == family for v in own if v.level == NAMED_LEVEL])
        medians = "  ".join(f"{median(level):3.0f}" for level in levels)
        print(f"{family:<16}{near:>8.1%}{far:>9.1%}{srcc:>8.3f}{named:>8.0%}   {medians}")
    good = [value(scores[v.path]) for v in versions if v.level == 0]
    ruined = [value(scores[v.path]) for v in versions if v.level == len(LEVELS) - 1]
    print(f"undegraded: median {median(good):.0f}, spread (5 %-95 %) {_spread(good)}; level 5: {median(ruined):.0f}")
    clean = np.mean([not scores[v.path].reasons for v in versions if v.level == 0])
    print(f"undegraded photos for which no defect is named: {clean:.0%}")


def _spread(values: Sequence[float]) -> str:
    return f"{np.percentile(values, 5):.0f}-{np.percentile(values, 95):.0f}"


def _right_order(versions: Sequence[Version], scores: dict[Path, PhotoScore], apart: int) -> float:
    """Share of same-photo pairs at least `apart` levels apart in which the milder version scores higher."""
    right = [
        value(scores[a.path]) > value(scores[b.path])
        for a, b in combinations(sorted(versions, key=lambda v: v.level), 2)
        if a.photo == b.photo and b.level - a.level >= apart
    ]
    return float(np.mean(right))


def _worst(score: PhotoScore) -> str:
    assert score.photo_defects is not None
    severities = score.photo_defects.as_dict()
    return max(severities, key=lambda name: severities[name])


def regions(versions: Sequence[Version], scores: dict[Path, PhotoScore]) -> None:
    print(f"\nthe same degradation (severity {REGION_LEVEL}) on the face only and on the background only")
    for family in REGION_FAMILIES:
        own = {(v.photo, v.region): value(scores[v.path]) for v in versions if v.family == family}
        photos = sorted({photo for photo, _ in own})
        lower = np.mean([own[p, "face"] < own[p, "background"] for p in photos])
        face, background = (median(own[p, r] for p in photos) for r in ("face", "background"))
        print(f"{family:<16} face case lower in {lower:.0%} of {len(photos)}; medians {face:.0f} and {background:.0f}")


if __name__ == "__main__":
    main()
