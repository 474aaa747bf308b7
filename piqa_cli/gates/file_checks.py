"""Checks that look into the files themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from piqa_cli.errors import UnreadablePhoto
from piqa_cli.gates.duplicates import Copies
from piqa_cli.gates.findings import Finding
from piqa_cli.gates.policy import Severity
from piqa_cli.photos.content import RAW, sniff
from piqa_cli.photos.opening import open_regular
from piqa_cli.photos.suffixes import HEIF_SUFFIXES, JPEG_SUFFIXES, RAW_SUFFIXES, split_name
from piqa_cli.spreadsheets import path_of

_SUFFIXES = {
    "JPEG": JPEG_SUFFIXES,
    "PNG": frozenset({".png"}),
    "WEBP": frozenset({".webp"}),
    "BMP": frozenset({".bmp"}),
    "TIFF": frozenset({".tif", ".tiff"}),
    "AVIF": frozenset({".avif"}),
    "HEIF": HEIF_SUFFIXES,
    RAW: RAW_SUFFIXES,
}


def wrong_extensions(paths: Sequence[str], severity: Severity) -> Iterator[Finding]:
    """Photos whose name says another format than their first bytes. What is no photo at all is unreadable instead."""
    for path in paths:
        form = _format(path_of(path))
        suffix = split_name(Path(path).name)[1]
        if form is None or suffix in _SUFFIXES[form]:
            continue
        shown = f"the extension {suffix}" if suffix else "no extension"
        yield Finding("wrong-extension", severity, f"{form} content with {shown}", path, measured=form, limit=suffix)


def copy_findings(copies: Copies, rule: str, what: str, severity: Severity) -> Iterator[Finding]:
    """One finding for every photo of a cluster but the first, which it names."""
    for cluster in copies:
        for path in cluster[1:]:
            yield Finding(rule, severity, f"{what} {cluster[0]}", path, related=(cluster[0],))


def gone(paths: Sequence[str]) -> int:
    """How many of these are no longer there."""
    return sum(not _is_there(path) for path in paths)


def _is_there(path: str) -> bool:
    try:
        return path_of(path).exists()
    except (OSError, ValueError):
        return False


def _format(path: Path) -> str | None:
    try:
        with open_regular(path) as file:
            return sniff(file, path)
    except (OSError, ValueError, UnreadablePhoto):
        return None
