"""The findings as GitLab's Code Quality report, which merge requests show."""

from __future__ import annotations

import json

from piqa_cli.gates.check import Verdict
from piqa_cli.gates.findings import Finding
from piqa_cli.gates.fingerprints import fingerprints
from piqa_cli.gates.places import relative
from piqa_cli.gates.policy import Severity

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}


def to_code_quality(verdict: Verdict, base: str) -> str:
    """A JSON list with an entry for each finding that the baseline did not know; `base` as in `sarif.to_sarif`."""
    placed = [(finding, _place(finding, verdict, base)) for finding in verdict.findings]
    prints = fingerprints(placed)  # of the known ones, too: theirs are not given to others
    entries = [
        _entry(finding, path, fingerprint)
        for (finding, path), fingerprint in zip(placed, prints, strict=True)
        if not finding.known
    ]
    return json.dumps(entries, indent=2, allow_nan=False) + "\n"


def _place(finding: Finding, verdict: Verdict, base: str) -> str:
    # What holds for the whole set needs a place, too: the policy, else the folder.
    where = finding.path or (str(verdict.policy.path) if verdict.policy.path else ".")
    return relative(where, base).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _entry(finding: Finding, path: str, fingerprint: str) -> dict[str, object]:
    return {
        "description": finding.message,
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": path, "lines": {"begin": 1}},
    }
