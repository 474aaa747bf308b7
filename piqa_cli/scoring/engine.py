"""The local engine: worker processes prepare photos, a DataLoader feeds the device, the network scores batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from torch.utils.data import DataLoader

from piqa_cli.errors import EngineError
from piqa_cli.model.store import ModelFolder
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.complete import score_batch
from piqa_cli.scoring.devices import batch_size, share_out, start_method, start_worker
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.prepare import Batch, PhotoDataset, collate
from piqa_cli.scoring.scorer import Scorer


def score_files(
    files: Iterable[PhotoFile], model: ModelFolder, options: EngineOptions | None = None
) -> Iterator[list[PhotoScore]]:
    """Score photos as they come, one list for each finished batch, in input order.

    Memory is bounded by the batches in flight, however long `files` is.

    Raises:
        ModelError: the model folder cannot be loaded.
        UsageError: the device is unknown or not there, or the model has no crops to choose from.
        EngineError: a worker process or the device failed; what was yielded before is good.
    """
    options = options or EngineOptions()
    try:
        scorer = Scorer.load(model, options)
        for batch in batches(files, scorer, options):
            yield score_batch(scorer, batch)
    except RuntimeError as error:  # torch's word for a dead worker, a full device, a failed kernel
        message = f"scoring stopped: {' '.join(str(error).split())[:200]}"
        hint = "if memory ran out, a smaller --batch-size or fewer --workers help; finished photos are kept"
        raise EngineError(message, hint=hint) from error


def batches(files: Iterable[PhotoFile], scorer: Scorer, options: EngineOptions) -> Iterable[Batch]:
    """Photos prepared by worker processes ahead of the network; in page-locked memory for CUDA."""
    workers = share_out(options, scorer.device, heavy=scorer.heavy)
    size = batch_size(options, scorer.device, heavy=scorer.heavy)
    return DataLoader(
        PhotoDataset(scorer.config, options.max_pixels, options.crops),
        batch_sampler=_Batches(files, size),
        collate_fn=collate,
        num_workers=workers,
        worker_init_fn=start_worker,
        multiprocessing_context=start_method() if workers else None,
        pin_memory=scorer.device.type == "cuda",
    )


class _Batches:
    """Lists of up to `size` files; a DataLoader wants something that it can iterate over."""

    def __init__(self, files: Iterable[PhotoFile], size: int) -> None:
        self.files, self.size = files, size

    def __iter__(self) -> Iterator[list[PhotoFile]]:
        stream = iter(self.files)
        while batch := list(islice(stream, self.size)):
            yield batch
