"""What the heads' estimates of severities are trained on."""

from __future__ import annotations

from torch import Tensor

ROOT = 2.0


def visibility(severities: Tensor) -> Tensor:
    """The square root of severities, any shape, from 0 to 1 like them.

    It sets mild damage apart from none at all, which decides whether a defect is named: the cross-entropy of severities
    themselves hardly minds if 0.1 is taken for 0.
    """
    return severities ** (1 / ROOT)
