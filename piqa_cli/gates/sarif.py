"""The findings as SARIF 2.1.0 (OASIS), as code scanning services read it."""

from __future__ import annotations

import json
import re
from typing import Any

from piqa_cli import __version__
from piqa_cli.gates.check import Verdict
from piqa_cli.gates.findings import RULES, Finding
from piqa_cli.gates.fingerprints import fingerprints
from piqa_cli.gates.groups import folders_below_root
from piqa_cli.gates.places import uri
from piqa_cli.gates.policy import CHECKS, Severity

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 25_000
"""GitHub refuses a file with more."""
_LINK = re.compile(r"\[([^\[\]]*)\]\(")


def to_sarif(verdict: Verdict, base: str) -> str:
    """The findings as SARIF text.

    Args:
        verdict: of a check.
        base: absolute folder that the table's paths start from, see `places.relative`.
    """
    shown = verdict.findings[:MOST_RESULTS]
    prints = fingerprints((finding, finding.path or "") for finding in shown)
    results = [_result(finding, verdict, base, fingerprint) for finding, fingerprint in zip(shown, prints, strict=True)]
    run = {
        "tool": {
            "driver": {
                "name": "piqa",
                "semanticVersion": __version__,
                "rules": [_rule(rule, verdict) for rule in verdict.active],
            }
        },
        "automationDetails": {"id": "piqa/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, **_left_out(len(verdict.findings) - len(results))}],
        "results": results,
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, allow_nan=False) + "\n"


def _rule(rule: str, verdict: Verdict) -> dict[str, Any]:
    severity = verdict.policy.checks.get(rule) if rule in CHECKS else verdict.policy.severity
    return {
        "id": rule,
        "shortDescription": {"text": RULES[rule].title},
        "fullDescription": {"text": f"The {RULES[rule].kind} {rule} of piqa: {RULES[rule].title}."},
        "help": {"text": RULES[rule].help},
        "defaultConfiguration": {"level": (severity or Severity.NOTE).value},
    }


def _result(finding: Finding, verdict: Verdict, base: str, fingerprint: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": verdict.active.index(finding.rule),
        "level": finding.severity.value,
        "message": {"text": plain_text(finding.message)},
        "partialFingerprints": {"piqa/v1": fingerprint},
        "properties": {"measured": finding.measured, "limit": finding.limit},
        "locations": [_location(_place(finding, verdict), base)],
    }
    if finding.path is not None and finding.related:
        result["relatedLocations"] = [{"id": n, **_location(p, base)} for n, p in enumerate(finding.related)]
    if verdict.comparison is not None:
        result["baselineState"] = "unchanged" if finding.known else "new"
    return result


def _place(finding: Finding, verdict: Verdict) -> str:
    """The file that a result is shown at: for one result without any, GitHub refuses all that is in a file.

    What holds for the whole set is put at the policy, else at a photo that was counted, is in the folder, or is there.
    """
    policy = str(verdict.policy.path) if verdict.policy.path else None
    return finding.path or policy or next(iter(finding.related), None) or _photo_in(finding.part, verdict)


def _photo_in(folder: str | None, verdict: Verdict) -> str:
    paths: list[str] = verdict.frame["path"].sort().to_list()
    inside = (path for path, found in zip(paths, folders_below_root(paths), strict=True) if found == folder)
    return next(inside, paths[0])


def plain_text(message: str) -> str:
    """A message without placeholders and links (SARIF 2.1.0, 3.11.5 and 3.11.6), whatever file names are in it."""
    doubled = message.replace("{", "{{").replace("}", "}}")
    return _LINK.sub(r"\\[\1\\](", doubled)


def _location(path: str, base: str) -> dict[str, Any]:
    place = uri(path, base)
    artifact = {"uri": place} if place.startswith("file:") else {"uri": place, "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": 1}}}


def _left_out(count: int) -> dict[str, Any]:
    if not count:
        return {}
    message = f"{count:,} findings of the least weight are left out: a file holds at most {MOST_RESULTS:,}"
    return {"toolExecutionNotifications": [{"level": "warning", "message": {"text": message}}]}
