"""The network's heads, trained on features that are there already: large batches, strong regularisation."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import dropout

from piqa_cli.errors import EngineError
from piqa_cli.model.config import Cut
from piqa_cli.model.network import DualBranchNet
from piqa_training.facts import PhotoFacts
from piqa_training.fit.loss import Targets, loss_parts
from piqa_training.fit.predict import Predictions
from piqa_training.fit.sampler import SceneSampler
from piqa_training.fit.unit import COLUMNS, FACE, FACE_DEFECTS, FLIPPED, PHOTO_DEFECTS, RAW
from piqa_training.frozen_features import Features
from piqa_training.settings import TrainSettings
from piqa_training.terms import Objective

# What follows was chosen on BIQ2021, with 100, 300 and 1,600 photos.
LEARNING_RATE = 1e-3  # of AdamW, times `optimiser.head_factor`; falls to 0 along half a cosine
WEIGHT_DECAY = 3.0
FEATURE_DROPOUT = 0.2  # on the features themselves, beside the heads' own
PHOTOS, SCENE_PHOTOS = 256, 16  # in a batch: features are cheap, and every two photos of a scene are a pair
STEPS = 300  # at least, in all: where an epoch has few batches, it goes through the photos several times
TRAINED = {"head": ("linear", "cost"), "face_head": ("face_linear", "face_cost")}
"""The heads, each with what a starting model adds to it: heads that start from nothing start without."""
AT_ONCE = 512  # photos that are predicted in one pass


@dataclass(frozen=True, slots=True)
class Photos:
    """N photos as the heads see them, in V versions."""

    features: dict[Cut, Tensor]  # float16 (N, V, K, F), not yet standardised
    liqe: Tensor | None  # float32 (N, 495)

    def __len__(self) -> int:
        return len(next(iter(self.features.values())))

    @property
    def versions(self) -> int:
        """V."""
        return next(iter(self.features.values())).shape[1]

    @staticmethod
    def of(features: Features, facts: Sequence[PhotoFacts]) -> Photos:
        """Features of every version and what else the heads read."""
        cuts = next(iter(features.values()))
        stacked = {cut: torch.stack([version[cut] for version in features.values()], dim=1) for cut in cuts}
        logits = [fact.liqe for fact in facts if fact.liqe is not None]
        return Photos(stacked, torch.stack(logits) if logits and len(logits) == len(facts) else None)

    def take(self, network: DualBranchNet, rows: Tensor, version: Tensor) -> tuple[dict[Cut, Tensor], Tensor | None]:
        """One version of some photos, standardised: cut -> float32 (B, K, F), and their LIQE logits."""
        device = next(network.parameters()).device
        taken = {cut: values[rows, version].to(device).float() for cut, values in self.features.items()}
        liqe = None if self.liqe is None else self.liqe[rows].to(device)
        return {cut: network.standardise[cut](values) for cut, values in taken.items()}, liqe


def predictions(network: DualBranchNet, photos: Photos) -> Predictions:
    """What the heads say of the first version of each photo, on the CPU.

    Raises:
        EngineError: a number of it is not finite.
    """
    network.eval()
    tables = [torch.zeros(0, COLUMNS)]
    with torch.no_grad():
        for rows in torch.split(torch.arange(len(photos)), AT_ONCE):
            features, liqe = photos.take(network, rows, torch.zeros_like(rows))
            tables.append(_table(network, features, liqe).cpu())
    return Predictions.of(torch.cat(tables))


class Heads:
    """One try: a network with heads of its own, trained epoch by epoch."""

    def __init__(
        self, name: str, network: DualBranchNet, photos: Photos, targets: Targets, settings: TrainSettings
    ) -> None:
        self.name, self.photos, self.targets, self.settings = name, photos, targets, settings
        # The backbones are shared: they do not change, and may be large.
        shared = {id(part): part for part in (network.full, network.face)}
        self.network: DualBranchNet = copy.deepcopy(network, shared)
        heard = {"head": True, "face_head": settings.keep.face > 0 and bool(targets.shows_face.any())}
        self.parts = [part for part in TRAINED if heard[part] and getattr(self.network, part) is not None]
        self.trained = [getattr(self.network, part) for part in self.parts]
        if name == "new":
            self._forget()
        device = targets.shows_face.device
        self.objective = Objective(settings.loss, int(targets.labels.dataset.max()) + 1).to(device)
        self.generator = torch.Generator().manual_seed(settings.run.seed)
        self.sampler = SceneSampler(
            targets.labels.group.tolist(), photos=PHOTOS, scene_photos=SCENE_PHOTOS, seed=settings.run.seed
        )
        self.passes = math.ceil(STEPS / (len(self.sampler) * max(settings.run.epochs, 1)))
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [p for head in self.trained for p in head.parameters()], "weight_decay": WEIGHT_DECAY},
                {"params": list(self.objective.parameters()), "weight_decay": 0.0},
            ],
            lr=LEARNING_RATE * settings.optimiser.head_factor,
        )
        steps = self.passes * len(self.sampler) * max(settings.run.epochs, 1)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimiser, steps)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.schedule.get_last_lr()[0])

    def weights(self) -> dict[str, Tensor]:
        """A copy of the tensors of the trained heads and of what is added to them, under the network's names."""
        state, own = self.network.state_dict(), {*self.parts, *(added for p in self.parts for added in TRAINED[p])}
        return {name: tensor.clone() for name, tensor in state.items() if name.split(".")[0] in own}

    def epoch(self, number: int) -> dict[str, float]:
        """Go through all photos (`passes` times) -> the mean of each weighted part of the loss.

        Raises:
            EngineError: the loss is not finite.
        """
        self.network.eval()  # nothing but the heads is trained
        for head in self.trained:
            head.train()
        sums: dict[str, float] = {}
        batches = [b for turn in range(self.passes) for b in self.sampler.epoch(number * self.passes + turn)]
        for batch in batches:
            parts = self._step(torch.tensor(batch))
            for name, value in parts.items():  # a batch without a face has fewer
                sums[name] = sums.get(name, 0.0) + value
        return {name: value / len(batches) for name, value in sums.items()}

    def _forget(self) -> None:
        """Start from nothing: what opinions and damage were worth to the starting model may be no one's taste here."""
        for module in (m for head in self.trained for m in head.modules() if isinstance(m, torch.nn.Linear)):
            module.reset_parameters()
        for added in (getattr(self.network, name) for part in self.parts for name in TRAINED[part]):
            for buffer in added.buffers() if added is not None else ():
                buffer.zero_()

    def _step(self, rows: Tensor) -> dict[str, float]:
        version = torch.randint(self.photos.versions, (len(rows),), generator=self.generator)
        features, liqe = self.photos.take(self.network, rows, version)
        table = _table(self.network, _dropped(features), liqe)
        if self.settings.loss.needs_flipped:
            mirrored, _ = self.photos.take(self.network, rows, version ^ 1)
            table[:, FLIPPED] = self.network.from_features(_dropped(mirrored), liqe).raw
        keep, face_head = self.settings.keep, self.network.face_head is not None
        rows = rows.to(table.device)
        parts = loss_parts(table, rows, self.targets, self.objective, keep, face_head=face_head)
        loss = torch.stack(list(parts.values())).sum()
        if not bool(loss.isfinite()):
            raise EngineError("training stopped: the loss is not finite", hint="check the scores in the manifest")
        self.optimiser.zero_grad()
        learning = [parameter for group in self.optimiser.param_groups for parameter in group["params"]]
        loss.backward(inputs=learning)  # type: ignore[no-untyped-call]  # what is not trained would take a third
        self.optimiser.step()
        self.schedule.step()
        return {name: float(value.detach()) for name, value in parts.items()}


def _dropped(features: dict[Cut, Tensor]) -> dict[Cut, Tensor]:
    return {cut: dropout(values, FEATURE_DROPOUT) for cut, values in features.items()}


def _table(network: DualBranchNet, features: dict[Cut, Tensor], liqe: Tensor | None) -> Tensor:
    """The columns of `Unit` from features: float32 (B, COLUMNS)."""
    output = network.from_features(features, liqe)
    table = output.raw.new_zeros(len(output.raw), COLUMNS)
    table[:, RAW] = output.raw
    if network.face_head is not None:
        table[:, FACE] = network.faces_from_features(features).raw
    if output.photo_defects is not None and output.face_defects is not None:
        table[:, PHOTO_DEFECTS], table[:, FACE_DEFECTS] = output.photo_defects, output.face_defects
    return table
