"""Options of a scoring run, free of torch so that the command line can build them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the engine runs; none of it changes a score by more than float32 rounding."""

    device: str = "auto"  # "auto", "cpu", "cuda", "cuda:1", "mps"
    batch_size: int | None = None  # photos for each forward pass; None: chosen for the device
    workers: int | None = None  # processes that decode and find faces; None: chosen for the machine, 0: none
    max_megapixels: float = 200.0  # a larger photo is refused

    @property
    def max_pixels(self) -> int:
        """The limit in pixels."""
        return int(self.max_megapixels * 1_000_000)
