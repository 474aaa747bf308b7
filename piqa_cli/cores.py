"""How much of the machine there is to use."""

from __future__ import annotations


def available_cores() -> int:
    """Cores that this process may use: those that it may run on, and no more than its container's quota pays for.

    A container with `--cpus 2`, or a pod with a limit of two, sees every core of its host and gets the time of two.
    """
    from loky import cpu_count

    return int(cpu_count())
