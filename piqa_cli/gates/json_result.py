"""The verdict as JSON, in the form that `schema/verdict-1.json` describes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC
from importlib.resources import files
from typing import Any

from piqa_cli import __version__
from piqa_cli.gates.baseline import Change, Comparison, drifted, models_in
from piqa_cli.gates.check import Verdict
from piqa_cli.gates.findings import RULES
from piqa_cli.gates.policy import Severity
from piqa_cli.outputs.summary import Quartiles

FORMAT, VERSION = "piqa-verdict", 1
"""The version goes up when a field changes its meaning or goes away; fields may be added any time."""


def to_json(verdict: Verdict) -> str:
    """The verdict as ASCII JSON text with a final newline."""
    return json.dumps(as_dict(verdict), indent=2, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `to_json` writes."""
    text = files("piqa_cli.gates").joinpath(f"schema/verdict-{VERSION}.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain values."""
    summary, comparison = verdict.summary, verdict.comparison
    return {
        "format": FORMAT,
        "version": VERSION,
        "piqa": __version__,
        "created": verdict.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "passed": verdict.passed,
        "policy": str(verdict.policy.path) if verdict.policy.path else None,
        "models": list(models_in(verdict.frame)),
        "photos": {"total": summary.total, "ok": summary.ok, "no_face": summary.no_face, "failed": summary.failed},
        "scores": _quartiles(summary.scores),
        "counts": _counts(verdict),
        "rules": [_rule(verdict, rule) for rule in verdict.active],
        "findings": [{**asdict(finding), "related": list(finding.related)} for finding in verdict.findings],
        "folders": [_folder(asdict(folder)) for folder in verdict.folders],
        "comparison": None if comparison is None else _comparison(comparison, verdict),
    }


def _counts(verdict: Verdict) -> dict[str, int]:
    """Findings by severity; those that the baseline had are counted apart."""
    new = [finding.severity for finding in verdict.findings if not finding.known]
    known = sum(finding.known for finding in verdict.findings)
    return {**{severity.value: new.count(severity) for severity in Severity}, "known": known}


def _rule(verdict: Verdict, rule: str) -> dict[str, Any]:
    findings = verdict.of(rule)
    return {
        "id": rule,
        "kind": RULES[rule].kind,
        "title": RULES[rule].title,
        "help": RULES[rule].help,
        "findings": len(findings),
        "failing": sum(finding.fails for finding in findings),
        "skipped": verdict.skipped.get(rule),
    }


def _quartiles(scores: Quartiles | None) -> dict[str, float] | None:
    return None if scores is None else {name: round(value, 4) for name, value in asdict(scores).items()}


def _folder(folder: dict[str, Any]) -> dict[str, Any]:
    return {name: _rounded(value) for name, value in folder.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def _comparison(comparison: Comparison, verdict: Verdict) -> dict[str, Any]:
    drift = comparison.drift
    return {
        "baseline": str(comparison.path),
        "same_models": comparison.same_models,
        "in_both": len(comparison.partner),
        "regressions": _changes(comparison.regressions),
        "improvements": _changes(comparison.improvements),
        "added": list(comparison.added),
        "removed": list(comparison.removed),
        "drift": drift
        and {
            "drifted": drifted(drift, verdict.policy.baseline),
            "distance": round(drift.distance, 6),
            "p_value": drift.p_value,
            "before": _quartiles(drift.before),
            "after": _quartiles(drift.after),
        },
    }


def _changes(changes: Sequence[Change]) -> list[dict[str, Any]]:
    return [{**asdict(change), "points": round(change.points, 4)} for change in changes]
