"""The listing as a source of Ray Data: one task on the driver's machine yields partitions as it finds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pyarrow as pa
from ray.data import DataContext, ExecutionResources
from ray.data.block import BlockMetadata
from ray.data.datasource import Datasource, ReadTask

from piqa_cli.cluster.failure import to_text
from piqa_cli.cluster.listing import Listing
from piqa_cli.cluster.photos import NO_PARTITION, cut
from piqa_cli.errors import PiqaError

LISTED_AHEAD = 512 * 2**20
"""Bytes that Ray Data lets the listing plan with; about a quarter is used, 2,000 partitions of 1,000 photos."""


class PartitionSource(Datasource):
    """Blocks of one row: number and listing of a partition, or `NO_PARTITION` and the error that ends the listing."""

    def __init__(self, listing: Listing, block_size: int, base: Path) -> None:
        """Name the work.

        Args:
            listing: which photos.
            block_size: photos in each partition.
            base: what relative paths start from.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._listing = listing
        self._block_size = block_size
        self._base = base

    @property
    def supports_distributed_reads(self) -> bool:
        """The machine that started the run lists: its paths are meant, and without it all is over anyhow."""
        return False

    def estimate_inmemory_data_size(self) -> int | None:
        """Nobody knows before the listing ends."""
        return None

    def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[ReadTask]:  # noqa: ARG002
        """One task, since the numbers of partitions follow the order of the listing."""
        listing, size, base = self._listing, self._block_size, self._base

        def read() -> Iterator[pa.Table]:
            with chdir(base):  # a process of Ray's, which starts elsewhere
                try:
                    for partition in cut(listing.photos(), size):
                        yield pa.table({"number": [partition.number], "listing": [partition.listing]})
                except PiqaError as error:  # raised here, Ray would print where
                    yield pa.table({"number": [NO_PARTITION], "listing": [to_text(error)]})

        return [ReadTask(read, BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None))]


def settings() -> DataContext:
    """Ray Data as this run needs it.

    Quiet; every block is handed on as it comes instead of gathered into large ones; and the listing waits for the
    actors, or else it would run ahead until the names of all photos lie in the object store.
    """
    context = DataContext.get_current().copy()
    context.target_max_block_size = 1
    context.enable_progress_bars = False
    context.execution_options.resource_limits = ExecutionResources(object_store_memory=LISTED_AHEAD)
    return context
