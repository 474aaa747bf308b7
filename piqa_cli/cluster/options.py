"""How a run on a cluster is cut and shared out; free of Ray, so that the command line can build it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from piqa_cli.scoring.options import EngineOptions

BLOCK_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What each actor gets and does. Only `scoring.crops`, `.precision` and `.max_megapixels` change the table."""

    address: str | None = None  # of a Ray cluster; None: RAY_ADDRESS, one that runs here, or this machine alone
    block_size: int = BLOCK_SIZE  # photos in a partition: one file of the result, and what a failure repeats at most
    least_actors: int = 1
    most_actors: int | None = None  # None: as many as the cluster has room for
    cpus: float = 1.0  # of each actor, as Ray counts them
    gpus: float = 0.0  # of each actor; 0.25 lets four share a device
    scoring: EngineOptions = field(default_factory=EngineOptions)

    @property
    def device(self) -> str:
        """The device of each actor: its share of a GPU where it has one."""
        if self.scoring.device != "auto":
            return self.scoring.device
        return "cuda" if self.gpus else "cpu"

    @property
    def cores(self) -> int:
        """Processor cores that an actor may keep busy."""
        return max(1, math.floor(self.cpus))
