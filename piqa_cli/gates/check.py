"""The verdict on a score table: every gate and every check, and what the baseline knew already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from piqa_cli.gates.baseline import Comparison, baseline_findings, compare, mark_known, not_compared, spelt_as_here
from piqa_cli.gates.bias import FolderScore, bias_findings, folder_scores, folders_of
from piqa_cli.gates.duplicates import Copies
from piqa_cli.gates.file_checks import copy_findings
from piqa_cli.gates.files import FileFacts, facts_then, look_at_files
from piqa_cli.gates.findings import RULES, Finding
from piqa_cli.gates.groups import split
from piqa_cli.gates.needs import check_needs
from piqa_cli.gates.photo_rules import photo_findings
from piqa_cli.gates.policy import Policy, Severity
from piqa_cli.gates.set_rules import nothing_judged, set_findings, unused_sections
from piqa_cli.gates.table_checks import inconsistent_exif, missing_exif, odd_aspect_ratios, odd_sizes, unreadable
from piqa_cli.outputs.summary import Summary, summarize

_ORDER = {rule: number for number, rule in enumerate(RULES)}
_WEIGHT = {severity: number for number, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to judge by besides the score table."""

    now: datetime  # with time zone
    embeddings: Mapping[str, bytes] | None = None  # path -> embedding; None: a table in parts, which keeps none
    baseline: pl.DataFrame | None = None
    baseline_path: Path = field(default_factory=Path)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything that the writers tell."""

    policy: Policy
    frame: pl.DataFrame  # the score table
    summary: Summary
    findings: tuple[Finding, ...]  # errors, then warnings, then notes; by rule
    active: tuple[str, ...]  # the rules that were applied
    skipped: Mapping[str, str]  # rule -> why it was not, or not to all photos
    folders: tuple[FolderScore, ...]
    comparison: Comparison | None
    now: datetime

    @property
    def passed(self) -> bool:
        """Whether nothing fails that the baseline did not know."""
        return not any(finding.fails for finding in self.findings)

    def of(self, rule: str) -> list[Finding]:
        """The findings of one rule."""
        return [finding for finding in self.findings if finding.rule == rule]


def check(frame: pl.DataFrame, policy: Policy, material: Material, *, dataset: bool = True) -> Verdict:
    """Judge a score table.

    Args:
        frame: a score table; only path, score and status must be there.
        policy: what is asked of it.
        material: what else there is.
        dataset: with the dataset checks; without them only gates and baseline count.

    Raises:
        UsageError: a gate asks for something that the table, the files or the cache do not tell.
    """
    checks = dict(policy.checks) if dataset else dict.fromkeys(policy.checks)
    files = look_at_files(frame, policy, checks, material.embeddings)
    check_needs(frame, policy, files)
    folders = folder_scores(frame, policy.bias) if dataset else []
    found = list(_findings(frame, policy, checks, files, folders, material.now))
    comparison = None
    if material.baseline is not None:
        baseline = spelt_as_here(material.baseline, frame)
        comparison = compare(frame, baseline, material.baseline_path, policy.baseline)
        then = facts_then(files, frame, baseline, comparison.partner)
        old_folders = _called_as_now(
            folder_scores(baseline, policy.bias) if dataset else [],
            folders_of(baseline),
            folders_of(frame),
            comparison.partner,
        )
        earlier = list(_findings(baseline, policy, checks, then, old_folders, material.now))
        marks = mark_known(found, earlier, comparison.partner)
        found = [replace(finding, known=known) for finding, known in zip(found, marks, strict=True)]
        found += baseline_findings(comparison, policy.baseline, checks)
    skipped = {**files.skipped, **({} if comparison is None else not_compared(comparison, checks))}
    return Verdict(
        policy=policy,
        frame=frame,
        summary=summarize(frame),
        findings=tuple(sorted(found, key=lambda finding: (_WEIGHT[finding.severity], _ORDER[finding.rule]))),
        active=_active(policy, checks, with_baseline=comparison is not None),
        skipped=skipped,
        folders=tuple(folders),
        comparison=comparison,
        now=material.now,
    )


def _called_as_now(
    folders: Sequence[FolderScore], then: Mapping[str, str], now: Mapping[str, str], partner: Mapping[str, str]
) -> list[FolderScore]:
    """The baseline's folders by the names that they have now: those change with the folder that holds all photos."""
    names = {then[old]: now[new] for new, old in partner.items() if old in then and new in now}
    return [replace(folder, folder=names.get(folder.folder, folder.folder)) for folder in folders]


def _findings(
    frame: pl.DataFrame,
    policy: Policy,
    checks: Mapping[str, Severity | None],
    files: FileFacts,
    folders: Sequence[FolderScore],
    now: datetime,
) -> Iterator[Finding]:
    groups = split(frame, policy)
    for group in groups:
        yield from photo_findings(group)
    yield from set_findings(groups, files.exact, files.near)
    yield from nothing_judged(groups)
    if severity := checks["unused-section"]:
        yield from unused_sections(groups, severity)
    if severity := checks["unreadable"]:
        yield from unreadable(frame, severity)
    yield from _copies(files.exact, "duplicate", "same content as", checks)
    yield from _copies(files.near, "near-duplicate", "looks like", checks)
    if severity := checks["wrong-extension"]:
        yield from (replace(finding, severity=severity) for finding in files.wrong_extensions)
    if severity := checks["odd-size"]:
        yield from odd_sizes(frame, severity)
    if severity := checks["odd-aspect-ratio"]:
        yield from odd_aspect_ratios(frame, severity)
    if severity := checks["missing-exif"]:
        yield from missing_exif(frame, severity)
    if severity := checks["inconsistent-exif"]:
        yield from inconsistent_exif(frame, severity, now)
    if severity := checks["folder-bias"]:
        yield from bias_findings(folders, policy.bias, severity)


def _copies(copies: Copies | None, rule: str, what: str, checks: Mapping[str, Severity | None]) -> Iterable[Finding]:
    severity = checks[rule]
    return () if severity is None else copy_findings(copies or (), rule, what, severity)


def _active(policy: Policy, checks: Mapping[str, Severity | None], *, with_baseline: bool) -> tuple[str, ...]:
    asked = {name.replace("_", "-") for limits in policy.all_limits for name in limits.asked}
    needs_baseline = ("regression", "drift", "model-changed")
    on: Sequence[str] = [name for name, severity in checks.items() if severity]
    asked |= {name for name in on if with_baseline or name not in needs_baseline}
    if not policy.sections:
        asked.discard("unused-section")
    return tuple(rule for rule in RULES if rule in asked)
