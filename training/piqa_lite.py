"""Makes the embedded default model: `python -m piqa_training.piqa_lite DATA --output FOLDER`.

DATA holds `photos/`, `scenes/` and `biq2021/` (see `sources`). Features of degraded versions are computed once and kept
in FOLDER, so a second run trains the heads within minutes.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from piqa_cli.errors import PiqaError
from piqa_cli.model.checkpoint import save_model
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.presets import PIQA_LITE
from piqa_cli.records import Box
from piqa_training.calibrate import fit_score_map
from piqa_training.features import FeatureSet, Versions, extract, join
from piqa_training.heads import HeadSettings, fit_standardisation, standardise, train_heads
from piqa_training.initial import load_imagenet_lite0
from piqa_training.measures import Measures
from piqa_training.samples import find_faces
from piqa_training.sources import Source, read_sources

log = logging.getLogger("piqa_training")

DEGRADED_OPINIONS = 400  # BIQ2021 photos that also serve as originals to degrade, people first


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m piqa_training.piqa_lite", description=__doc__)
    parser.add_argument("data", type=Path, help="folder with photos/, scenes/, biq2021/")
    parser.add_argument("--output", type=Path, required=True, help="folder for features, log and model/")
    parser.add_argument("--passes", type=int, default=1, help="times to go through the photos, each with new versions")
    parser.add_argument("--versions", type=int, default=11, help="versions of a photo in a pass, the first undegraded")
    parser.add_argument("--epochs", type=int, default=HeadSettings().epochs)
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
    """Features, heads, calibration, model folder."""
    options.output.mkdir(parents=True, exist_ok=True)
    network = DualBranchNet(PIQA_LITE)
    load_imagenet_lite0(network.full)
    load_imagenet_lite0(network.face)
    features = _features(network, options)
    log.info("%d samples of %d photos", len(features.loss), len(set(features.photo.tolist())))
    fit_standardisation(network, features)
    history: list[dict[str, object]] = []

    def report(epoch: int, losses: dict[str, float], measured: Measures) -> None:
        history.append({"epoch": epoch, "loss": losses, "held_out": asdict(measured)})
        log.info("epoch %3d  %s", epoch, "  ".join(f"{k} {v:.4f}" for k, v in asdict(measured).items()))

    settings = HeadSettings(epochs=options.epochs, seed=options.seed)
    best = train_heads(network, features, settings, report)
    log.info("best       %s", "  ".join(f"{k} {v:.4f}" for k, v in asdict(best).items()))
    network.config = replace(network.config, score_map=fit_score_map(*_held_out(network, features)))
    save_model(network, options.output / "model")
    summary = {
        "settings": asdict(settings),
        "versions": options.versions,
        "passes": options.passes,
        "best": asdict(best),
        "history": history,
    }
    (options.output / "log.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")


def _features(network: DualBranchNet, options: argparse.Namespace) -> FeatureSet:
    """Features of every pass over the photos, and of the photos that people judged; each part is computed once."""
    sources = _limited(read_sources(options.data), options.limit)
    faces = _faces(sources, options.output / "faces.json")
    originals, rated = _originals(sources, faces), [s for s in sources if s.opinion is not None]
    parts = []
    for turn in range(options.passes):
        log.info("pass %d: %d versions of %d photos", turn, options.versions, len(originals))
        seed = options.seed + turn * len(originals)
        versions = Versions(originals, faces, network.config, options.versions, seed)
        file = options.output / f"features-{turn}.safetensors"
        parts.append(_computed_once(network, versions, file, options.workers, offset=turn * len(originals)))
    if rated:
        opinions, file = (
            Versions(rated, faces, network.config, 0, options.seed),
            options.output / "opinions.safetensors",
        )
        parts.append(_computed_once(network, opinions, file, options.workers, offset=options.passes * len(originals)))
    return join(parts)


def _computed_once(network: DualBranchNet, versions: Versions, file: Path, workers: int, *, offset: int) -> FeatureSet:
    """Photos are numbered from `offset` on: in two passes one photo differs in size and mirroring and counts twice."""
    if not file.is_file():
        extract(network, versions, workers=workers).save(file)
    found = FeatureSet.load(file)
    return replace(found, photo=found.photo + offset)


def _faces(sources: list[Source], file: Path) -> dict[Path, Box | None]:
    if not file.is_file():
        log.info("finding faces on %d photos", len(sources))
        file.write_text(json.dumps({str(path): box for path, box in find_faces(sources).items()}), encoding="utf-8")
    stored = json.loads(file.read_text(encoding="utf-8"))
    return {Path(path): box and (box[0], box[1], box[2], box[3]) for path, box in stored.items()}


def _originals(sources: list[Source], faces: dict[Path, Box | None]) -> list[Source]:
    """Photos to degrade: every portrait and good scene, and some of the well-judged BIQ2021 photos, people first."""
    own = [s for s in sources if s.pristine and s.opinion is None]
    rated = sorted((s for s in sources if s.pristine and s.opinion is not None), key=lambda s: faces[s.path] is None)
    return own + rated[:DEGRADED_OPINIONS]


def _limited(sources: list[Source], limit: int | None) -> list[Source]:
    if limit is None:
        return sources
    return [s for part in ("photos", "scenes", "biq2021") for s in [x for x in sources if x.part == part][:limit]]


def _held_out(network: DualBranchNet, features: FeatureSet) -> tuple[torch.Tensor, torch.Tensor]:
    """Raw scores and latent losses of held-out degraded photos that show a face."""
    rows = features.val & features.has_face & features.photo_severities[:, 0].isfinite()
    network.eval()
    with torch.inference_mode():
        batch = {cut: values[rows][:, None] for cut, values in standardise(network, features).items()}
        return network.from_features(batch).raw, features.loss[rows]


if __name__ == "__main__":
    raise SystemExit(main())
