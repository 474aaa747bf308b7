"""What the photos' files and embeddings say, looked at once for gates and checks alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from piqa_cli.gates.duplicates import Copies, exact_copies, near_copies
from piqa_cli.gates.file_checks import gone, wrong_extensions
from piqa_cli.gates.findings import Finding
from piqa_cli.gates.policy import Policy, Severity
from piqa_cli.gates.unanswerable import NOT_LOOKED_FOR, SEVERAL_MODELS, not_there, unseen


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
    """Look for what the gates and checks that are on need, and for nothing else; `embeddings` as of `Material`."""
    paths = frame["path"].sort().to_list()
    wants_exact = checks["duplicate"] or policy.asks("max_duplicates")
    wants_near = checks["near-duplicate"] or policy.asks("max_near_duplicates")
    wants_names = checks["wrong-extension"]
    skipped = _gone(paths, checks) if wants_exact or wants_names else {}
    exact = exact_copies(paths) if wants_exact or wants_near else []
    near = None
    if wants_near:
        distinct = _distinct(frame, exact)
        near = near_copies(distinct["path"].to_list(), _models(distinct), embeddings or {})
        if reason := _not_seen(distinct, embeddings):
            skipped["near-duplicate"] = reason
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


def _distinct(frame: pl.DataFrame, exact: Copies) -> pl.DataFrame:
    """The photos that can look like another: readable, and one for each content."""
    copies = {path for cluster in exact for path in cluster[1:]}
    return frame.filter(~pl.col("path").is_in(list(copies)) & (pl.col("status") != "error")).sort("path")


def _models(frame: pl.DataFrame) -> list[str]:
    return frame["model"].fill_null("").to_list() if "model" in frame.columns else [""] * frame.height


def _not_seen(frame: pl.DataFrame, embeddings: Mapping[str, bytes] | None) -> str | None:
    """Why not all of these photos could be compared; None where all were."""
    if embeddings is None:
        return None if frame.is_empty() else NOT_LOOKED_FOR
    known = [path in embeddings for path in frame["path"]]
    if not all(known):
        return unseen(known.count(False), frame.height)
    return SEVERAL_MODELS if len(set(_models(frame))) > 1 else None


def _gone(paths: Sequence[str], checks: Mapping[str, Severity | None]) -> dict[str, str]:
    missing = gone(paths)
    if not missing:
        return {}
    reason = not_there(missing, len(paths))
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
