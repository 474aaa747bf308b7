"""All targets, by name."""

from __future__ import annotations

from tests.fuzz import photo_targets, text_targets
from tests.fuzz.contract import Target

TARGETS: tuple[Target, ...] = (*photo_targets.TARGETS, *text_targets.TARGETS)


def target_called(name: str) -> Target:
    """Raises StopIteration for an unknown name."""
    return next(target for target in TARGETS if target.name == name)
