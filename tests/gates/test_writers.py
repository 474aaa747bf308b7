"""Every file beside what it should be. After a wanted change: `python -m tests.gates.test_writers` writes them anew."""

from __future__ import annotations

import html
import json
from pathlib import Path

import jsonschema
import pytest
from lxml import etree

from piqa_cli import __version__
from piqa_cli.gates import sarif
from piqa_cli.gates.annotations import github_annotations
from piqa_cli.gates.code_quality import to_code_quality
from piqa_cli.gates.json_result import schema, to_json
from piqa_cli.gates.junit import to_junit
from piqa_cli.gates.markdown import SHOWN, to_markdown
from piqa_cli.gates.policy import CHECKS, Limits, Policy, Section, Severity
from tests.gates.tables import OFF, gates, judged, no_face, row, table

HERE = Path(__file__).parent
BASE = "/work"
WRITERS = {
    "junit.xml": to_junit,
    "summary.md": to_markdown,
    "verdict.json": to_json,
    "findings.sarif": lambda verdict: sarif.to_sarif(verdict, BASE),
    "code-quality.json": lambda verdict: to_code_quality(verdict, BASE),
    "annotations.txt": lambda verdict: "".join(f"{line}\n" for line in github_annotations(verdict, BASE)),
}


def example():
    """A verdict with something of everything. The files are not there, so nothing depends on the disk."""
    policy = Policy(
        limits=Limits(fail_under=30, max_errors=0, max_no_face_pct=10, require_single_face=True),
        sections=(Section("b/*", Limits(fail_under=60)), Section("passport/*", Limits(fail_under=80))),
        checks={**CHECKS, "duplicate": None, "wrong-extension": Severity.ERROR, "folder-bias": Severity.WARNING},
        path=Path("ci/policy.toml"),
    )
    new = [
        *(row(f"set/a/{n}.jpg", 70.0 + n) for n in range(6)),
        *(row(f"set/b/{n}.jpg", 55.0 + n) for n in range(6)),
        *(row(f"set/c/{n}.jpg", 72.0 + n) for n in range(6)),
        row("set/low <1>.jpg", 12.5),
        no_face("set/two, faces: 100%.jpg", 40.0),
        row("set/cut|`x`.jpg", None),
        row("set/odd.jpg", 66.0, width=100, height=4000, camera=None, captured_at="2099-01-01T00:00:00"),
    ]
    was = {"set/low <1>.jpg": 37.0, "set/b/5.jpg": 65.0}
    old = [{**photo, "score": was.get(photo["path"], photo["score"])} for photo in new]
    old = [photo for photo in old if photo["path"] not in ("set/odd.jpg", "set/cut|`x`.jpg")]
    old += [row("set/gone.jpg", 90.0)]
    return judged(table(*new), policy, baseline=table(*old), baseline_path=Path("old.parquet"))


def plain():
    """A pass without policy and baseline."""
    return judged(table(*(row(f"{n}.jpg", 50.0 + n) for n in range(3))), gates(fail_under=30))


def written(name: str) -> str:
    return WRITERS[name](example()).replace(f'"{__version__}"', '"VERSION"')


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_is_what_it_should_be(name) -> None:
    wanted = (HERE / "golden" / name).read_text(encoding="utf-8")
    assert written(name) == wanted


@pytest.mark.parametrize("verdict", [example, plain, lambda: judged(table())], ids=["example", "plain", "empty"])
def test_junit_is_valid_and_its_counts_are_right(verdict) -> None:
    root = etree.fromstring(to_junit(verdict()).encode())
    etree.XMLSchema(etree.parse(HERE / "junit.xsd")).assertValid(root)
    for suite in root:
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        assert suite.get("failures") == str(sum(case.find("failure") is not None for case in cases))
        assert suite.get("skipped") == str(sum(case.find("skipped") is not None for case in cases))


@pytest.mark.parametrize("verdict", [example, plain, lambda: judged(table())], ids=["example", "plain", "empty"])
def test_json_is_what_its_schema_says(verdict) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    document = json.loads(to_json(verdict()))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["passed"] == verdict().passed


def test_the_schema_refuses_another_document() -> None:
    document = json.loads(to_json(example()))
    for change in ({"version": 2}, {"passed": 1}, {"scores": {"median": 3}}, {"findings": [{}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(schema()).validate({**document, **change})


def test_the_schema_describes_every_field() -> None:
    described, document = schema(), json.loads(to_json(example()))
    assert set(described["properties"]) == set(document)
    parts = {"finding": document["findings"], "rule": document["rules"], "folder": document["folders"]}
    for name, items in parts.items():
        assert all(set(described["$defs"][name]["properties"]) == set(item) for item in items)
        assert items


def test_sarif_has_what_its_readers_need() -> None:
    (run,) = json.loads(sarif.to_sarif(example(), BASE))["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["baselineState"] in ("new", "unchanged")
    uris = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]}
    assert {"set/low%20%3C1%3E.jpg", "set/two%2C%20faces%3A%20100%25.jpg", "set/cut%7C%60x%60.jpg"} <= uris
    assert "ci/policy.toml" in uris  # what holds for the whole set


def test_markdown_says_what_an_unused_section_should_read() -> None:
    policy = Policy(sections=(Section("passport", Limits(fail_under=5)),), path=Path("policy.toml"))
    text = html.unescape(to_markdown(judged(table(row("set/passport/a.jpg"), row("set/b.jpg")), policy)))
    assert 'no photo is in [folders."passport"]; a folder\'s photos are [folders."passport/*"]' in text


def test_every_sarif_result_has_a_place() -> None:
    """GitHub refuses a file with one that has none ("expected at least one location"), whatever else is in it."""
    rows = [row(f"set/{folder}/{n}.jpg", score + n) for folder, score in (("a", 80.0), ("b", 20.0)) for n in range(9)]
    then = [{**photo, "score": 90.0 + n / 9, "model": "older@4567"} for n, photo in enumerate(rows)]
    verdict = judged(table(*rows), baseline=table(*then))
    (run,) = json.loads(sarif.to_sarif(verdict, BASE))["runs"]
    places = [(found["ruleId"], found["locations"][0]["physicalLocation"]) for found in run["results"]]
    told = {(rule, place["artifactLocation"]["uri"]) for rule, place in places if rule != "regression"}
    assert told == {
        ("model-changed", "set/a/0.jpg"),
        ("drift", "set/a/0.jpg"),
        ("folder-bias", "set/a/0.jpg"),
        ("folder-bias", "set/b/0.jpg"),
    }


def test_sarif_says_what_is_left_out(monkeypatch) -> None:
    monkeypatch.setattr(sarif, "MOST_RESULTS", 3)
    verdict = example()
    (run,) = json.loads(sarif.to_sarif(verdict, BASE))["runs"]
    assert [result["level"] for result in run["results"]] == ["error"] * 3
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith(f"{len(verdict.findings) - 3} findings of the least weight")


def test_fingerprints_stay_while_what_was_measured_changes() -> None:
    before, after = (judged(table(row("a", score), row("b", 1.0)), gates(fail_under=50)) for score in (30.0, 20.0))
    prints = [
        {entry["location"]["path"]: entry["fingerprint"] for entry in json.loads(to_code_quality(verdict, BASE))}
        for verdict in (before, after)
    ]
    assert prints[0] == prints[1]
    assert len(set(prints[0].values())) == 2


def prints(form, *photos) -> list[str]:
    verdict = judged(table(*photos), Policy(checks={**OFF, "inconsistent-exif": Severity.WARNING}))
    if form == "sarif":
        (run,) = json.loads(sarif.to_sarif(verdict, BASE))["runs"]
        return [result["partialFingerprints"]["piqa/v1"] for result in run["results"]]
    return [entry["fingerprint"] for entry in json.loads(to_code_quality(verdict, BASE))]


@pytest.mark.parametrize("form", ["sarif", "code-quality"])
def test_two_faults_of_a_photo_have_fingerprints_of_their_own(form) -> None:
    no_camera = {"camera": None, "captured_at": "2020-01-01T00:00:00"}
    first, second, third = prints(form, row("a", **no_camera, iso=0, aperture=0.0))
    assert len({first, second, third}) == 3
    assert prints(form, row("a", **no_camera)) == [first]
    assert prints(form, row("a", **no_camera, aperture=0.0)) == [first, third]


def test_long_lists_are_cut_for_people_only() -> None:
    verdict = judged(table(*(row(f"{n:03}.jpg", 1.0) for n in range(100))), gates(fail_under=50))
    assert to_markdown(verdict).count("\n| `fail-under` | `") == SHOWN
    assert f"and {100 - SHOWN} more." in to_markdown(verdict)
    lines = list(github_annotations(verdict, BASE))
    assert len(lines) == 10
    assert lines[-1] == "::error title=piqa::and 91 more"
    assert len(json.loads(to_json(verdict))["findings"]) == 100
    assert to_junit(verdict).count("<testcase") == 101


if __name__ == "__main__":
    for file_name in WRITERS:
        (HERE / "golden" / file_name).write_text(written(file_name), encoding="utf-8")
