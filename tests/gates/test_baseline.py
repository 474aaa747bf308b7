from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp, kstwobign

from piqa_cli.gates import baseline
from piqa_cli.gates.baseline import match
from piqa_cli.gates.drift import ks_test
from piqa_cli.gates.groups import below_root
from piqa_cli.gates.policy import CHECKS, BaselineTerms, Limits, Policy, Section, Severity
from tests.gates.tables import OFF, gates, judged, no_face, row, table

OLD = Path("old.parquet")


def since(rows, old, policy=None):
    return judged(table(*rows), policy, baseline=table(*old), baseline_path=OLD)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "m", "shift"), [(20, 30, 0.0), (20, 30, 8.0), (200, 500, 3.0), (9, 8, 20.0)])
def test_the_distance_is_scipys_and_the_probability_close_to_the_exact_one(seed, n, m, shift) -> None:
    random = np.random.default_rng(seed)
    first, second = random.normal(50, 10, n), random.normal(50 + shift, 10, m)
    reference = ks_2samp(first, second, method="exact")
    distance, p_value = ks_test(first, second)
    assert distance == pytest.approx(reference.statistic, abs=1e-12)
    assert p_value == pytest.approx(reference.pvalue, abs=0.04)
    assert abs(np.log10(p_value / reference.pvalue)) < 0.5 or reference.pvalue > 0.01 or p_value < 1e-4


def test_the_limiting_distribution_is_scipys() -> None:
    many = np.arange(1000.0)
    for shift in range(1, 150, 10):
        distance, p_value = ks_test(many, many + shift)
        root = 500**0.5
        assert p_value == pytest.approx(kstwobign.sf((root + 0.12 + 0.11 / root) * distance), abs=1e-9)


def test_ties_and_the_same_sample() -> None:
    values = np.array([1.0, 1, 1, 2, 2, 3])
    assert ks_test(values, values) == (0.0, 1.0)
    assert ks_test(values, values[:3])[0] == pytest.approx(0.5)


def test_what_became_of_each_photo() -> None:
    old = [row("a", 50.0), row("b", 50.0), row("c", 50.0), row("d", None), row("e", 50.0), row("gone", 1.0)]
    new = [row("a", 45.0), row("b", 44.9), row("c", None), row("d", 10.0), row("e", 55.1), row("new", 2.0)]
    comparison = since(new, old).comparison
    assert [(c.path, c.before, c.after) for c in comparison.regressions] == [("c", 50.0, None), ("b", 50.0, 44.9)]
    assert [(c.path, c.before, c.after) for c in comparison.improvements] == [("d", None, 10.0), ("e", 50.0, 55.1)]
    assert (comparison.added, comparison.removed) == (("new",), ("gone",))
    assert comparison.drift is None  # too few


def test_regressions_are_findings_of_their_photos() -> None:
    verdict = since([row("a", 40.0), row("b", None)], [row("a", 50.0), row("b", 50.0)])
    found = [(f.path, f.message, f.severity) for f in verdict.of("regression")]
    assert found == [
        ("b", "could not be scored, scored 50.00 in the baseline", Severity.WARNING),
        ("a", "scores 40.00, scored 50.00 in the baseline", Severity.WARNING),
    ]
    strict = Policy(checks={**CHECKS, "regression": Severity.ERROR}, baseline=BaselineTerms(max_drop=0))
    assert not since([row("a", 49.9)], [row("a", 50.0)], strict).passed
    assert since([row("a", 50.0)], [row("a", 50.0)], strict).passed


def test_only_new_failures_fail() -> None:
    policy = gates(fail_under=50, require_single_face=True)
    old = [row("a", 40.0), row("b", 60.0)]
    verdict = since([row("a", 30.0), row("b", 60.0)], old, policy)
    assert verdict.passed
    assert [(f.path, f.known) for f in verdict.findings] == [("a", True)]
    assert not since([row("a", 40.0), row("b", 49.0)], old, policy).passed
    assert not since([row("a", 40.0), row("b", 60.0), row("c", 10.0)], old, policy).passed
    assert not since([no_face("a", 40.0), row("b", 60.0)], old, policy).passed  # another rule than before


@pytest.mark.parametrize(("bad", "passes"), [(2, True), (1, True), (3, False)])
def test_a_share_that_was_too_large_must_not_grow(bad, passes) -> None:
    def photos(count):
        return [row(str(n), 10.0 if n < count else 90.0) for n in range(10)]

    assert since(photos(bad), photos(2), gates(max_bad_pct=5)).passed == passes


def test_sections_are_told_apart() -> None:
    policy = Policy(sections=(Section("x/*", Limits(max_errors=0)), Section("y/*", Limits(max_errors=0))))
    old = [row("s/x/1", None), row("s/y/1", 50.0)]
    assert not since([row("s/x/1", 50.0), row("s/y/1", None)], old, policy).passed
    assert since(old, old, policy).passed


def test_copies_that_were_there_are_known(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        (tmp_path / name).write_bytes(b"x")
    policy = Policy(Limits(max_duplicates=0), checks={**CHECKS, "duplicate": Severity.ERROR})
    assert since([row("a"), row("b")], [row("a"), row("b")], policy).passed
    assert not since([row("a"), row("b"), row("c")], [row("a"), row("b")], policy).passed
    assert not since([row("a"), row("b")], [row("a"), row("b", file_size=9)], policy).passed


def test_a_wrong_name_that_was_there_is_known(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"\xff\xd8\xff" + bytes(100))
    policy = Policy(checks={**CHECKS, "wrong-extension": Severity.ERROR})
    assert since([row("a.png")], [row("a.png")], policy).passed
    assert not since([row("a.png")], [row("b.png")], policy).passed


@pytest.mark.parametrize(
    ("bare_now", "others_now", "bare_then", "others_then", "marks"),
    [
        ("abc", "", "abc", "", [True]),
        ("abc", "d", "abc", "", [True] * 3),
        ("abc", "", "abc", "d", [True]),
        ("ab", "c", "abc", "", [True] * 2),
        ("abcd", "e", "abc", "", [True] * 3 + [False]),
        ("abcd", "", "abc", "", [False]),
        ("abc", "", "ab", "c", [False]),
        ("abd", "", "abc", "", [False]),
    ],
    ids=["same", "one added", "one removed", "one mended", "two added", "bare added", "one stripped", "exchanged"],
)
def test_photos_that_had_no_exif_are_known_alone_and_together(
    bare_now, others_now, bare_then, others_then, marks
) -> None:
    def photos(bare, others):
        return [*(row(name, camera=None, captured_at=None) for name in bare), *map(row, others)]

    policy = Policy(checks={**OFF, "missing-exif": Severity.ERROR})
    verdict = since(photos(bare_now, others_now), photos(bare_then, others_then), policy)
    assert [finding.known for finding in verdict.findings] == marks
    assert verdict.passed == all(marks)


def test_another_fault_in_the_exif_of_a_photo_is_new() -> None:
    policy = Policy(checks={**OFF, "inconsistent-exif": Severity.ERROR})
    old = [row("a", camera=None, captured_at="2020-01-01T00:00:00")]
    later = [row("a", camera=None, captured_at="2021-01-01T00:00:00")]
    assert [finding.known for finding in since(later, old, policy).findings] == [True]
    future = [row("a", camera=None, captured_at="2099-01-01T00:00:00")]
    found = [(finding.message, finding.known) for finding in since(future, old, policy).findings]
    assert found == [
        ("a capture time but no camera in EXIF", True),
        ("capture time 2099-01-01T00:00:00 is in the future", False),
    ]


@pytest.mark.parametrize(
    ("rule", "then", "now", "known"),
    [
        ("require_single_face", {"n_faces": 2}, {"n_faces": 3}, True),
        ("require_single_face", {"n_faces": 2}, {"n_faces": 0}, False),
        ("odd-size", {"width": 3000}, {"width": 3000}, True),
        ("odd-size", {"width": 3000}, {"width": 300}, False),
        ("odd-aspect-ratio", {"width": 9000}, {"width": 4500, "height": 1500}, True),
        ("odd-aspect-ratio", {"width": 9000}, {"width": 400}, False),
    ],
)
def test_a_photo_that_breaks_a_rule_in_another_way_is_new(rule, then, now, known) -> None:
    policy = gates(**{rule: True}) if "_" in rule else Policy(checks={**OFF, rule: Severity.ERROR})
    others = [row(f"{n}.jpg") for n in range(9)]
    (finding,) = since([*others, row("a", **now)], [*others, row("a", **then)], policy).findings
    assert (finding.path, finding.known) == ("a", known)


def spread(low: float, high: float, count: int = 60):
    return [row(f"{n:03}", float(score)) for n, score in enumerate(np.linspace(low, high, count))]


def test_drift() -> None:
    verdict = since(spread(10, 70), spread(30, 90))
    (finding,) = verdict.of("drift")
    assert finding.message == (
        "scores have drifted: median 60.0 then, 40.0 now, Kolmogorov-Smirnov D = 0.333, p = 0.0018"
    )
    assert since(spread(29, 89), spread(30, 90)).of("drift") == []


def test_a_certain_but_small_drift_is_none() -> None:
    old, new = spread(30, 90, 3000), spread(33, 93, 3000)
    assert since(new, old).of("drift") == []
    assert since(new, old, Policy(baseline=BaselineTerms(min_distance=0.01))).of("drift") != []


def test_what_two_tables_cannot_tell_is_no_silent_pass() -> None:
    old, new = [row(f"old/{n}", 90.0) for n in range(7)], [row(f"new/a{n}", 10.0, model=None) for n in range(9)]
    assert since(new, old, Policy(checks={**OFF, "regression": Severity.ERROR, "drift": Severity.ERROR})).skipped == {
        "regression": "no photo is in both tables",
        "drift": "one of the tables has fewer than 8 photos with a score",
    }
    assert since(new, old, Policy(checks={**OFF, "model-changed": Severity.ERROR})).skipped == {
        "model-changed": "one of the tables names no model"
    }
    both = spread(40, 60)
    assert since(both, both, Policy(checks={**OFF, "regression": Severity.NOTE, "drift": Severity.NOTE})).skipped == {}


def test_another_model_is_told() -> None:
    (finding,) = since([row("a", model="new@2")], [row("a")]).of("model-changed")
    assert finding.message == "scored by new@2, the baseline by test@0123: their scores are not the same measure"


def test_a_model_with_another_name_is_no_other_one() -> None:
    verdict = since([row("a", model="my run@0123")], [row("a", model="model@0123")])
    assert verdict.of("model-changed") == []


def test_an_older_baseline_with_few_columns() -> None:
    old = table(row("a", 40.0), row("b", 60.0)).select("path", "score", "status")
    policy = Policy(Limits(fail_under=50, min_face_px=300))
    verdict = judged(table(row("a", 40.0), row("b", 60.0)), policy, baseline=old, baseline_path=OLD)
    assert [(f.rule, f.known) for f in verdict.findings if f.severity is Severity.ERROR] == [
        ("fail-under", True),
        ("min-face-px", False),
        ("min-face-px", False),
    ]


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (["p/x/1", "p/x/2", "p/y/1"], ["/old/p/x/1", "/old/p/x/2"]),  # a folder was added
        (["/new/p/x/1", "/new/p/x/2"], ["p/x/1", "p/x/2", "p/y/1"]),  # a part of it is scored, elsewhere
        (["1", "2"], ["p/x/1", "p/x/2", "p/y/1"]),  # in the folder itself
        (["p/1", "p/x/1", "p/x/2"], ["/old/p/x/1", "/old/p/x/2"]),  # and 1 is not x/1
    ],
)
def test_a_part_of_a_set_is_known_below_another_root(now, then, tmp_path, monkeypatch) -> None:
    (tmp_path / "p" / "x").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "p" / "x" if now[0] == "1" else tmp_path)
    (first,) = (path for path in now if path.endswith("x/1") or path == "1")
    second = first.removesuffix("1") + "2"
    assert match(now, then) == {first: then[0], second: then[1]}


def test_photos_are_the_same_below_another_root() -> None:
    assert match(["./p/a", "p/b"], ["p/a", "p/c"]) == {"./p/a": "p/a"}
    assert match(["/new/p/x/1", "/new/p/y/1"], ["old/x/1", "old/y/2"]) == {"/new/p/x/1": "old/x/1"}
    assert match([], ["a"]) == match(["a"], []) == {}
    assert match(["/abs/1", "rel/1"], ["x"]) == {}


@pytest.mark.parametrize("root", ["", "D:\\set\\", "\\\\server\\share\\"])
def test_a_baseline_of_windows(root) -> None:
    policy = Policy(Limits(fail_under=50), (Section("b/*", Limits(fail_under=10)),), checks=OFF)
    old = [row(f"{root}photos\\a\\1", 40.0), row(f"{root}photos\\b\\2", 20.0), row(f"{root}photos\\b\\gone", 60.0)]
    verdict = since([row("photos/a/1", 40.0), row("photos/b/2", 5.0)], old, policy)
    assert {(finding.path, finding.known) for finding in verdict.findings} == {
        ("photos/a/1", True),
        ("photos/b/2", False),
    }
    assert verdict.comparison.removed == (f"{root}photos/b/gone".replace("\\", "/"),)


@pytest.mark.parametrize("name", ["a\\b", "caf\\xe9"])
def test_backslashes_in_names(name) -> None:
    """A byte that is no UTF-8, and one that a name has here."""
    assert since([row(name, 40.0)], [row(name, 40.0)], gates(fail_under=50)).passed
    assert since([row(f"/new/{name}", 40.0)], [row(name, 40.0)], gates(fail_under=50)).passed is ("x" in name)


def test_photos_that_match_nowhere_are_not_read_again_for_every_folder_above(monkeypatch) -> None:
    """With 100,000 of them that took 11 seconds."""
    calls = []
    monkeypatch.setattr(baseline, "below_root", lambda *args: calls.append(args) or below_root(*args))
    assert match(["/a/b/c/d/e/f/x/1", "/a/b/c/d/e/f/2"], ["/g/h/i/j/k/l/y/1", "/g/h/i/j/k/l/3"]) == {}
    assert len(calls) == 2


def test_a_folder_that_differed_is_known_below_another_root() -> None:
    """A photo beside the folders, and they are called otherwise: `a` becomes `train/a`."""
    old = [row(f"data/train/{name}/{n}.jpg", score + n) for name, score in (("a", 40), ("b", 70)) for n in range(8)]
    policy = Policy(checks={**OFF, "folder-bias": Severity.ERROR})
    verdict = since([*old, row("data/new.jpg")], old, policy)
    assert {(finding.part, finding.known) for finding in verdict.findings} == {("train/a", True), ("train/b", True)}
    worse = [row(item["path"], item["score"] - 5 * ("/a/" in item["path"])) for item in old]
    assert not since([*worse, row("data/new.jpg")], old, policy).passed
