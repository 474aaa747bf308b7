"""Findings as GitHub's workflow commands: lines of a job's log that show up as annotations."""

from __future__ import annotations

import os
from collections.abc import Iterator

from piqa_cli.gates.check import Verdict
from piqa_cli.gates.findings import Finding
from piqa_cli.gates.places import relative
from piqa_cli.gates.policy import Severity

SHOWN = 10
"""Annotations of one level that GitHub shows for a step; more would only fill the log."""
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def github_annotations(verdict: Verdict, base: str) -> Iterator[str]:
    """One line for each finding that the baseline did not know, at most `SHOWN` of a level and then how many more.

    Args:
        verdict: of a check.
        base: absolute folder that the table's paths start from, see `places.relative`.
    """
    for severity, command in _COMMANDS.items():
        found = [finding for finding in verdict.findings if finding.severity is severity and not finding.known]
        shown = found if len(found) <= SHOWN else found[: SHOWN - 1]
        for finding in shown:
            yield _line(command, finding, base)
        if len(shown) < len(found):
            yield f"::{command} title=piqa::and {len(found) - len(shown):,} more"


def _line(command: str, finding: Finding, base: str) -> str:
    properties = {"title": f"piqa {finding.rule}"}
    if finding.path is not None:
        name = os.fsencode(relative(finding.path, base)).decode("utf-8", "backslashreplace")
        properties = {"file": name, **properties}
    listed = ",".join(f"{key}={escape_property(value)}" for key, value in properties.items())
    photo = f"{finding.path}: " if finding.path is not None else ""
    return f"::{command} {listed}::{escape_message(photo + finding.message)}"


def escape_message(text: str) -> str:
    """Text after the second `::`, by the rules of the actions toolkit."""
    return _visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def escape_property(text: str) -> str:
    """Text of a property such as `file`."""
    return escape_message(text).replace(":", "%3A").replace(",", "%2C")


def _visible(text: str) -> str:
    """No other control characters: the line goes to a log that people read."""
    return "".join(c if c.isprintable() or c == " " else c.encode("unicode_escape").decode() for c in text)
