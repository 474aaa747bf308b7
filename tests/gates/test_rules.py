from __future__ import annotations

from dataclasses import replace

import pytest

from piqa_cli.errors import UsageError
from piqa_cli.gates.groups import below_root
from piqa_cli.gates.policy import Limits, Policy, Resolution, Section, Severity
from tests.gates.tables import OFF, gates, judged, no_face, row, table, told

CASES = [
    ("fail_under", 50.0, row("a", 49.99), "scores 49.99, at least 50 is wanted"),
    ("fail_under", 50.0, row("a", 50.0), None),
    ("min_face_px", 101, row("a"), "face of 100 x 120 px, at least 101 wanted"),
    ("min_face_px", 100, row("a"), None),
    ("min_face_px", 100, row("a", face_x2=109.6), "face of 99.6 x 120.0 px, at least 100 wanted"),
    ("min_face_px", 64, row("a", face_x1=0.1, face_x2=64.1), None),
    ("min_face_px", 100, no_face("a"), None),
    ("require_single_face", True, no_face("a"), "no face, exactly one is wanted"),
    ("require_single_face", True, row("a", n_faces=3), "3 faces, exactly one is wanted"),
    ("require_single_face", True, row("a"), None),
    ("require_single_face", False, no_face("a"), None),
    ("require_open_eyes", True, row("a", eyes="closed", eyes_open=0.1), "eyes closed (openness 0.10 of 1)"),
    ("require_open_eyes", True, row("a", eyes="closed"), "eyes closed"),
    ("require_open_eyes", True, row("a", eyes="unknown"), None),
    ("require_open_eyes", True, row("a", eyes="open"), None),
    ("min_resolution", Resolution(4000, 3001), row("a"), "4000 x 3000 px, at least 4000x3001 is wanted"),
    ("min_resolution", Resolution(4000, 3000), row("a", width=3000, height=4000), None),
    ("min_resolution", Resolution(megapixels=12.1), row("a"), "4000 x 3000 px, at least 12.1MP is wanted"),
    ("min_resolution", Resolution(megapixels=12), row("a"), None),
]


@pytest.mark.parametrize(("limit", "value", "photo", "message"), CASES)
def test_gates_on_photos(limit, value, photo, message) -> None:
    verdict = judged(table(photo), gates(**{limit: value}))
    expected = [] if message is None else [(limit.replace("_", "-"), "a", message)]
    assert told(verdict) == expected
    assert verdict.passed == (message is None)


SCORES = [row(f"{score:02}.jpg", float(score)) for score in range(0, 100, 10)]
FAILED = [row("bad1.jpg", None), row("bad2.jpg", None)]
SET_CASES = [
    ({"max_bad_pct": 40}, [*SCORES, *FAILED], None),
    ({"max_bad_pct": 39.9}, SCORES, "4 of 10 scored photos are below 40, 40.0 %; at most 39.9 % may"),
    ({"max_bad_pct": 39.99}, SCORES, "4 of 10 scored photos are below 40, 40.0 %; at most 39.99 % may"),
    ({"max_bad_pct": 33.3}, SCORES[3:6], "1 of 3 scored photos are below 40, 33.333 %; at most 33.3 % may"),
    ({"max_bad_pct": 0, "bad_below": 10}, SCORES, "1 of 10 scored photos are below 10, 10.0 %; at most 0 % may"),
    ({"max_errors": 2}, FAILED, None),
    ({"max_errors": 1}, FAILED, "2 photos could not be scored; at most 1 may"),
    ({"max_errors": 0}, FAILED[:1], "1 photo could not be scored; at most 0 may"),
    ({"max_no_face_pct": 50}, [no_face("a"), row("b"), *FAILED], None),
    (
        {"max_no_face_pct": 49},
        [no_face("a"), row("b")],
        "1 of 2 readable photos have no face, 50.0 %; at most 49 % may",
    ),
]


@pytest.mark.parametrize(("limits", "photos", "message"), SET_CASES)
def test_gates_on_sets(limits, photos, message) -> None:
    verdict = judged(table(*photos), gates(**limits))
    (rule,) = [name.replace("_", "-") for name in limits if name != "bad_below"]
    assert told(verdict) == ([] if message is None else [(rule, None, message)])


def test_gates_on_photos_that_could_not_be_scored_do_not_pass() -> None:
    """A limit that nothing was held against is no pass; counts say what they count all the same."""
    message = "nothing was judged: none of the 2 photos could be scored"
    limits = {"fail_under": 50, "max_bad_pct": 5, "max_no_face_pct": 5, "require_single_face": True}
    verdict = judged(table(*FAILED), gates(**limits, max_errors=2, max_near_duplicates=0), embeddings={})
    assert told(verdict) == [(rule.replace("_", "-"), None, message) for rule in limits]
    assert not verdict.passed
    (alone,) = judged(table(row("a", None)), gates(fail_under=50)).findings
    assert alone.message == "nothing was judged: the only photo could not be scored"
    assert judged(table(*FAILED, row("a")), gates(fail_under=50, max_bad_pct=5)).passed
    known = judged(table(*FAILED), gates(fail_under=50), baseline=table(*FAILED))
    assert not known.passed
    in_section = sectioned(Section("*", Limits(fail_under=50)))
    assert [f.rule for f in judged(table(*FAILED), in_section).findings] == ["fail-under"]


def test_a_section_whose_photos_could_not_be_scored_does_not_pass_its_own_limits() -> None:
    policy = sectioned(Section("b/*", Limits(fail_under=50, max_bad_pct=5, max_errors=2)), min_face_px=10)
    photos = [row("d/a.jpg"), row("d/b/1.jpg", None), row("d/b/2.jpg", None)]
    verdict = judged(table(*photos), policy)
    message = "in b/*: nothing was judged: none of the 2 photos could be scored"
    assert told(verdict) == [("fail-under", None, message), ("max-bad-pct", None, message)]
    assert {finding.part for finding in verdict.findings} == {"b/*"}
    assert not verdict.passed
    assert judged(table(*photos, row("d/b/3.jpg")), policy).passed
    assert judged(table(row("d/a.jpg"), row("d/c/1.jpg", None)), policy).passed  # no photo is in the section
    mild = sectioned(Section("b/*", Limits(fail_under=50), Severity.WARNING))
    assert judged(table(*photos), mild).passed


def test_a_mild_section_does_not_let_all_photos_that_could_not_be_scored_pass() -> None:
    policy = sectioned(Section("b/*", severity=Severity.WARNING), fail_under=50)
    (finding,) = judged(table(row("d/a.jpg", None), row("d/b/1.jpg", None)), policy).findings
    assert (finding.rule, finding.severity) == ("fail-under", Severity.ERROR)
    (finding,) = judged(table(row("d/b/1.jpg", None), row("d/b/2.jpg", None)), policy).findings
    assert (finding.rule, finding.severity) == ("fail-under", Severity.WARNING)


def test_the_worst_come_first() -> None:
    verdict = judged(table(*SCORES), gates(fail_under=25))
    assert [finding.measured for finding in verdict.findings] == [0, 10, 20]


def test_a_set_gate_names_its_photos() -> None:
    (finding,) = judged(table(*SCORES), gates(max_bad_pct=0)).findings
    assert finding.related == ("00.jpg", "10.jpg", "20.jpg", "30.jpg")
    assert (finding.measured, finding.limit) == (40.0, 0)


def sectioned(*sections: Section, **limits) -> Policy:
    return Policy(Limits(**limits), sections, checks=OFF)


FOLDERS = table(row("d/a/1.jpg", 10.0), row("d/a/2.jpg", 30.0), row("d/b/1.jpg", 10.0), row("d/c.jpg", 10.0))


def test_a_section_has_limits_of_its_own_and_the_last_one_that_matches_holds() -> None:
    policy = sectioned(
        Section("a/*", Limits(fail_under=20)),
        Section("2.jpg", Limits(fail_under=35)),
        Section("b", Limits()),
        fail_under=5,
    )
    found = [(f.path, f.part, f.limit) for f in judged(FOLDERS, policy).findings]
    assert found == [("d/a/1.jpg", "a/*", 20), ("d/a/2.jpg", "2.jpg", 35)]


def test_a_section_takes_over_what_it_does_not_say() -> None:
    policy = sectioned(Section("a/*", Limits(fail_under=0)), fail_under=50, min_face_px=200)
    found = {(f.path, f.rule) for f in judged(FOLDERS, policy).findings}
    assert ("d/a/1.jpg", "min-face-px") in found
    assert ("d/a/1.jpg", "fail-under") not in found


def test_globs_are_tried_below_the_common_folder_and_on_the_whole_path() -> None:
    for glob in ("b/*", "d/b/*", "B/*", "**/b/1.jpg"):
        policy = sectioned(Section(glob, Limits(fail_under=11)))
        assert [f.path for f in judged(FOLDERS, policy).findings] == ["d/b/1.jpg"], glob


@pytest.mark.parametrize(
    ("path", "glob", "held"),
    [
        ("/data/passport/1.jpg", "passport/*", True),
        ("shoot/passport/new/1.jpg", "passport/*", True),
        ("s3://bucket/passport/1.jpg", "passport/*", True),
        ("/data/passports/1.jpg", "passport/*", False),
        ("/data/my passport/1.jpg", "passport/*", False),
        ("/archive/shoot/1.jpg", "a*", False),
    ],
    ids=["alone", "below", "store", "longer", "within", "name"],
)
def test_a_section_holds_for_its_folder_alone_too(path, glob, held) -> None:
    policy = sectioned(Section(glob, Limits(fail_under=11)))
    verdict = judged(table(row(path, 10.0)), replace(policy, checks={**OFF, "unused-section": Severity.WARNING}))
    found = [(finding.rule, finding.path, finding.part) for finding in verdict.findings]
    assert found == [("fail-under", path, glob) if held else ("unused-section", None, glob)]


@pytest.mark.parametrize(
    ("glob", "more"),
    [
        ("a b", '; a folder\'s photos are [folders."a b/*"]'),
        ("a b/", '; a folder\'s photos are [folders."a b/*"]'),
        ("b", ""),
        ("1.jpg", ""),
    ],
)
def test_a_section_that_names_a_folder_without_its_photos_says_how(glob, more) -> None:
    policy = replace(
        sectioned(Section(glob, Limits(fail_under=11))), checks={**OFF, "unused-section": Severity.WARNING}
    )
    (finding,) = judged(table(row("shoot/a b/1.png", 50.0), row("shoot/c/2.png", 50.0)), policy).findings
    assert finding.message == f'no photo is in [folders."{glob}"]{more}'


def test_a_share_in_a_section_counts_its_photos_and_they_are_left_out_of_the_whole() -> None:
    policy = sectioned(Section("a/*", Limits(max_bad_pct=50)), max_bad_pct=99)
    whole, part = judged(FOLDERS, policy).findings
    assert whole.message == "2 of 2 scored photos are below 40, 100.0 %; at most 99 % may"
    assert part.message == "in a/*: 2 of 2 scored photos are below 40, 100.0 %; at most 50 % may"
    assert (whole.part, part.part) == (None, "a/*")


def test_a_section_that_sets_no_share_counts_to_the_whole() -> None:
    policy = sectioned(Section("a/*", Limits(bad_below=5)), max_bad_pct=0)
    (finding,) = judged(FOLDERS, policy).findings
    assert finding.message.startswith("2 of 4 scored photos are below 40 or 5, 50.0 %")


def test_a_weaker_severity_reports_and_passes() -> None:
    frame = table(*SCORES)
    verdict = judged(frame, Policy(Limits(fail_under=50), severity=Severity.WARNING, checks=OFF))
    assert verdict.passed
    assert len(verdict.findings) == 5
    section = Section("*", Limits(fail_under=50), Severity.NOTE)
    assert judged(frame, sectioned(section)).passed
    assert not judged(frame, sectioned(Section("*", Limits(fail_under=50)))).passed


@pytest.mark.parametrize(
    ("limit", "column"),
    [
        ({"require_open_eyes": True}, "eyes"),
        ({"min_face_px": 3}, "face_x1"),
        ({"min_resolution": Resolution(1, 1)}, "width"),
        ({"require_single_face": True}, "n_faces"),
    ],
)
def test_a_gate_that_cannot_be_checked_is_an_error(limit, column) -> None:
    (name,) = limit
    with pytest.raises(
        UsageError, match=f"{name.replace('_', '-')} cannot be checked: the table has no column {column}"
    ):
        judged(table(*SCORES).drop(column), gates(**limit))


def test_a_table_of_three_columns_is_enough_for_the_rest() -> None:
    frame = table(*SCORES, *FAILED).select("path", "score", "status")
    policy = Policy(Limits(fail_under=5, max_errors=0, max_bad_pct=0, max_no_face_pct=0))
    verdict = judged(frame, policy)
    assert {finding.rule for finding in verdict.findings} == {"fail-under", "max-errors", "max-bad-pct", "unreadable"}


def test_an_empty_set_passes() -> None:
    verdict = judged(table(), Policy(Limits(fail_under=50, max_bad_pct=0, max_errors=0, max_no_face_pct=0)))
    assert verdict.passed


@pytest.mark.parametrize(
    ("paths", "below"),
    [
        (["a/x/1", "a/x/y/2"], ["1", "y/2"]),
        (["/1", "/a/2"], ["1", "a/2"]),
        (["./a/1", "b/../a/2"], ["1", "2"]),
        (["1", "a/2"], ["1", "a/2"]),
        (["../1", "a/2"], None),
        (["ab/1", "abc/2"], ["ab/1", "abc/2"]),
        ([], []),
    ],
)
def test_paths_below_their_common_folder(paths, below) -> None:
    assert below_root(paths) == (paths if below is None else below)


def test_absolute_and_relative_paths_meet_in_the_working_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert below_root(["a/1", f"{tmp_path}/b/2"]) == ["a/1", "b/2"]
