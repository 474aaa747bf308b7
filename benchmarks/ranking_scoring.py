"""Rendered versions become files, and the files are scored as `piqa score` scores them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from benchmarks.ranking_photos import Kind
from benchmarks.recipes_base import Picture, to_bytes
from piqa_cli.model.store import ModelFolder
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.reasons import WORDS

DEFECT_OF = {words: defect for defect, words in WORDS.items()}


@dataclass(frozen=True, slots=True)
class Version:
    """What one file shows."""

    test: str  # the part of the benchmark that asks
    photo: str
    case: str  # a family of degradation, or another word for what was done
    level: int = 0
    kind: Kind = "portrait"
    place: str = "photo"  # or "face", "background"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A version, and the file that it is to become."""

    version: Version
    image: Image.Image
    suffix: str = ".png"
    options: Mapping[str, Any] = field(default_factory=lambda: {"compress_level": 1})


@dataclass(frozen=True, slots=True)
class Measured:
    """A version with what piqa and its peers say of its file."""

    version: Version
    result: PhotoScore
    peers: Mapping[str, float] = field(default_factory=dict)  # higher is better, whatever the peer's own direction

    @property
    def score(self) -> float:
        if self.result.score is None:
            raise SystemExit(f"{self.version}: not scored: {self.result.reason}")
        return self.result.score

    @property
    def first_reason(self) -> str | None:
        """The defect that is named first, one of `DEFECTS`; other remarks do not count."""
        return first_defect(self.result.reasons)


class Peer(Protocol):
    """Another program that judges photo files."""

    def measure(self, paths: Sequence[Path]) -> list[dict[str, float]]:
        """Scores of each file by name, higher is better."""
        ...


def first_defect(reasons: Sequence[str]) -> str | None:
    """The first of `DEFECTS` among reasons in words."""
    return next((DEFECT_OF[words] for reason in reasons if (words := reason.split(": ")[-1]) in DEFECT_OF), None)


def as_image(picture: Picture) -> Image.Image:
    return Image.fromarray(to_bytes(picture))


def measure(
    rendered: Iterable[Rendered],
    folder: Path,
    model: ModelFolder,
    *,
    options: EngineOptions | None = None,
    peers: Sequence[Peer] = (),
    keep: bool = False,
) -> Iterator[Measured]:
    """Write, score and delete versions as they come, so that few files exist at a time. Nothing is cached.

    Raises:
        ModelError: the model cannot be loaded.
    """
    waiting: dict[Path, Version] = {}
    for batch in score_files(_written(rendered, folder, waiting), model, options):
        others = _judged(batch, waiting, peers)
        for result in batch:
            yield Measured(waiting.pop(result.path), result, others.get(result.path, {}))
            if not keep:
                result.path.unlink()


def _written(rendered: Iterable[Rendered], folder: Path, waiting: dict[Path, Version]) -> Iterator[PhotoFile]:
    for number, one in enumerate(rendered):
        v = one.version
        words = "-".join((v.test, v.photo, v.case, str(v.level), v.place)).replace(" ", "_")
        path = folder / f"{number:05}-{words}{one.suffix}"
        one.image.save(path, **one.options)
        waiting[path] = v
        if number % 50 == 49:
            print(f"{number + 1} photos rendered and scored", file=sys.stderr, flush=True)
        yield PhotoFile(path)


def _judged(
    batch: Sequence[PhotoScore], waiting: Mapping[Path, Version], peers: Sequence[Peer]
) -> dict[Path, dict[str, float]]:
    """What the peers say of the files on the ladders."""
    paths = [result.path for result in batch if waiting[result.path].test == "ladder"]
    merged: dict[Path, dict[str, float]] = {path: {} for path in paths}
    for peer in peers if paths else ():
        for path, scores in zip(paths, peer.measure(paths), strict=True):
            merged[path].update(scores)
    return merged
