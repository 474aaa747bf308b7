"""Makes the embedded default model: `python -m piqa_training.piqa_lite DATA --output FOLDER`.

DATA holds `photos/`, `scenes/` and `biq2021/` (see `sources`). Degraded versions are rendered, the face branch's
backbone is fine-tuned on them, and features are computed; the backbone and the features are kept in FOLDER, so that a
second run trains the heads within minutes.
"""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from piqa_cli.errors import PiqaError
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.presets import PIQA_LITE
from piqa_cli.records import Box
from piqa_training.facts import photo_facts
from piqa_training.fit.observer import Observer
from piqa_training.heads import HeadSettings
from piqa_training.initial import load_imagenet_lite0
from piqa_training.pretrain_synthetic import SyntheticSettings, pretrain_synthetic
from piqa_training.sources import Source, Split, read_sources
from piqa_training.tune import TuneSettings

log = logging.getLogger("piqa_training")

DEGRADED_OPINIONS = 291  # BIQ2021 photos that also serve as originals to degrade, people first
DEGRADABLE_OPINION = 0.65  # of those that are degraded for the heads alone
PAUSE_S = 60.0  # between two lines on how far a stage is


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m piqa_training.piqa_lite", description=__doc__)
    parser.add_argument("data", type=Path, help="folder with photos/, scenes/, biq2021/")
    parser.add_argument("--output", type=Path, required=True, help="folder for features, log and model/")
    parser.add_argument("--passes", type=int, default=1, help="times to go through the photos, each with new versions")
    parser.add_argument("--versions", type=int, default=11, help="versions of a photo in a pass, the first undegraded")
    parser.add_argument(
        "--further-passes", type=int, default=3, help="times through the photos that only the heads see"
    )
    parser.add_argument("--further-versions", type=int, default=7, help="versions of such a photo in a pass")
    parser.add_argument("--epochs", type=int, default=HeadSettings().epochs)
    tunes = "passes that fine-tune the face backbone; 0: none"
    parser.add_argument("--tune-epochs", type=int, default=TuneSettings().epochs, help=tunes)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes that render")
    parser.add_argument("--limit", type=int, help="use only this many photos of each part, for a trial")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        make_model(options)
    except PiqaError as error:
        log.error("error: %s%s", error.message, f" ({error.hint})" if error.hint else "")
        return 2
    return 0


def make_model(options: argparse.Namespace) -> None:
    """Fine-tuned backbone, features, heads, calibration, model folder."""
    network = untrained_network(options.seed)
    sources = _limited(read_sources(options.data), options.limit)
    observer = _Log()
    facts = photo_facts(
        [str(s.path) for s in sources],
        PIQA_LITE,
        options.output,
        options.workers,
        on_progress=lambda done, total: observer.progress("faces", done, total),
    )
    faces = {source.path: facts[str(source.path)].face for source in sources}
    heads = HeadSettings(epochs=options.epochs, seed=options.seed)
    tune = TuneSettings(epochs=options.tune_epochs, seed=options.seed) if options.tune_epochs else None
    settings = SyntheticSettings(
        options.passes,
        options.versions,
        options.workers,
        heads,
        tune,
        options.further_passes,
        options.further_versions,
    )
    rated = [source for source in sources if source.opinion is not None]
    originals, scenes = _originals(sources, faces), _scenes(sources)
    further = _further(rated, originals)
    made = pretrain_synthetic(network, originals, rated, faces, settings, options.output, observer, scenes, further)
    figures = "  ".join(f"{name} {value:.4f}" for name, value in made["final"].items() if value is not None)
    log.info("%s: held-out photos of the same recipes  %s", made["model"], figures)


def untrained_network(seed: int) -> DualBranchNet:
    """Backbones that know ImageNet, and heads that know nothing; the same for the same seed."""
    torch.manual_seed(seed)
    network = DualBranchNet(PIQA_LITE)
    load_imagenet_lite0(network.full)
    load_imagenet_lite0(network.face)
    return network


class _Log(Observer):
    """Every epoch as a line, and how far each stage is, at most once a minute."""

    def __init__(self) -> None:
        self._spoke = -math.inf

    def note(self, message: str) -> None:
        log.info("%s", message)

    def progress(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done == total or now - self._spoke >= PAUSE_S:
            self._spoke = now
            log.info("%s %d/%d", stage, done, total)

    def epoch(self, record: dict[str, Any]) -> None:
        figures = {**record["val"], "loss": record["train"]["loss"]}
        words = "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if value is not None)
        log.info("epoch %3d  %s", record["epoch"], words)


def _originals(sources: list[Source], faces: dict[Path, Box | None]) -> list[Source]:
    """Photos to degrade: every portrait and good scene, and some of the well-judged BIQ2021 photos, people first."""
    own = [s for s in sources if s.pristine and s.opinion is None]
    rated = sorted((s for s in sources if s.pristine and s.opinion is not None), key=lambda s: faces[s.path] is None)
    return own + rated[:DEGRADED_OPINIONS]


def _further(rated: list[Source], originals: list[Source]) -> list[Source]:
    """The other rated photos that are not bad to begin with: what degrades them makes them worse all the same."""
    used = {source.path for source in originals}
    return [s for s in rated if s.path not in used and s.opinion is not None and s.opinion >= DEGRADABLE_OPINION]


def _scenes(sources: list[Source]) -> dict[Split, list[Path]]:
    """Backgrounds for each split."""
    splits: tuple[Split, ...] = ("train", "val")
    return {
        split: [s.path for s in sources if s.part == "scenes" and s.pristine and s.split == split] for split in splits
    }


def _limited(sources: list[Source], limit: int | None) -> list[Source]:
    if limit is None:
        return sources
    return [s for part in ("photos", "scenes", "biq2021") for s in [x for x in sources if x.part == part][:limit]]


if __name__ == "__main__":
    raise SystemExit(main())
