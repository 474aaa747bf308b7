"""A small network that reads the statistics of the pixels alone, beside the heads that read everything.

Among thousands of backbone features a few hundred statistics are easily drowned, and what they say of colour, noise or
exposure needs more than one layer to be understood. The reader has two, and nothing else to look at.
"""

from __future__ import annotations

from torch import Tensor, nn

from piqa_cli.model import statistics
from piqa_cli.records import DEFECTS

STATISTICS_SCALE = 6.0  # how many times as large as the backbones' features training leaves the standardised statistics
REACH = 8.0  # standard deviations: what lies farther out is taken to lie there
DROPOUT = 0.3
OUTPUTS = len(DEFECTS) + 1
"""The severity of each defect in log-odds, and the quality that is lost."""


class PixelReader(nn.Sequential):
    """Two hidden layers over the standardised statistics of some views."""

    def __init__(self, views: int, hidden: int) -> None:
        super().__init__(
            nn.Linear(views * statistics.WIDTH, hidden),
            nn.GELU(),
            nn.Dropout(DROPOUT),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Dropout(DROPOUT),
            nn.Linear(hidden, OUTPUTS),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(..., views x `statistics.WIDTH`), `STATISTICS_SCALE` times as large as standardised -> (..., `OUTPUTS`)."""
        found: Tensor = super().forward(  # type: ignore[no-untyped-call]
            (features / STATISTICS_SCALE).clamp(-REACH, REACH)
        )
        return found
