"""What the photos' files and embeddings say, looked at once for gates and checks alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from piqa_cli.gates.duplicates import Copies, exact_copies, near_copies
from piqa_cli.gates.file_checks import gone, wrong_extensions
from piqa_cli.gates.findings import Finding
from piqa_cli.gates.policy import Policy, Severity
from piqa_cli.gates.unanswerable import NO_EMBEDDINGS


@dataclass(frozen=True, slots=True)
class FileFacts:
    """None where nobody asked for it, or it cannot be told."""

    exact: Copies | None = None
    near: Copies | None = None
    wrong_extensions: tuple[Finding, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)  # rule -> why it saw not all photos


def look_at_files(
    frame: pl.DataFrame,
    policy: Policy,
    checks: Mapping[str, Severity | None],
    embeddings: Mapping[str, bytes] | None,
) -> FileFacts:
    """Look for what the gates and checks that are on need, and for nothing else."""
    paths = frame["path"].sort().to_list()
    wants_exact = checks["duplicate"] or policy.asks("max_duplicates")
    wants_near = checks["near-duplicate"] or policy.asks("max_near_duplicates")
    wants_names = checks["wrong-extension"]
    skipped = _gone(paths, checks) if wants_exact or wants_names else {}
    exact = exact_copies(paths) if wants_exact or wants_near else []
    near = None
    if wants_near and (embeddings or not _any_readable(frame)):  # what cannot be read looks like nothing
        near = _near(frame, exact, embeddings or {})
    elif wants_near:
        skipped["near-duplicate"] = NO_EMBEDDINGS
    names = tuple(wrong_extensions(paths, Severity.WARNING)) if wants_names else ()
    return FileFacts(exact if wants_exact else None, near, names, skipped)


def facts_then(files: FileFacts, frame: pl.DataFrame, baseline: pl.DataFrame, partner: Mapping[str, str]) -> FileFacts:
    """What would have been seen when the baseline was made: the same of the photos that were there and are unchanged.

    The files of that time are gone; a photo with the same size in bytes is taken for unchanged.
    """
    unchanged = _unchanged(frame, baseline, partner)
    names = tuple(
        replace(finding, path=unchanged[finding.path])
        for finding in files.wrong_extensions
        if finding.path in unchanged
    )
    return FileFacts(_then(files.exact, unchanged), _then(files.near, unchanged), names)


def _any_readable(frame: pl.DataFrame) -> bool:
    return bool((frame["status"] != "error").any())


def _near(frame: pl.DataFrame, exact: Copies, embeddings: Mapping[str, bytes]) -> Copies:
    """Among photos of different content, one for each."""
    copies = {path for cluster in exact for path in cluster[1:]}
    rows = frame.filter(~pl.col("path").is_in(list(copies))).sort("path")
    models = rows["model"].fill_null("").to_list() if "model" in rows.columns else [""] * rows.height
    return near_copies(rows["path"].to_list(), models, embeddings)


def _gone(paths: Sequence[str], checks: Mapping[str, Severity | None]) -> dict[str, str]:
    missing = gone(paths)
    if not missing:
        return {}
    reason = f"{missing:,} of {len(paths):,} photos are not where the table says"
    return {rule: reason for rule in ("duplicate", "wrong-extension") if checks[rule]}


def _unchanged(frame: pl.DataFrame, baseline: pl.DataFrame, partner: Mapping[str, str]) -> dict[str, str]:
    now, then = _sizes(frame), _sizes(baseline)
    return {new: old for new, old in partner.items() if now[new] == then[old] or None in (now[new], then[old])}


def _sizes(frame: pl.DataFrame) -> dict[str, int | None]:
    sizes = frame["file_size"].to_list() if "file_size" in frame.columns else [None] * frame.height
    return dict(zip(frame["path"].to_list(), sizes, strict=True))


def _then(copies: Copies | None, unchanged: Mapping[str, str]) -> Copies | None:
    if copies is None:
        return None
    clusters = (tuple(unchanged[path] for path in cluster if path in unchanged) for cluster in copies)
    return [cluster for cluster in clusters if len(cluster) > 1]
