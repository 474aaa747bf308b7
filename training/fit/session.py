"""One training run in one process: its settings, photos, network and standing, handed from step to step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from piqa_cli.model.network import DualBranchNet
from piqa_training.facts import PhotoFacts, photo_facts
from piqa_training.fit.distributed import World
from piqa_training.fit.inputs import Photos
from piqa_training.fit.observer import Observer
from piqa_training.fit.predict import Predictions, predict
from piqa_training.fit.state import State
from piqa_training.manifest import Manifest, Split
from piqa_training.prepared import PreparedInputs
from piqa_training.pretrain_motion import has_motion, with_motion
from piqa_training.settings import TrainSettings


@dataclass(slots=True)
class Session:
    """Everything that the steps of a run share."""

    settings: TrainSettings
    manifest: Manifest  # with its validation part
    run: Path
    observer: Observer
    world: World
    network: DualBranchNet
    state: State
    cache: Path
    facts: dict[str, PhotoFacts] = field(default_factory=dict)

    def look(self) -> None:
        """Find faces, sizes and LIQE logits: the first process does it, the others read what it kept."""
        if not self.world.first:
            self.world.wait()
        liqe = None
        if self.state.liqe is not None:
            from piqa_cli.model.liqe import load_liqe

            liqe = load_liqe(Path(self.state.liqe))
        self.facts = photo_facts(
            self.manifest.frame["image"].to_list(),
            self.network.config,
            self.cache,
            self.settings.data.workers,
            liqe,
            self._telling("faces"),
        )
        if has_motion(self.manifest) and self.network.config.auxiliary == "liqe" and liqe is None:
            self.facts = with_motion(self.facts, self.manifest)
        if self.world.first:
            self.world.wait()

    def photos(self, split: Split) -> Photos:
        """The photos of one part of the manifest, in its order."""
        paths = self.manifest.part(split).frame["image"].to_list()
        return Photos(paths, self.facts, PreparedInputs(self.network.config, self.cache / "inputs"))

    def predict(
        self,
        split: Split,
        stage: str,
        *,
        rows: Sequence[int] | None = None,
        network: DualBranchNet | None = None,
        alone: bool = False,
    ) -> Predictions:
        """What the network says of the photos of a part, or of some rows of it.

        All processes take part in it; `alone`, with frozen backbones only, this one does it by itself.
        """
        photos = self.photos(split)
        network = network or self.network
        if self.settings.run.freeze_backbone and (alone or self.world.size == 1):
            return self._from_features(network, photos, stage, rows)
        return predict(
            network,
            photos,
            range(len(photos)) if rows is None else rows,
            self.world,
            workers=self.settings.data.workers,
            precision=self.settings.run.precision,
            on_progress=self._telling(stage),
        )

    def _from_features(
        self, network: DualBranchNet, photos: Photos, stage: str, rows: Sequence[int] | None
    ) -> Predictions:
        """The same from the features that training with frozen backbones keeps."""
        from piqa_training.frozen import predict_frozen

        paths = photos.paths if rows is None else [photos.paths[row] for row in rows]
        told, workers = self._telling(stage), self.settings.data.workers
        return predict_frozen(network, paths, self.facts, self.cache, workers, told)

    def _telling(self, stage: str) -> Callable[[int, int], None]:
        return lambda done, total: self.observer.progress(stage, done, total)
