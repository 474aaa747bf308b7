"""The verdict as JUnit XML: a case for every photo, and one for every rule.

The form is the common part of what Ant's JUnit reports, Jenkins, GitLab and the GitHub actions for test reports read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

from piqa_cli import __version__
from piqa_cli.gates.check import Verdict
from piqa_cli.gates.findings import RULES, Finding
from piqa_cli.gates.xml_text import xml_safe

Outcome = Literal["failure", "skipped"]


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    folder: str
    outcome: Outcome | None = None
    kind: str = ""
    message: str = ""
    details: tuple[str, ...] = ()


def to_junit(verdict: Verdict) -> str:
    """The verdict as the text of a JUnit XML file (UTF-8)."""
    root = ET.Element("testsuites")
    when = verdict.now.strftime("%Y-%m-%dT%H:%M:%S")  # the form has no time zone
    for number, (name, cases) in enumerate((("photos", _photos(verdict)), ("rules", _rules(verdict)))):
        _suite(root, number, name, when, list(cases))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _photos(verdict: Verdict) -> Iterable[_Case]:
    """In the order of their paths, so that two runs can be compared line by line."""
    errors: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        if finding.path is not None and finding.severity == "error":
            errors.setdefault(finding.path, []).append(finding)
    failed = {finding.path: finding for finding in verdict.of("unreadable")}
    for path, status in sorted(verdict.frame.select("path", "status").rows()):
        folder = os.path.dirname(path) or "."  # noqa: PTH120 - text, as in the table
        found = errors.get(path, [])
        failing = [finding for finding in found if finding.fails]
        if failing:
            yield _failure(path, folder, failing)
        elif found:
            yield _Case(path, folder, "skipped", message=f"known from the baseline: {_joined(found)}")
        elif status == "error":
            reason = f": {failed[path].message}" if path in failed else ""
            yield _Case(path, folder, "skipped", message=f"could not be scored{reason}")
        else:
            yield _Case(path, folder)


def _rules(verdict: Verdict) -> Iterable[_Case]:
    for rule in verdict.active:
        home = f"piqa.{RULES[rule].kind}s"
        found = verdict.of(rule)
        failing = [finding for finding in found if finding.fails]
        if failing:
            yield _failure(rule, home, failing)
        elif rule in verdict.skipped:
            yield _Case(rule, home, "skipped", message=verdict.skipped[rule])
        elif found and rule == "unused-section":  # no limit is broken, but none is checked either
            yield _Case(rule, home, "skipped", message=_joined(found))
        else:
            yield _Case(rule, home)


def _failure(name: str, folder: str, failing: Sequence[Finding]) -> _Case:
    first = failing[0]
    photos = sum(finding.path is not None for finding in failing)
    of_rule = first.path != name
    message = f"{photos:,} photos: {RULES[name].title}" if of_rule and photos > 1 else _joined(failing)
    details = tuple(f"{f.path}: {f.message}" if of_rule and f.path else f"{f.rule}: {f.message}" for f in failing)
    return _Case(name, folder, "failure", first.rule, message, details)


def _joined(findings: Sequence[Finding]) -> str:
    return "; ".join(finding.message for finding in findings)


def _suite(root: ET.Element, number: int, name: str, when: str, cases: Sequence[_Case]) -> None:
    outcomes = [case.outcome for case in cases]
    counts = {"failures": outcomes.count("failure"), "skipped": outcomes.count("skipped")}
    suite = ET.SubElement(
        root,
        "testsuite",
        {
            "name": name,
            "package": "piqa",
            "id": str(number),
            "timestamp": when,
            "hostname": "localhost",
            "tests": str(len(cases)),
            "errors": "0",
            **{kind: str(count) for kind, count in counts.items()},
            "time": "0",
        },
    )
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", {"name": "piqa", "value": __version__})
    for case in cases:
        _case(suite, case)
    ET.SubElement(suite, "system-out")
    ET.SubElement(suite, "system-err")


def _case(suite: ET.Element, case: _Case) -> None:
    named = {"name": xml_safe(case.name), "classname": xml_safe(case.folder), "time": "0"}
    element = ET.SubElement(suite, "testcase", named)
    if case.outcome is None:
        return
    attributes = {"message": xml_safe(case.message)} | ({"type": case.kind} if case.kind else {})
    inside = ET.SubElement(element, case.outcome, attributes)
    if case.details:
        inside.text = "\n".join(xml_safe(line) for line in case.details)
