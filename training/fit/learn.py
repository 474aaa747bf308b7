"""Between the starting weights and the best epoch: standardise, note what must be kept, train."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from piqa_cli.model.config import Cut
from piqa_cli.model.network import DualBranchNet, Standardise
from piqa_cli.model.preprocess import normalise
from piqa_training.fit.best import Measures, chosen_value
from piqa_training.fit.inputs import scoring_batches
from piqa_training.fit.labels import label_scales, labels_of
from piqa_training.fit.loop import Fit, Task
from piqa_training.fit.loss import Targets
from piqa_training.fit.predict import BATCH, headline, measured
from piqa_training.fit.report import write_tensorboard
from piqa_training.fit.session import Session
from piqa_training.fit.state import save_state
from piqa_training.fit.unit import training_mode
from piqa_training.manifest import Manifest
from piqa_training.spread import spread

PLACED_ON = 2000
STANDARDISED_ON = 512  # training photos that set the shift and scale of features; more would not change them


def learn(session: Session) -> None:
    """Leave the session's network with the weights of the best epoch."""
    _prepare(session)
    if session.settings.run.freeze_backbone:
        _learn_heads(session)
        return
    train = session.manifest.part("train")
    labels = labels_of(train, label_scales(train, session.settings.data.labels))
    photos = session.photos("train")
    kept = session.state.start or {}
    targets = Targets(labels, photos.faces(), kept.get("photo_defects"), kept.get("face_defects"))
    val = session.manifest.part("val")

    def validate(network: DualBranchNet) -> Measures:
        if not len(val):
            return {}
        return headline(measured(val, session.predict("val", "validation", network=network).raw))

    task = Task(session.settings, photos, targets, len(train.datasets), validate, _frozen_norms(session))
    Fit(session.network, task, session.state, session.world, session.run, session.observer).go()


def placed_rows(session: Session) -> list[int]:
    """The training photos that place the 0-100 map."""
    return train_rows(session.manifest.part("train"), PLACED_ON)


def train_rows(train: Manifest, most: int) -> list[int]:
    """At most `most` rows, spread evenly over the manifest."""
    step = max(1, -(-len(train) // most))
    return list(range(0, len(train), step))


def _prepare(session: Session) -> None:
    """Once in a run: what comes before the first batch, kept in the checkpoint."""
    state = session.state
    if state.prepared:
        return
    if state.from_model:
        state.start = _said_by_start(session)
    else:
        _standardise(session)
    state.network, state.prepared = session.network.state_dict(), True
    if session.world.first:
        save_state(state, session.run)


def _said_by_start(session: Session) -> dict[str, Tensor]:
    """The starting model's outputs for the photos that place the map, and for all photos the severities to keep."""
    rows = placed_rows(session)
    if session.network.photo_defects is None or session.settings.run.freeze_backbone:
        said = session.predict("train", "starting model", rows=rows)
        return {"raw": said.raw, "face": said.face}
    said = session.predict("train", "starting model")
    return {
        "raw": said.raw[rows],
        "face": said.face[rows],
        "photo_defects": said.photo_defects,
        "face_defects": said.face_defects,
    }


def _standardise(session: Session) -> None:
    """Set the fixed shift and scale of features that are pooled over stages from training photos."""
    network = session.network.eval()
    rows = train_rows(session.manifest.part("train"), STANDARDISED_ON)
    _settle_norms(session, rows)
    modules = {cut: m for cut, m in network.standardise.items() if isinstance(m, Standardise)}
    if not modules:
        return
    seen: dict[str, list[Tensor]] = {cut: [] for cut in modules}
    for features in _features(session, rows):
        for cut, values in features.items():
            if cut in seen:
                seen[cut].append(values.flatten(0, 1))
    for name, module in modules.items():
        values = torch.cat(seen[name])  # (N, F), shifted by what a branch from another model brought along
        module.mean.add_(values.mean(dim=0) * module.std)
        module.std.mul_(spread(values))


def _settle_norms(session: Session, rows: Sequence[int]) -> None:
    """Give batch norms that have seen nothing the statistics of training photos, where training uses those of batches.

    Features would otherwise be standardised as they come out of norms that do nothing, and be thousands of times as
    large from the first step on; where they are not standardised, all photos would score the same for many epochs.
    """
    if session.settings.run.freeze_backbone:
        return
    network = session.network
    training_mode(network, session.settings, frozen_norms=_frozen_norms(session))
    found = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training]
    new = {norm: norm.momentum for norm in found if _has_seen_nothing(norm)}
    network.eval()
    for norm in new:
        norm.train().momentum = None  # the plain mean over batches
    if new:
        for _ in _features(session, rows[: len(rows) - (len(rows) % BATCH == 1)]):  # one photo alone may be no batch
            pass
    for norm, momentum in new.items():
        norm.eval().momentum = momentum


def _has_seen_nothing(norm: nn.modules.batchnorm._BatchNorm) -> bool:
    mean, variance = norm.running_mean, norm.running_var
    return mean is not None and variance is not None and not mean.any() and bool((variance == 1).all())


def _features(session: Session, rows: Sequence[int]) -> Iterator[Mapping[Cut, Tensor]]:
    """What the branches make of training photos, a few at a time: cut -> float32 (B, K, F), not yet standardised."""
    network, photos = session.network, session.photos("train")
    for batch in scoring_batches(photos, rows, BATCH, session.settings.data.workers):
        views = {cut: pixels.to(session.world.device) for cut, pixels in batch.views.items()}
        with torch.no_grad():
            yield network.features(normalise(views, network.config.preprocess))


def _frozen_norms(session: Session) -> bool:
    chosen = session.settings.run.batch_norm
    return chosen == "frozen" or (chosen == "auto" and session.settings.network.pretrained != "none")


def _learn_heads(session: Session) -> None:
    """The first process trains heads on features that it computed once; all get the result."""
    from piqa_training.frozen import train_frozen

    if session.world.first:
        standing, to_beat = session.state.standing, _value_of_start(session)
        standing.history = train_frozen(
            session.network, session.settings, session.manifest, session.facts, session.cache, session.observer, to_beat
        )
        best = [record["epoch"] for record in standing.history if record.pop("best", False)]
        standing.best_epoch = best[-1] if best else (None if to_beat is None else 0)
        write_tensorboard(standing.history, session.run)
    session.world.same(session.network)


def _value_of_start(session: Session) -> float | None:
    """What the starting model is judged by on the validation part: fine-tuning must not make it worse."""
    val = session.manifest.part("val")
    if not session.state.from_model or not len(val):
        return None
    said = session.predict("val", "starting model", alone=True).raw
    return chosen_value(headline(measured(val, said)), session.settings)
