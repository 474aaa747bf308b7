"""The Ray actor: takes one partition at a time, and is done when its file and its manifest entry are written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piqa_cli import __version__
from piqa_cli.cluster.failure import from_text, to_text
from piqa_cli.cluster.manifest import Entry, Manifest
from piqa_cli.cluster.options import ClusterOptions
from piqa_cli.cluster.photos import NO_PARTITION, Partition
from piqa_cli.cluster.results import ResultFolder
from piqa_cli.errors import EngineError, PiqaError
from piqa_cli.outputs.tabular import serialize

if TYPE_CHECKING:
    from piqa_cli.cluster.actor_scoring import PhotoScorer


@dataclass(frozen=True, slots=True)
class Work:
    """What every actor needs to know."""

    results: ResultFolder
    options: ClusterOptions
    base: Path  # what relative paths start from
    version: str = __version__  # of piqa, where the run was started


class PartitionScorer:
    """Scores partitions. Doing one twice, because a process or a machine went away, gives the same file again."""

    def __init__(self, work: Work, parcel: Any) -> None:
        """Begin.

        Args:
            work: what to do.
            parcel: a Ray reference to the `ModelParcel`.
        """
        self._work = work
        self._parcel = parcel
        self._manifest = Manifest(work.results)

    @cached_property
    def _scorer(self) -> PhotoScorer:
        """Loaded when the first partition turns out to be unfinished."""
        import ray

        from piqa_cli.cluster.actor_scoring import PhotoScorer  # torch, polars

        return PhotoScorer(ray.get(self._parcel), self._work.options, self._work.base)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """One row of number and listing -> one row of what came of it, or of the error that ends the run."""
        partition = Partition(int(batch["number"][0]), str(batch["listing"][0]))
        failure, skipped = "", False
        try:
            if partition.number == NO_PARTITION:
                raise from_text(partition.listing)
            entry, skipped = self._finish(partition)
        except PiqaError as error:
            entry, failure = Entry(partition.number, partition.digest, 0, 0), to_text(error)
        return {
            "number": [entry.number],
            "rows": [entry.rows],
            "errors": [entry.errors],
            "skipped": [int(skipped)],
            "failure": [failure],
        }

    def _finish(self, partition: Partition) -> tuple[Entry, bool]:
        """The entry of a partition that is done now, and whether it was so before."""
        if self._work.version != __version__:
            message = f"a machine of the cluster has piqa {__version__}, not {self._work.version}"
            raise EngineError(message, hint="install the same version on all machines")
        if before := self._manifest.finished(partition):
            return before, True
        self._manifest.begin_try(partition)
        table = self._scorer.table(partition.photos)
        errors = table["status"].eq("error").sum()
        return self._manifest.store(partition, serialize(table, "parquet"), table.height, int(errors)), False
