"""A run on a cluster: the listing streams through Ray Data to a pool of actors, one partition at a time."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from piqa_cli.cluster.actor import PartitionScorer, Work
from piqa_cli.cluster.failure import from_text
from piqa_cli.cluster.listing import Listing
from piqa_cli.cluster.manifest import Job, Manifest
from piqa_cli.cluster.options import ClusterOptions
from piqa_cli.cluster.parcel import ModelParcel
from piqa_cli.cluster.results import ResultFolder
from piqa_cli.errors import EngineError, PiqaError
from piqa_cli.model.store import ModelFolder
from piqa_cli.scoring.options import variant


@dataclass(frozen=True, slots=True)
class Finished:
    """A partition that is done."""

    number: int
    rows: int
    errors: int
    skipped: bool  # an earlier run had done it


def score_on_cluster(
    listing: Listing, results: ResultFolder, model: ModelFolder, options: ClusterOptions
) -> Iterator[Finished]:
    """Score every photo of the listing into a partitioned table, partition by partition as they are finished.

    The table is complete when the iterator ends. A run that stops before can be repeated: partitions that the manifest
    knows, with the very same photos, are skipped. An actor or a machine that goes away costs the partition it was at,
    which another one repeats, a few times at most. A photo that cannot be read is a row with status `error`.

    Args:
        listing: which photos.
        results: where the table goes; empty, or the same job's.
        model: scored with; sent to the actors.
        options: how the work is cut and shared out.

    Raises:
        UsageError: a source or the device is not there; another option is wrong.
        OutputError: the folder holds another table, or cannot be written.
        ModelError: the model cannot be loaded.
        EngineError: Ray gave up, or several tries did not finish a partition.
    """
    listing.check()
    manifest = Manifest(results)
    known = variant(model, options.scoring)
    manifest.begin(Job(known.id, options.scoring.max_megapixels, options.block_size))
    partitions = rows = errors = 0
    for finished in _run(listing, Work(results, options, Path.cwd()), ModelParcel.pack(model)):
        partitions, rows, errors = partitions + 1, rows + finished.rows, errors + finished.errors
        yield finished
    if rows:
        manifest.finish(partitions, rows, errors)


def _run(listing: Listing, work: Work, parcel: ModelParcel) -> Iterator[Finished]:
    import ray

    from piqa_cli.cluster.ray_source import PartitionSource, settings

    options = work.options
    try:
        _connect(options.address)
        with ray.data.DataContext.current(settings()):
            source = PartitionSource(listing, options.block_size, work.base)
            partitions = ray.data.read_datasource(source, num_cpus=0, override_num_blocks=1)
            done = partitions.map_batches(
                PartitionScorer,
                batch_size=1,
                fn_constructor_args=(work, ray.put(parcel)),
                compute=ray.data.ActorPoolStrategy(min_size=options.least_actors, max_size=options.most_actors),
                num_cpus=options.cpus,
                num_gpus=options.gpus,
            )
        for row in done.iter_rows():
            if row["failure"]:
                raise from_text(row["failure"])
            yield Finished(int(row["number"]), int(row["rows"]), int(row["errors"]), bool(row["skipped"]))
    except (ray.exceptions.RayError, RuntimeError, ValueError, ConnectionError) as error:
        raise _explained(error) from error


def _connect(address: str | None) -> None:
    """Join the cluster, or start one of this machine alone, unless this process has done so."""
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # otherwise it speaks of restarts that it manages itself
    if not ray.is_initialized():
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _explained(error: BaseException) -> PiqaError:
    """What stopped the run: piqa's own error from another process, or Ray's as one line."""
    seen: Any = error
    while seen is not None:
        inside = getattr(seen, "cause", None)  # Ray's word for what a task raised
        for candidate in (inside, seen):
            if isinstance(candidate, PiqaError):
                return candidate
        seen = inside or seen.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    message = f"the cluster gave up: {lines[-1][:300]}"
    return EngineError(message, hint="repeat the command to go on: finished partitions are kept")
