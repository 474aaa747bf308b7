"""How a verdict looks to a person: what fails, and the counts of everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from piqa_cli.commands.console import Line, safe_text
from piqa_cli.commands.score_view import fact_lines
from piqa_cli.gates.baseline import Comparison
from piqa_cli.gates.check import Verdict
from piqa_cli.gates.findings import RULES, Finding
from piqa_cli.gates.policy import Severity
from piqa_cli.records import counted

_SHOWN = 10
_PIQA = ("piqa: ", "bold")


def broken_lines(verdict: Verdict) -> Iterator[Line]:
    """What makes the run fail: one headline for a gate or check and the photos that break it, the worst first."""
    failing = [finding for finding in verdict.findings if finding.fails]
    for (rule, part), group in groupby(failing, key=lambda finding: (finding.rule, finding.part)):
        findings = list(group)
        photos = [finding for finding in findings if finding.path is not None]
        for finding in findings:
            if finding.path is None:
                yield (_PIQA, (safe_text(f"{rule}: {finding.message}"), "yellow"))
        if photos:
            yield (_PIQA, (safe_text(_headline(verdict, rule, part, photos)), "yellow"))
            yield from (_photo_line(finding) for finding in photos[:_SHOWN])
        if len(photos) > _SHOWN:
            yield (("        and ", ""), (f"{len(photos) - _SHOWN:,} more", ""))


def _headline(verdict: Verdict, rule: str, part: str | None, photos: list[Finding]) -> str:
    inside = "" if part is None else f" in {part}"
    if rule == "fail-under":
        known = sum(finding.known for finding in verdict.of(rule))
        of = f"{len(photos):,} of {verdict.frame['score'].count():,} scored photos"
        new = " for the first time" if known else ""
        return f"{of} {_is(len(photos))} below {photos[0].limit:g}{inside}{new}, the worst first:"
    verb = "breaks" if len(photos) == 1 else "break"
    return f"{counted(len(photos), 'photo')}{inside} {verb} {rule} ({RULES[rule].title}):"


def _photo_line(finding: Finding) -> Line:
    path = (safe_text(finding.path or ""), "")
    if finding.rule == "fail-under" and isinstance(finding.measured, float):
        return ((f"{finding.measured:6.2f}  ", "bold"), path)
    return (("  ", ""), path, (f": {safe_text(finding.message)}", ""))


def verdict_lines(verdict: Verdict, files: Iterable[Path]) -> list[Line]:
    """Counts by severity and rule, the comparison, what was written, and the verdict."""
    facts: list[tuple[str, str]] = []
    for severity, name in ((Severity.ERROR, "errors"), (Severity.WARNING, "warnings"), (Severity.NOTE, "notes")):
        if told := _counts(verdict, severity):
            facts.append((name, told))
    if known := sum(finding.known for finding in verdict.findings):
        facts.append(("known", f"{counted(known, 'finding')} that the baseline had already"))
    facts += [("skipped", f"{rule}: {why}") for rule, why in verdict.skipped.items()]
    facts += [("unused", finding.message) for finding in verdict.of("unused-section")]
    if verdict.comparison:
        facts.append(("since", _since(verdict.comparison)))
    if saved := list(map(str, files)):
        facts.append(("saved", " · ".join(saved)))
    facts.append(("verdict", "passed" if verdict.passed else "failed"))
    return fact_lines(facts)


def _counts(verdict: Verdict, severity: Severity) -> str:
    found = [finding.rule for finding in verdict.findings if finding.severity is severity and not finding.known]
    return " · ".join(f"{rule} {found.count(rule):,}" for rule in dict.fromkeys(found))


def _since(comparison: Comparison) -> str:
    parts = [f"{comparison.path}: {len(comparison.regressions):,} worse", f"{len(comparison.improvements):,} better"]
    parts += [f"{len(comparison.added):,} added", f"{len(comparison.removed):,} removed"]
    if comparison.drift:
        parts.append(f"Kolmogorov-Smirnov D {comparison.drift.distance:.3f}, p {comparison.drift.p_value:.2g}")
    return " · ".join(parts)


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
