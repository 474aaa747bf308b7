"""A score table beside an earlier one: what got worse, what got better, what is new and what is gone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from piqa_cli.gates.drift import ks_test
from piqa_cli.gates.findings import Finding
from piqa_cli.gates.groups import below_root
from piqa_cli.gates.policy import BaselineTerms, Severity
from piqa_cli.outputs.summary import Quartiles, summarize

LEAST_FOR_DRIFT = 8
"""Photos with a score that both tables need for a drift test."""

_BYTE = r"\\x[0-9a-f]{2}"  # how a table spells a byte that is no UTF-8


@dataclass(frozen=True, slots=True)
class Change:
    """One photo's score then and now; None where it could not be scored."""

    path: str  # as in the new table
    before: float | None
    after: float | None

    @property
    def points(self) -> float:
        """Points of score gained; a photo that lost or gained a score altogether lost or gained all of it."""
        return (self.after or 0.0) - (self.before or 0.0)


@dataclass(frozen=True, slots=True)
class Drift:
    """Both distributions of the scores, and the Kolmogorov-Smirnov test of their difference."""

    before: Quartiles
    after: Quartiles
    distance: float  # [0, 1]
    p_value: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the photos since the baseline."""

    path: Path  # of the baseline
    partner: dict[str, str]  # path now -> path in the baseline, of the photos in both
    regressions: tuple[Change, ...]  # the largest loss first
    improvements: tuple[Change, ...]  # the largest gain first
    added: tuple[str, ...]
    removed: tuple[str, ...]  # as in the baseline
    drift: Drift | None  # None where there are too few scores
    models: tuple[tuple[str, ...], tuple[str, ...]]  # then and now

    @property
    def same_models(self) -> bool:
        """Whether the scores can be compared: by the fingerprints, for a model may have got another name."""
        then, now = ({model.rpartition("@")[2] for model in models} for models in self.models)
        return then == now


def compare(frame: pl.DataFrame, baseline: pl.DataFrame, path: Path, terms: BaselineTerms) -> Comparison:
    """The table beside the baseline, which was read from `path`."""
    partner = match(frame["path"].to_list(), baseline["path"].to_list())
    then = dict(zip(baseline["path"], baseline["score"], strict=True))
    now = dict(zip(frame["path"], frame["score"], strict=True))
    changes = [Change(new, then[old], now[new]) for new, old in partner.items()]
    worse = [change for change in changes if _is_regression(change, terms)]
    better = [change for change in changes if _is_improvement(change, terms)]
    known = set(partner.values())
    return Comparison(
        path,
        partner,
        regressions=tuple(sorted(worse, key=lambda change: (change.points, change.path))),
        improvements=tuple(sorted(better, key=lambda change: (-change.points, change.path))),
        added=tuple(name for name in now if name not in partner),
        removed=tuple(name for name in then if name not in known),
        drift=_drift(frame, baseline),
        models=(models_in(baseline), models_in(frame)),
    )


def spelt_as_here(baseline: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """The baseline with "/" in its paths, where a piqa on Windows wrote it and this is another system."""
    paths = baseline["path"]
    windows = paths.str.replace_all(_BYTE, "").str.contains("\\", literal=True).any()
    if os.sep == "\\" or not windows or paths.str.contains("/", literal=True).any():
        return baseline
    if paths.is_in(frame["path"].to_list()).any():  # names may have a backslash here
        return baseline
    return baseline.with_columns(pl.col("path").str.replace_all("\\", "/", literal=True))


def match(paths: Sequence[str], earlier: Sequence[str]) -> dict[str, str]:
    """Path now -> path then. Where no path is in both, they are compared below each table's common folder.

    The table of a part of a set has a deeper one: what lies between both is tried, too, and what matches most is taken.
    """
    old = {os.path.normpath(path): path for path in earlier}
    found = {path: old[name] for path in paths if (name := os.path.normpath(path)) in old}
    names = {os.path.basename(path) for path in earlier}  # noqa: PTH119 - text, as in the table
    if found or names.isdisjoint(map(os.path.basename, paths)):
        return found
    return max(_below_roots(paths, earlier), key=len)  # the first of equals


def _below_roots(paths: Sequence[str], earlier: Sequence[str]) -> Iterator[dict[str, str]]:
    now, old = below_root(paths), below_root(earlier)
    then = dict(zip(old, earlier, strict=True))
    yield _found(zip(paths, now, strict=True), then)
    for lead, below in _higher(paths, now):
        yield _found(((path, lead + name) for path, name in zip(paths, below, strict=True)), then)
    for lead, below in _higher(earlier, old):
        then = dict(zip(below, earlier, strict=True))
        inside = ((path, name) for path, name in zip(paths, now, strict=True) if name.startswith(lead))
        yield _found(((path, name.removeprefix(lead)) for path, name in inside), then)


def _higher(paths: Sequence[str], below: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """For each folder above the one that holds all photos: what it puts before the names, and these names."""
    if not all(map(os.path.isabs, paths)):
        paths = [os.path.abspath(path) for path in paths]  # noqa: PTH100 - text, as in the table
        below = below_root(paths)
    lead, root = "", os.path.normpath(paths[0]).replace(os.sep, "/").removesuffix(below[0])
    for folder in reversed([name for name in root.split("/") if name]):
        lead = f"{folder}/{lead}"
        yield lead, below


def _found(named: Iterable[tuple[str, str]], then: Mapping[str, str]) -> dict[str, str]:
    """Path now -> path then, of the photos whose names, those of the pairs, are among the names then."""
    return {path: then[name] for path, name in named if name in then}


def baseline_findings(
    comparison: Comparison, terms: BaselineTerms, severities: dict[str, Severity | None]
) -> Iterator[Finding]:
    """Regressions, drift, and another model, as far as they are not switched off."""
    if severity := severities["model-changed"]:
        yield from _model_findings(comparison, severity)
    if severity := severities["regression"]:
        for change in comparison.regressions:
            now = "could not be scored" if change.after is None else f"scores {change.after:.2f}"
            message = f"{now}, scored {change.before:.2f} in the baseline"
            yield Finding("regression", severity, message, change.path, measured=change.after, limit=change.before)
    drift = comparison.drift
    if (severity := severities["drift"]) and drift and drifted(drift, terms):
        message = (
            f"scores have drifted: median {drift.before.median:.1f} then, {drift.after.median:.1f} now, "
            f"Kolmogorov-Smirnov D = {drift.distance:.3f}, p = {drift.p_value:.2g}"
        )
        yield Finding("drift", severity, message, measured=round(drift.distance, 6), limit=terms.min_distance)


def drifted(drift: Drift, terms: BaselineTerms) -> bool:
    """Whether the difference is neither chance nor negligible."""
    return drift.p_value < terms.alpha and drift.distance >= terms.min_distance


def not_compared(comparison: Comparison, severities: Mapping[str, Severity | None]) -> dict[str, str]:
    """Why these tables tell nothing of regressions, drift, or another model: rule -> reason, of the rules in use."""
    few = f"one of the tables has fewer than {LEAST_FOR_DRIFT} photos with a score"
    reasons = {
        "regression": None if comparison.partner else "no photo is in both tables",
        "drift": None if comparison.drift else few,
        "model-changed": None if all(comparison.models) else "one of the tables names no model",
    }
    return {rule: reason for rule, reason in reasons.items() if reason and severities[rule]}


def mark_known(findings: Sequence[Finding], earlier: Sequence[Finding], partner: dict[str, str]) -> list[bool]:
    """For each finding, whether the baseline had it: the same rule on the same photo, or on a set and then as bad.

    A check that speaks of each photo alone or, where it holds for all, of the set is known by its photos both ways.
    """
    photos = {(finding.rule, finding.fault, path) for finding in earlier for path in _photos(finding)}
    sets = {(finding.rule, finding.part): finding for finding in earlier if finding.path is None}
    known = []
    for finding in findings:
        if own := _photos(finding):
            known.append(all((finding.rule, finding.fault, partner.get(path)) in photos for path in own))
        else:
            before = sets.get((finding.rule, finding.part))
            known.append(before is not None and _as_bad(before, finding))
    return known


def _photos(finding: Finding) -> tuple[str, ...]:
    """The photos that a finding is about; none where it is a set's that broke its limit, whichever photos did that."""
    if finding.path is not None:
        return (finding.path,)
    return finding.related if finding.limit is None else ()


def _as_bad(before: Finding, now: Finding) -> bool:
    """All of these are upper limits; the difference of a folder counts by its size."""
    return (
        isinstance(before.measured, float | int)
        and isinstance(now.measured, float | int)
        and abs(now.measured) <= abs(before.measured)
    )


def _is_regression(change: Change, terms: BaselineTerms) -> bool:
    if change.before is None:
        return False
    return change.after is None or change.before - change.after > terms.max_drop


def _is_improvement(change: Change, terms: BaselineTerms) -> bool:
    if change.after is None:
        return False
    return change.before is None or change.after - change.before > terms.max_drop


def _drift(frame: pl.DataFrame, baseline: pl.DataFrame) -> Drift | None:
    before, after = summarize(baseline).scores, summarize(frame).scores
    old, new = baseline["score"].drop_nulls().to_numpy(), frame["score"].drop_nulls().to_numpy()
    if before is None or after is None or min(len(old), len(new)) < LEAST_FOR_DRIFT:
        return None
    return Drift(before, after, *ks_test(old, new))


def models_in(frame: pl.DataFrame) -> tuple[str, ...]:
    """The models that scored the photos of a table, sorted; none where it does not say."""
    return tuple(sorted(set(frame["model"].drop_nulls()))) if "model" in frame.columns else ()


def _model_findings(comparison: Comparison, severity: Severity) -> Iterator[Finding]:
    then, now = (" and ".join(models) for models in comparison.models)
    if then and now and not comparison.same_models:
        message = f"scored by {now}, the baseline by {then}: their scores are not the same measure"
        yield Finding("model-changed", severity, message, measured=now, limit=then)
