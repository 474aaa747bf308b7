"""What an actor does with a list of photos: the same decode, prepare and score code as on one machine."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import polars as pl

from piqa_cli.cluster.fetching import Fetched, fetched
from piqa_cli.cluster.options import ClusterOptions
from piqa_cli.cluster.parcel import ModelParcel
from piqa_cli.cluster.photos import NamedPhoto
from piqa_cli.cluster.places import is_uri
from piqa_cli.faces import detect
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.devices import batch_size, share_out
from piqa_cli.scoring.halving import HalvingScorer
from piqa_cli.scoring.pool import WorkerPool
from piqa_cli.scoring.prepare import PhotoDataset, Prepared, collate
from piqa_cli.scoring.scorer import Scorer
from piqa_cli.scoring.table import best_first, path_cell, to_frame


class PhotoScorer:
    """A model, its device, and the processes that read photos for it; as long as it lives."""

    def __init__(self, parcel: ModelParcel, options: ClusterOptions, base: Path) -> None:
        """Load the model and start the workers.

        Args:
            parcel: the model.
            options: of the run.
            base: what relative paths start from.

        Raises:
            ModelError: the model cannot be loaded.
            UsageError: the device is not there.
            EngineError: no worker can be started.
        """
        self._base = base
        scoring = replace(options.scoring, device=options.device)
        with parcel.unpacked() as model:
            scorer = Scorer.load(model, scoring)
        self._scorer = HalvingScorer(scorer)
        self._size = batch_size(scoring, scorer.device, heavy=scorer.heavy)
        self._dataset = PhotoDataset(scorer.config, scoring.max_pixels, scoring.crops)
        workers = share_out(scoring, scorer.device, heavy=scorer.heavy, cores=options.cores)
        self._ahead = 2 * self._size + workers
        self._pool: WorkerPool | None = None
        if workers:
            detect.preload()  # once here, and not in every worker
            self._pool = WorkerPool(
                self._dataset.__getitem__, workers, seconds=scoring.file_timeout, memory=scoring.worker_bytes
            )

    def table(self, photos: Iterable[NamedPhoto]) -> pl.DataFrame:
        """The score table of these photos, one row each, best first, as `scoring.table.to_frame` makes it.

        Raises:
            RuntimeError: the device failed, or not even one photo fits into its memory.
            EngineError: no worker can be started.
        """
        names: dict[str, NamedPhoto] = {}
        scores: list[PhotoScore] = []
        with ExitStack() as stack:
            work = stack.enter_context(tempfile.TemporaryDirectory(prefix="piqa-photos-"))
            copies = stack.enter_context(closing(fetched(photos, self._base, Path(work))))  # ends before `work` goes
            prepared = stack.enter_context(closing(self._prepared(copies, names)))
            while items := list(islice(prepared, self._size)):
                scores += self._scorer.score(collate(items))
        return _renamed(to_frame(scores), names)

    def _prepared(self, photos: Iterable[Fetched], names: dict[str, NamedPhoto]) -> Generator[Prepared]:
        """Every photo prepared, in order, its copy removed; `names` learns which photo stands behind a path."""
        flying: deque[tuple[Fetched, Future[Prepared]]] = deque()
        for photo in photos:
            names[path_cell(photo.path)] = photo.photo
            flying.append((photo, self._begin(photo)))
            if len(flying) > self._ahead:
                yield _end(*flying.popleft())
        while flying:
            yield _end(*flying.popleft())

    def _begin(self, photo: Fetched) -> Future[Prepared]:
        file = PhotoFile(photo.path)
        if photo.reason is None and self._pool is not None:
            return self._pool.submit(file)
        done: Future[Prepared] = Future()
        failed = Prepared(PhotoScore(photo.path, "error", photo.reason), None)
        done.set_result(self._dataset[file] if photo.reason is None else failed)
        return done


def _end(photo: Fetched, future: Future[Prepared]) -> Prepared:
    try:
        return future.result()
    finally:
        photo.discard()


def _renamed(frame: pl.DataFrame, names: dict[str, NamedPhoto]) -> pl.DataFrame:
    """The table with the photos' own names, and their RAW mates, in the place of the files that were read."""
    photos = [names[path] for path in frame["path"]]
    mates = [photo.raw_mate and _cell(photo.raw_mate) for photo in photos]
    columns = [
        pl.Series("path", [_cell(photo.name) for photo in photos], pl.String),
        pl.Series("raw_mate", mates, pl.String),
    ]
    return best_first(frame.with_columns(columns))


def _cell(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode() if is_uri(name) else path_cell(Path(name))
