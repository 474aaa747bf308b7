"""The local engine: worker processes prepare photos, a DataLoader feeds the devices, records come back in order."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from queue import SimpleQueue

from torch.utils.data import DataLoader, IterableDataset

from piqa_cli.errors import EngineError
from piqa_cli.faces import detect
from piqa_cli.model.store import ModelFolder
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.ahead import in_order
from piqa_cli.scoring.devices import batch_size, choose_devices, share_out
from piqa_cli.scoring.halving import HalvingScorer
from piqa_cli.scoring.losses import in_short
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.pool import WorkerPool
from piqa_cli.scoring.prepare import Batch, PhotoDataset, Prepared, collate
from piqa_cli.scoring.scorer import Scorer

BATCHES_AHEAD = 2  # for each device, beside what the workers have in hand


def score_files(
    files: Iterable[PhotoFile], model: ModelFolder, options: EngineOptions | None = None
) -> Iterator[list[PhotoScore]]:
    """Score photos as they come, one list for each finished batch, in input order.

    Memory is bounded by the batches in flight, however long `files` is. A photo that kills its worker process, or keeps
    it longer than `options.file_timeout`, becomes a row with status `error`; the run goes on.

    Raises:
        ModelError: the model folder cannot be loaded.
        UsageError: the device is unknown or not there, or the model has no crops to choose from.
        EngineError: the device failed, or no worker can be started; what was yielded before is good.
    """
    options = options or EngineOptions()
    try:
        devices = choose_devices(options.device)
        scorers = [Scorer.load(model, replace(options, device=str(device))) for device in devices]
        with closing(batches(files, scorers[0], options, devices=len(scorers))) as prepared:
            yield from _on_one(scorers[0], prepared) if len(scorers) == 1 else _on_several(scorers, prepared)
    except (RuntimeError, MemoryError) as error:  # torch's words for a full device, a failed kernel; C++'s and Python's
        hint = "if memory ran out, a smaller --batch-size or fewer --workers help; finished photos are kept"
        raise EngineError(f"scoring stopped: {in_short(error)}", hint=hint) from error


def batches(
    files: Iterable[PhotoFile], scorer: Scorer, options: EngineOptions, *, devices: int = 1
) -> Generator[Batch]:
    """Photos prepared by worker processes ahead of the network; in page-locked memory for CUDA.

    `files` is read in the thread that asks for batches, and no further ahead than the batches in flight.
    """
    workers = share_out(options, scorer.device, heavy=scorer.heavy)
    size = batch_size(options, scorer.device, heavy=scorer.heavy)
    dataset = PhotoDataset(scorer.config, options.max_pixels, options.crops)
    ahead = BATCHES_AHEAD * devices * size + workers
    with closing(_prepared(files, dataset, workers, ahead, options)) as photos:
        pin = scorer.device.type == "cuda"
        yield from DataLoader(_Stream(photos), batch_size=size, collate_fn=collate, pin_memory=pin)


def _prepared(
    files: Iterable[PhotoFile], dataset: PhotoDataset, workers: int, ahead: int, options: EngineOptions
) -> Generator[Prepared]:
    """Every photo prepared, in order, up to `ahead` of them before they are asked for."""
    if not workers:
        yield from map(dataset.__getitem__, files)
        return
    detect.preload()  # once here, and not in every worker
    with WorkerPool(dataset.__getitem__, workers, seconds=options.file_timeout, memory=options.worker_bytes) as pool:
        yield from in_order(map(pool.submit, files), ahead)


class _Stream(IterableDataset[Prepared]):
    """The prepared photos as a DataLoader takes them.

    It has no worker processes of its own: the pool's are watched one by one, and torch's end the run with the first
    that dies.
    """

    def __init__(self, photos: Iterator[Prepared]) -> None:
        self.photos = photos

    def __iter__(self) -> Iterator[Prepared]:
        return self.photos


def _on_one(scorer: Scorer, prepared: Iterable[Batch]) -> Iterator[list[PhotoScore]]:
    return map(HalvingScorer(scorer).score, prepared)


def _on_several(scorers: Sequence[Scorer], prepared: Iterable[Batch]) -> Iterator[list[PhotoScore]]:
    """Each batch goes to the device that is free first; a thread for each, since torch computes without the GIL."""
    idle: SimpleQueue[HalvingScorer] = SimpleQueue()
    for scorer in scorers:
        idle.put(HalvingScorer(scorer))

    def score(batch: Batch) -> list[PhotoScore]:
        own = idle.get()
        try:
            return own.score(batch)
        finally:
            idle.put(own)

    with ThreadPoolExecutor(len(scorers), thread_name_prefix="piqa-device") as threads:
        yield from in_order((threads.submit(score, batch) for batch in prepared), len(scorers))
