"""The verdict as Markdown: the summary of a job's page, or a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from piqa_cli.gates.baseline import Change, Comparison, Drift, drifted
from piqa_cli.gates.bias import LEVEL
from piqa_cli.gates.check import Verdict
from piqa_cli.gates.findings import RULES, Finding
from piqa_cli.gates.markdown_text import code, escaped
from piqa_cli.gates.policy import Severity
from piqa_cli.records import counted, score_text

SHOWN = 30
"""Rows of a table: a comment holds 65,536 characters."""


def to_markdown(verdict: Verdict) -> str:
    """The verdict as GitHub-flavoured Markdown, which GitLab reads, too."""
    lines = [
        f"# piqa: {'passed' if verdict.passed else 'failed'}",
        "",
        *_facts(verdict),
        *_failures(verdict),
        *_rules(verdict),
        *(_comparison(verdict.comparison, verdict) if verdict.comparison else ()),
        *_folders(verdict),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _facts(verdict: Verdict) -> Iterator[str]:
    summary, scores = verdict.summary, verdict.summary.scores
    parts = [f"{summary.ok:,} ok"]
    parts += [f"{summary.no_face:,} without a face"] if summary.no_face else []
    parts += [f"{summary.failed:,} could not be scored"] if summary.failed else []
    yield f"**{counted(summary.total, 'photo')}**: {', '.join(parts)}."
    if scores:
        yield (
            f"Scores: median **{score_text(scores.median)}**, "
            f"middle half {score_text(scores.lower)} to {score_text(scores.upper)}, "
            f"all {score_text(scores.lowest)} to {score_text(scores.highest)}."
        )
    if verdict.policy.path:
        yield f"Policy: {code(str(verdict.policy.path))}."
    for finding in verdict.of("unused-section"):
        yield f"{code(finding.rule)}: {escaped(finding.message)}."
    yield ""


def _failures(verdict: Verdict) -> Iterator[str]:
    failing = [finding for finding in verdict.findings if finding.fails]
    if not failing:
        return
    yield from ("## What fails", "")
    yield from _table(("rule", "photo", "why"), [_cells(finding) for finding in failing[:SHOWN]])
    yield from _more(len(failing))


def _cells(finding: Finding) -> tuple[str, str, str]:
    photo = "(the set)" if finding.path is None else code(finding.path)
    return f"`{finding.rule}`", photo, escaped(finding.message)


def _rules(verdict: Verdict) -> Iterator[str]:
    rows = []
    for rule in verdict.active:
        findings = verdict.of(rule)
        known = sum(finding.known for finding in findings)
        told = [f"{len(findings) - known:,}"]
        told += [f"{known:,} known"] if known else []
        told += [f"not checked: {escaped(verdict.skipped[rule])}"] if rule in verdict.skipped else []
        rows.append((f"`{rule}`", RULES[rule].title, _worst(findings), "; ".join(told)))
    if rows:
        yield from ("## Gates and checks", "")
        yield from _table(("rule", "looks for", "severity", "found"), rows)


def _worst(findings: Sequence[Finding]) -> str:
    new = [finding.severity for finding in findings if not finding.known]
    return next((severity.value for severity in Severity if severity in new), "")


def _comparison(comparison: Comparison, verdict: Verdict) -> Iterator[str]:
    yield from (f"## Since {code(str(comparison.path))}", "")
    yield (
        f"{counted(len(comparison.partner), 'photo')} in both, {len(comparison.added):,} added, "
        f"{len(comparison.removed):,} removed; "
        f"{len(comparison.regressions):,} worse and {len(comparison.improvements):,} better "
        f"by more than {verdict.policy.baseline.max_drop:g} points."
    )
    yield ""
    if not comparison.same_models:
        yield from ("The scores come from different models and are not the same measure.", "")
    if comparison.drift:
        yield from (_drift(comparison.drift, drifted(comparison.drift, verdict.policy.baseline)), "")
    for title, changes in (("Regressions", comparison.regressions), ("Improvements", comparison.improvements)):
        if changes:
            yield from (f"### {title}", "")
            yield from _table(("photo", "then", "now", "change"), [_change(change) for change in changes[:SHOWN]])
            yield from _more(len(changes))


def _drift(drift: Drift, significant: bool) -> str:
    return (
        f"Distribution of the scores: median {drift.before.median:.1f} then, {drift.after.median:.1f} now; "
        f"Kolmogorov-Smirnov D = {drift.distance:.3f}, p = {drift.p_value:.2g}: "
        f"{'**it has drifted**' if significant else 'no drift'}."
    )


def _change(change: Change) -> tuple[str, str, str, str]:
    before, after = ("failed" if score is None else score_text(score) for score in (change.before, change.after))
    both = change.before is not None and change.after is not None
    return code(change.path), before, after, f"{change.points:+.1f}" if both else ""


def _folders(verdict: Verdict) -> Iterator[str]:
    if len(verdict.folders) < 2:
        return
    yield from ("## Score by folder", "")
    rows = []
    for folder in verdict.folders[:SHOWN]:
        low, high = folder.interval
        difference = "" if folder.difference is None else f"{folder.difference:+.1f}"
        interval = f"{low:.1f} to {high:.1f}"
        rows.append((code(folder.folder), f"{folder.photos:,}", f"{folder.mean:.1f}", interval, difference))
    yield from _table(("folder", "photos", "mean", f"{LEVEL:.0%} interval", "to the usual"), rows)
    yield from _more(len(verdict.folders))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    yield from (f"| {' | '.join(cells)} |" for cells in rows)
    yield ""


def _more(count: int) -> Iterator[str]:
    if count > SHOWN:
        yield from (f"and {count - SHOWN:,} more.", "")
