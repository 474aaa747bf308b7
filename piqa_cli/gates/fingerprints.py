"""By what a service that keeps findings from run to run tells them apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from piqa_cli.gates.findings import Finding


def fingerprints(placed: Iterable[tuple[Finding, str]]) -> Iterator[str]:
    """The same for a finding in the next run: of its rule and place, not of what was measured.

    A second fault of a photo is told apart by its name. The first goes without, so that a finding that stands alone
    keeps the fingerprint that it has in what services already hold.

    Args:
        placed: findings in the verdict's order, each with the place that it is reported at, "" for none.
    """
    seen: set[tuple[str, ...]] = set()
    for finding, place in placed:
        named: tuple[str, ...] = (finding.rule, place, finding.part or "")
        if named in seen:
            named = (*named, finding.fault or "")
        seen.add(named)
        yield hashlib.sha256("\0".join(named).encode("utf-8", "surrogatepass")).hexdigest()[:32]
