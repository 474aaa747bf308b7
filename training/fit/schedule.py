"""The learning rate as a pure function of how far training has come: there is no state to resume."""

from __future__ import annotations

import math

from piqa_training.settings import OptimiserSettings

_FIRST = 0.01  # epochs: the very first step of a warm-up is small, not zero


def rate_factor(settings: OptimiserSettings, progress: float, epochs: int) -> float:
    """What the learning rate is multiplied with.

    Args:
        settings: the schedule.
        progress: epochs done, with their fraction, in [0, epochs].
        epochs: of the whole run.

    Returns:
        A linear rise during the warm-up, times the schedule: 1 (constant), `step_factor` to the power of whole
        `step_epochs` (DN-PIQA: 0.9 every 2 epochs), or half a cosine from 1 to 0 over what follows the warm-up.
    """
    rise = 1.0 if progress >= settings.warmup else (progress + _FIRST) / (settings.warmup + _FIRST)
    if settings.schedule == "step":
        return rise * settings.step_factor ** (int(progress) // settings.step_epochs)
    if settings.schedule == "cosine":
        done = max(progress - settings.warmup, 0) / max(epochs - settings.warmup, _FIRST)
        return rise * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return rise
