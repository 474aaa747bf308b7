"""A batch that does not fit into the device's memory is halved until it does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from piqa_cli.records import PhotoScore
from piqa_cli.scoring.complete import score_batch
from piqa_cli.scoring.losses import is_lack_of_memory
from piqa_cli.scoring.prepare import Batch, Inputs
from piqa_cli.scoring.scorer import Scorer


class HalvingScorer:
    """Scores batches, in several passes where one is too large; what was seen to fit is remembered."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.most: int | None = None  # photos in one pass; None: nothing was too large yet

    def score(self, batch: Batch) -> list[PhotoScore]:
        """Finished records of a batch, in its order.

        Raises:
            RuntimeError: the device failed, or not even one photo fits into its memory; then also MemoryError.
        """
        size = len(batch.records)
        if self.most is not None and size > self.most:
            return [score for part in _parts(batch, self.most) for score in self.score(part)]
        try:
            return score_batch(self.scorer, batch)
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not is_out_of_memory(error):
                raise
        # Only here, behind the handler, nothing holds on to what the failed pass had allocated.
        self.most = size // 2
        _release(self.scorer.device)
        return self.score(batch)


def is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    """CUDA has a class of its own for it; its libraries, Apple's MPS and the CPU's allocator have only words."""
    of_a_library = "_STATUS_ALLOC_FAILED" in str(error)  # cuBLAS and cuDNN, which allocate beside torch
    return isinstance(error, torch.cuda.OutOfMemoryError) or of_a_library or is_lack_of_memory(error)


def _release(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _parts(batch: Batch, size: int) -> Iterable[Batch]:
    for start in range(0, len(batch.records), size):
        yield part(batch, start, min(start + size, len(batch.records)))


def part(batch: Batch, start: int, stop: int) -> Batch:
    """The photos from `start` to before `stop`, with their inputs and faces."""
    photos = [row for row, index in enumerate(batch.scored) if start <= index < stop]
    faces = [row for row, index in enumerate(batch.face_owners) if start <= index < stop]
    return Batch(
        records=batch.records[start:stop],
        scored=[batch.scored[row] - start for row in photos],
        inputs=_rows(batch.inputs, photos),
        face_owners=[batch.face_owners[row] - start for row in faces],
        faces=_rows(batch.faces, faces),
        eyes=[(index - start, pairs) for index, pairs in batch.eyes if start <= index < stop],
    )


def _rows(inputs: Inputs, rows: Sequence[int]) -> Inputs:
    """The rows, which follow each other, as a view; nothing for none."""
    if not rows:
        return Inputs({})
    chosen = slice(rows[0], rows[-1] + 1)
    views = {cut: pixels[chosen] for cut, pixels in inputs.views.items()}
    return Inputs(views, None if inputs.patches is None else inputs.patches[chosen])
