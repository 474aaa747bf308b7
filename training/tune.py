"""Fine-tuning of the face branch's backbone on degraded views, before the heads are trained on its features.

A network that was trained to recognise things overlooks mild blur, noise and compression. Trained end to end for a few
passes to rank the versions of a photo and to name their defects, it sees them. Batch norms keep their statistics, and
the first layers their weights; the heads of this stage are thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from piqa_cli.errors import UsageError
from piqa_cli.model.backbone import NO_BACKBONE
from piqa_cli.model.config import BackboneConfig, Cut, ModelConfig
from piqa_cli.model.network import DualBranchNet, Standardise
from piqa_cli.model.preprocess import normalise
from piqa_training.fit.observer import Observer
from piqa_training.objective import Weights, objective
from piqa_training.spread import spread
from piqa_training.tune_photos import TunePhoto, TunePhotos, truth_of_batch

STANDARDISED_ON = 100  # photos that set the shift and scale of the features


@dataclass(frozen=True, slots=True)
class TuneSettings:
    """How the backbone is trained."""

    epochs: int = 3
    photos_per_batch: int = 6  # every version of each
    side: int = 192  # pixels, at most, of the random cut of each view
    learning_rate: float = 3e-4  # of the backbone, at its highest
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.02  # of the backbone
    head_weight_decay: float = 0.5
    feature_dropout: float = 0.2
    frozen: tuple[str, ...] = ("conv_stem", "blocks.0.")  # parts of the names of layers that stay as they are
    most_gradient: float = 2.0  # norm to which the backbone's is cut
    seed: int = 0
    weights: Weights = field(default_factory=lambda: Weights(defects=2.0, face=2.0))


def tune_backbone(network: DualBranchNet, parts: Sequence[Path], settings: TuneSettings, observer: Observer) -> None:
    """Train `network.face` in place.

    Args:
        network: with defect heads and a face head; nothing but its face backbone changes.
        parts: files of views, as `features.render_views(...).save` writes them; held-out photos in them are left alone.
        settings: how.
        observer: is told how far it is, and the loss of every pass.

    Raises:
        UsageError: fewer photos to learn from than a batch takes.
    """
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    student = DualBranchNet(_face_alone(network.config)).to(memory_format=torch.channels_last)
    student.face.load_state_dict(network.face.state_dict())
    with TunePhotos(parts, [view.cut for view in student.views]) as photos:
        batches = len(photos) // settings.photos_per_batch
        if not batches:
            raise UsageError(f"{len(photos)} photos to learn from, a batch takes {settings.photos_per_batch}")
        _standardise(student, photos)
        optimiser, schedule = _optimiser(student, settings, batches)
        for epoch in range(settings.epochs):
            order, total = torch.randperm(len(photos), generator=generator).tolist(), 0.0
            for done in range(batches):
                chosen = order[done * settings.photos_per_batch : (done + 1) * settings.photos_per_batch]
                batch = [photos.read_cut(index, settings.side, generator) for index in chosen]
                total += _step(student, batch, optimiser, settings, generator)
                schedule.step()
                observer.progress(f"fine-tuning, pass {epoch + 1}", done + 1, batches)
            observer.note(f"fine-tuning, pass {epoch + 1}: loss {total / batches:.3f}")
    network.face.load_state_dict(student.face.state_dict())


def _face_alone(config: ModelConfig) -> ModelConfig:
    """The same network without the full-image branch and without what the pixels say by themselves.

    The inner face is left out, too: the detail shows the same pixels.
    """
    views = tuple(view for view in config.preprocess.views if view.branch == "face" and view.cut != "inner")
    return replace(
        config,
        full=BackboneConfig(NO_BACKBONE),
        preprocess=replace(config.preprocess, views=views),
        statistics=False,
    )


def _standardise(student: DualBranchNet, photos: TunePhotos) -> None:
    """Set the shift and scale of the features that the heads see, from photos spread over the set."""
    student.eval()
    every = max(len(photos) // STANDARDISED_ON, 1)
    with torch.inference_mode():
        seen = [_features(student, photos.read(index)) for index in range(0, len(photos), every)]
    for cut, module in student.standardise.items():
        if isinstance(module, Standardise):
            values = torch.cat([features[cut] for features in seen])  # type: ignore[index]
            module.mean.copy_(values.mean(dim=(0, 1)))
            module.std.copy_(spread(values.flatten(0, 1)))


def _features(student: DualBranchNet, photo: TunePhoto) -> dict[Cut, Tensor]:
    """cut -> float32 (V, K, F). A photo at a time: larger batches leave the processor's cache."""
    return student.features(normalise(photo.views, student.config.preprocess))


def _optimiser(
    student: DualBranchNet, settings: TuneSettings, batches: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    for name, parameter in student.face.named_parameters():
        parameter.requires_grad_(not any(part in name for part in settings.frozen))
    heads = [p for name, p in student.named_parameters() if not name.startswith("face.")]
    groups = [
        {"params": heads, "lr": settings.head_learning_rate, "weight_decay": settings.head_weight_decay},
        {"params": _learning(student), "lr": settings.learning_rate, "weight_decay": settings.weight_decay},
    ]
    optimiser = torch.optim.AdamW(groups)
    highest = [settings.head_learning_rate, settings.learning_rate]
    steps = settings.epochs * batches
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, highest, total_steps=steps, pct_start=0.1)


def _learning(student: DualBranchNet) -> list[nn.Parameter]:
    return [parameter for parameter in student.face.parameters() if parameter.requires_grad]


def _step(
    student: DualBranchNet,
    batch: Sequence[TunePhoto],
    optimiser: torch.optim.Optimizer,
    settings: TuneSettings,
    generator: torch.Generator,
) -> float:
    student.train()
    student.face.eval()  # its batch norms keep their statistics
    seen = [_features(student, photo) for photo in batch]
    features = {cut: dropout(torch.cat([f[cut] for f in seen]), settings.feature_dropout) for cut in seen[0]}
    output, faces = student.from_features(features), student.faces_from_features(features)
    loss = torch.stack(
        list(objective(output, faces, truth_of_batch(batch), settings.weights, generator).values())
    ).sum()
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(_learning(student), settings.most_gradient)
    optimiser.step()
    return float(loss.detach())
