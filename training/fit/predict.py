"""What a network says of photos, cut and read as in scoring, by all processes together.

One thing is left out: what scoring takes off a group photo for the worst of its main faces (`scoring.complete.behind`),
since training knows the main face alone. Figures of a run may therefore differ from those of `piqa evaluate`, which
scores every face, where the labels are of group photos.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from piqa_cli.errors import EngineError
from piqa_cli.model.network import DualBranchNet
from piqa_training.evaluation import Evaluation, evaluate
from piqa_training.evaluation_table import with_scores
from piqa_training.fit.distributed import World
from piqa_training.fit.inputs import Photos, scoring_batches
from piqa_training.fit.unit import COLUMNS, FACE, FACE_DEFECTS, PHOTO_DEFECTS, RAW, Unit
from piqa_training.manifest import Manifest

BATCH = 8  # photos in one pass, of up to five crops each


@dataclass(frozen=True, slots=True)
class Predictions:
    """Of N photos."""

    raw: Tensor  # float32 (N,)
    face: Tensor  # float32 (N,) the face head; 0 without one
    photo_defects: Tensor  # float32 (N, 9); 0 without defect heads
    face_defects: Tensor  # float32 (N, 9)

    @staticmethod
    def of(table: Tensor) -> Predictions:
        """From what `Unit` gave: float32 (N, COLUMNS) on the CPU.

        Raises:
            EngineError: a number is not finite: training has diverged in its last step.
        """
        if not bool(table.isfinite().all()):
            raise EngineError(
                "what the network says of photos is not finite any more", hint="a lower learning rate may help"
            )
        return Predictions(table[:, RAW], table[:, FACE], table[:, PHOTO_DEFECTS], table[:, FACE_DEFECTS])


def predict(
    network: DualBranchNet,
    photos: Photos,
    rows: Sequence[int],
    world: World,
    *,
    workers: int,
    precision: str = "float32",
    on_progress: Callable[[int, int], None] | None = None,
) -> Predictions:
    """Run some rows of `photos` through the network in evaluation mode; every process gets the whole answer.

    Raises:
        EngineError: a number of it is not finite.
    """
    unit = Unit(network).eval()
    own = list(rows)[world.rank :: world.size]
    tables = [torch.zeros(0, COLUMNS, device=world.device)]
    done = 0
    for batch in scoring_batches(photos, own, BATCH, workers):
        views = {cut: pixels.to(world.device) for cut, pixels in batch.views.items()}
        liqe = None if batch.liqe is None else batch.liqe.to(world.device)
        with torch.no_grad(), autocast(world.device, precision):
            tables.append(unit(views, {}, liqe))
        done += len(batch.rows)
        if on_progress is not None:
            on_progress(min(done * world.size, len(rows)), len(rows))
    return Predictions.of(world.collect(torch.cat(tables), len(rows)).cpu())


def autocast(device: torch.device, precision: str) -> torch.autocast | nullcontext[None]:
    """bfloat16 where it is asked for."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


def measured(manifest: Manifest, predicted: Tensor, *, bootstrap: int = 0) -> Evaluation:
    """Scores against the labels of a manifest, scene by scene; the frames of one clip count as one."""
    scores = dict(zip(manifest.frame["image"], predicted.double().tolist(), strict=True))
    return evaluate(with_scores(manifest.frame, scores), bootstrap=bootstrap)


def headline(evaluation: Evaluation) -> dict[str, float | int | None]:
    """The few numbers that stand for an evaluation: by them the best epoch is chosen."""
    return {
        "mean.srcc": evaluation.mean["srcc"],
        "median.srcc": evaluation.median["srcc"],
        "mean.plcc": evaluation.mean["plcc"],
        "pair_accuracy": evaluation.pair_accuracy,
        "n": evaluation.photos,
    }
