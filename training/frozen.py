"""`--freeze-backbone`: the photos' features are computed once, and only the heads are trained on them.

The heads are trained twice, side by side: from what they are, and from nothing. With few photos the former is better,
with thousands the latter; the validation part decides. What says what is wrong (the defect heads) is left alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from piqa_cli.model.network import DualBranchNet
from piqa_training.facts import PhotoFacts, Progress
from piqa_training.fit.best import chosen_value
from piqa_training.fit.labels import label_scales, labels_of
from piqa_training.fit.loss import Targets
from piqa_training.fit.observer import Observer
from piqa_training.fit.predict import Predictions, headline, measured
from piqa_training.frozen_features import SCORING, frozen_features, training_versions
from piqa_training.frozen_heads import Heads, Photos, predictions
from piqa_training.manifest import Manifest
from piqa_training.settings import PRESETS, TrainSettings

CLEARLY_BETTER = 0.005  # of the validation measure: what heads from nothing must be better by

Measures = dict[str, Any]

UNUSED = (
    *(f"data.{name}" for name in ("pairs", "scene_photos", "random_crop", "flip")),
    *(f"optimiser.{name}" for name in ("name", "learning_rate", "layer_decay", "weight_decay", "schedule")),
    *(f"optimiser.{name}" for name in ("step_epochs", "step_factor", "warmup", "clip_norm", "accumulate", "ema")),
    *(f"run.{name}" for name in ("precision", "checkpoint_activations", "frozen_stages", "batch_norm", "save_every")),
    "keep.defects",
)
"""Settings of training as a whole that training of the heads alone does not have."""


def train_frozen(
    network: DualBranchNet,
    settings: TrainSettings,
    manifest: Manifest,
    facts: Mapping[str, PhotoFacts],
    cache_dir: Path,
    observer: Observer,
    to_beat: float | None = None,
) -> list[dict[str, Any]]:
    """Train the heads of `network` in place and keep the best epoch on the val rows; test rows are not looked at.

    Features of up to `settings.run.views` augmented versions of each photo are computed first, unless they are in
    `cache_dir`. `settings.run.epochs` says how often the heads are judged. Without val rows the heads that are trained
    from what they are stay as the last epoch leaves them.

    Args:
        network: what is trained.
        settings: of the run.
        manifest: labelled photos.
        facts: of each photo.
        cache_dir: the folder of the cache.
        observer: is told how it goes.
        to_beat: the validation measure of the heads as they are; unless an epoch is better, they stay.

    Returns:
        One record for each epoch: epoch (from 1), heads ("start" or "new"), train (loss parts and their sum), val, lr,
        seconds, best (bool: better than all before). The observer hears each.

    Raises:
        UsageError: photos cannot be read.
        OutputError: the features cannot be kept.
        EngineError: the loss is not finite any more.
    """
    if ignored := ignored_settings(settings):
        observer.note(f"not used where only heads are trained: {', '.join(ignored)}")
    train, val = manifest.part("train"), manifest.part("val")
    workers = settings.data.workers
    flipped = settings.loss.needs_flipped
    versions = training_versions(network, settings.run.views, len(train), mirrored=flipped)
    photos = _photos(network, train, facts, versions, cache_dir, workers, _telling(observer, "features"))
    judged = None
    if len(val):
        progress = _telling(observer, "validation features")
        judged = _photos(network, val, facts, [SCORING], cache_dir, workers, progress)
    labels = labels_of(train, label_scales(train, settings.data.labels))
    shows_face = torch.tensor([facts[path].face is not None for path in train.frame["image"]], dtype=torch.bool)
    targets = Targets(labels, shows_face, None, None).to(next(network.parameters()).device)

    def validate(heads: DualBranchNet) -> Measures:
        return {} if judged is None else headline(measured(val, predictions(heads, judged).raw))

    with torch.random.fork_rng():
        torch.manual_seed(settings.run.seed)
        tries = [
            Heads(name, network, photos, targets, settings) for name in (("start", "new") if len(val) else ("start",))
        ]
        records, best = _contest(tries, settings, validate, observer, to_beat)
    if best is not None:
        network.load_state_dict(best, strict=False)
    network.eval()
    return records


def ignored_settings(settings: TrainSettings) -> list[str]:
    """The names of settings that somebody changed and that make no difference here."""

    def value(of: TrainSettings, name: str) -> object:
        section, key = name.split(".")
        return getattr(getattr(of, section), key)

    preset = PRESETS[settings.network.preset]
    return [name for name in UNUSED if value(settings, name) != value(preset, name)]


def predict_frozen(
    network: DualBranchNet,
    paths: Sequence[str],
    facts: Mapping[str, PhotoFacts],
    cache_dir: Path,
    workers: int = 0,
    on_progress: Progress | None = None,
) -> Predictions:
    """What the network says of photos, its backbones' features taken from `cache_dir` where they are there.

    The same as scoring but for features in half precision: within about 0.001 of the raw outputs' spread.
    """
    found = frozen_features(network, paths, facts, [SCORING], cache_dir, workers=workers, on_progress=on_progress)
    return predictions(network, Photos.of(found, [facts[path] for path in paths]))


def _contest(
    tries: Sequence[Heads],
    settings: TrainSettings,
    validate: Callable[[DualBranchNet], Measures],
    observer: Observer,
    to_beat: float | None,
) -> tuple[list[dict[str, Any]], dict[str, torch.Tensor] | None]:
    """Train all heads epoch by epoch -> the records, and the best heads' weights."""
    best_value, best, since_best, records = -math.inf, None, 0, list[dict[str, Any]]()
    if to_beat is not None:
        best_value = to_beat
    for epoch in range(settings.run.epochs):
        began = time.monotonic()
        outcomes = [(heads, heads.epoch(epoch), validate(heads.network)) for heads in tries]
        heads, parts, measures = max(outcomes, key=lambda o: _value(o[0], o[2], settings))
        value = _value(heads, measures, settings)
        better = value > best_value or best_value == -math.inf  # where nothing can be judged, the last epoch is taken
        if better:
            best_value, best, since_best = value, heads.weights(), 0
        else:
            since_best += 1
        train = {**parts, "loss": sum(parts.values())}
        seconds = round(time.monotonic() - began, 3)
        record = {
            "epoch": epoch + 1,
            "heads": heads.name,
            "train": train,
            "val": measures,
            "lr": heads.rate,
            "seconds": seconds,
        }
        records.append({**record, "best": better})
        observer.epoch(records[-1])
        if settings.run.patience and since_best >= settings.run.patience:
            break
    return records, best


def _value(heads: Heads, measures: Measures, settings: TrainSettings) -> float:
    found = chosen_value(measures, settings)
    return -math.inf if found is None else float(found) - CLEARLY_BETTER * (heads.name == "new")


def _photos(
    network: DualBranchNet,
    part: Manifest,
    facts: Mapping[str, PhotoFacts],
    versions: Sequence[str],
    cache_dir: Path,
    workers: int,
    progress: Progress,
) -> Photos:
    paths = part.frame["image"].to_list()
    found = frozen_features(network, paths, facts, versions, cache_dir, workers=workers, on_progress=progress)
    return Photos.of(found, [facts[path] for path in paths])


def _telling(observer: Observer, stage: str) -> Progress:
    return lambda done, total: observer.progress(stage, done, total)
