from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piqa_cli.ranking.options import By, Choice, GroupOptions, Top
from piqa_cli.ranking.ranked import RankedPhoto, rank_shoot
from piqa_cli.records import PhotoScore
from tests.ranking.made_scores import blind, photo


def ranked(photos: list[PhotoScore], choice: Choice, by: By = By.BURST, cuts=None) -> list[RankedPhoto]:
    return rank_shoot(photos, GroupOptions((by,)), choice, cuts, blind)


def picks(photos: list[PhotoScore], choice: Choice, by: By = By.BURST) -> str:
    return "".join(p.score.path.name for p in ranked(photos, choice, by) if p.decision == "pick")


def decisions(photos: list[PhotoScore], choice: Choice) -> dict[str, str]:
    return {p.score.path.name: p.decision for p in ranked(photos, choice)}


SHOOT = [  # a burst abc, a burst de, f and g alone
    photo("a", 90, at=0),
    photo("b", 80, at=1),
    photo("c", 30, at=2),
    photo("d", 70, at=20),
    photo("e", 60, at=21),
    photo("f", 50, at=40),
    photo("g", 10, at=60),
]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(), ""),
        (Choice(top=Top(count=3)), "abd"),
        (Choice(top=Top(count=99)), "abdefcg"),
        (Choice(top=Top(share=0.2)), "a"),
        (Choice(top=Top(share=1.0)), "abdefcg"),
        (Choice(top=Top(share=0.001)), "a"),
        (Choice(per_group=1), "adfg"),
        (Choice(per_group=2), "abdefg"),
        (Choice(min_score=60), "abde"),
        (Choice(max_photos=2), "ab"),
        (Choice(per_group=1, max_photos=2), "ad"),
        (Choice(per_group=1, top=Top(count=3)), "ad"),
        (Choice(per_group=1, min_score=50), "adf"),
        (Choice(per_group=1, top=Top(share=0.9), min_score=20, max_photos=2), "ad"),
        (Choice(per_group=1, reject_below=20), "adf"),
    ],
    ids=str,
)
def test_a_pick_meets_every_condition(choice: Choice, expected: str) -> None:
    assert picks(SHOOT, choice) == expected


def test_nothing_is_rejected_unless_asked_for() -> None:
    assert set(decisions(SHOOT, Choice(top=Top(count=1))).values()) == {"pick", "keep"}
    found = decisions(SHOOT, Choice(top=Top(count=1), reject_below=50))
    assert found == {"a": "pick", "b": "keep", "d": "keep", "e": "keep", "f": "keep", "c": "reject", "g": "reject"}


def test_reasons_say_what_decided() -> None:
    choice = Choice(per_group=1, top=Top(share=0.5), min_score=40, max_photos=1, reject_below=20)
    reasons = {p.score.path.name: p.decision_reason for p in ranked(SHOOT, choice)}
    assert reasons == {
        "a": "best of 3 in burst-001",
        "b": "number 2 of 3 in burst-001, beyond --per-group 1",
        "c": "number 3 of 3 in burst-001, scores below --min-score 40",
        "d": "best of 2 in burst-002, beyond --max-photos 1",
        "e": "number 2 of 2 in burst-002, beyond --per-group 1",
        "f": "rank 5 is beyond --top 50%",
        "g": "scores below --reject-below 20",
    }


def test_ties_are_settled_by_path_whatever_the_order_of_the_input() -> None:
    photos = [photo(name, 50, at=10 * n) for n, name in enumerate("dacb")]
    assert picks(photos, Choice(top=Top(count=2))) == "ab"
    assert picks(photos[::-1], Choice(top=Top(count=2))) == "ab"
    assert [p.percentile for p in ranked(photos, Choice())] == [50.0] * 4


def test_equals_of_a_burst_stand_in_the_order_of_their_paths() -> None:
    shoot = [photo("b", 50, at=0), photo("a", 50, at=1)]
    assert picks(shoot, Choice(per_group=1)) == "a"


def test_limits_and_cuts_compare_the_score_that_the_table_shows() -> None:
    shoot = [photo("a", 59.996, at=0), photo("b", 59.994, at=20)]  # 60.0 and 59.99
    assert picks(shoot, Choice(min_score=60)) == "a"
    assert decisions(shoot, Choice(reject_below=60)) == {"a": "keep", "b": "reject"}
    assert [p.stars for p in ranked(shoot, Choice(), cuts=(20.0, 40.0, 60.0, 80.0))] == [4, 3]
    burst = [eyed("a", 80, "closed", at=0), eyed("b", 59.996, "open", at=1)]
    assert picks(burst, Choice(per_group=1, min_score=60)) == "b"


def test_a_photo_without_a_score_is_left_alone() -> None:
    shoot = [photo("a", 50, at=0), photo("x", None, at=1)]
    last = ranked(shoot, Choice(top=Top(share=1.0), reject_below=20))[-1]
    assert (last.decision, last.decision_reason, last.rank, last.stars) == ("keep", "no score: truncated", None, None)
    assert (last.rank_in_group, last.best_of_group, last.percentile) == (None, False, None)


def bracket(at: float, *values: float | None) -> list[PhotoScore]:
    return [
        photo(f"bracket{at:g}-{n}", value, at=at + 0.3 * n, exposure_bias=bias)
        for n, (value, bias) in enumerate(zip(values, (0.0, -2.0, 2.0), strict=True))
    ]


def test_a_set_goes_by_its_best_photo_and_is_never_split() -> None:
    shoot = [photo("a", 90, at=0), *bracket(10, 80, 5, 3), photo("z", 1, at=20)]
    found = ranked(shoot, Choice(per_group=1, min_score=50, reject_below=20))
    assert [(p.score.path.name, p.decision) for p in found] == [
        ("a", "pick"),
        ("bracket10-0", "pick"),
        ("bracket10-1", "pick"),
        ("bracket10-2", "pick"),
        ("z", "reject"),
    ]
    assert {p.kept_whole for p in found[1:4]} == {"bracket"}
    assert [p.stars for p in found] == [5, 4, 4, 4, -1]  # a set: those of its best
    assert found[2].decision_reason == "exposure bracket of 3, kept whole; rank 2"


def test_a_photo_of_a_set_that_could_not_be_read_gets_no_stars() -> None:
    shoot = [photo("a", 90, at=0), *bracket(10, 80, None, 3), photo("z", 1, at=20)]
    found = {p.score.path.name: (p.stars, p.decision) for p in ranked(shoot, Choice(per_group=1, min_score=50))}
    assert found["bracket10-0"] == found["bracket10-2"] == (3, "pick")
    assert found["bracket10-1"] == (None, "pick")


def test_a_set_is_never_rejected_and_counts_in_full() -> None:
    shoot = [*bracket(10, 9, 5, 3), photo("z", 8, at=40), photo("y", 7, at=60)]
    assert set(decisions(shoot, Choice(reject_below=20)).values()) == {"keep", "reject"}
    assert {d for n, d in decisions(shoot, Choice(reject_below=20)).items() if n.startswith("bracket")} == {"keep"}
    assert picks(shoot, Choice(max_photos=2)) == "zy"  # the set of three does not fit, what follows does
    assert picks(shoot, Choice(max_photos=4)).count("bracket") == 3


@pytest.mark.parametrize(
    ("cuts", "expected"),
    [(None, [5, 5, 4, 4, 3, 3, 3, 3, 2, 2, 1]), ((40.0, 55.0, 70.0, 85.0), [5, 5, 4, 4, 3, 2, 2, 1, 1, 1, 1])],
    ids=["by percentile", "by score"],
)
def test_stars(cuts, expected) -> None:
    shoot = [photo(f"{n:02}", value, at=20 * n) for n, value in enumerate((100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 0))]
    assert [p.stars for p in ranked(shoot, Choice(), cuts=cuts)] == expected
    rejected = ranked(shoot, Choice(reject_below=15), cuts=cuts)
    assert [p.stars for p in rejected] == [*expected[:-2], -1, -1]


def test_a_single_photo_is_the_best_there_is() -> None:
    [only] = ranked([photo("a", 12, at=0)], Choice(top=Top(share=0.2)))
    assert (only.percentile, only.stars, only.decision, only.rank, only.rank_in_group) == (100.0, 5, "pick", 1, 1)


def eyed(name: str, score: float, eyes: str | None, at: float, **more) -> PhotoScore:
    return replace(photo(name, score, at=at, **more), eyes=eyes)


@pytest.mark.parametrize(
    ("first", "second", "best"),
    [
        (("a", 90, "closed"), ("b", 70, "open"), "b"),
        (("a", 90, "closed"), ("b", 59, "open"), "a"),  # a spoilt frame is no gain
        (("a", 90, "closed"), ("b", 70, "unknown"), "b"),
        (("a", 90, "closed"), ("b", 70, None), "b"),
        (("a", 90, "closed"), ("b", 70, "closed"), "a"),
        (("a", 90, "unknown"), ("b", 70, "open"), "a"),
        (("a", 90, "open"), ("b", 70, "closed"), "a"),
    ],
)
def test_open_eyes_are_ahead_within_a_burst(first, second, best) -> None:
    shoot = [eyed(*first, at=0), eyed(*second, at=1)]
    assert picks(shoot, Choice(per_group=1)) == best
    found = {p.score.path.name: p for p in ranked(shoot, Choice(per_group=1))}
    assert found[best].best_of_group
    assert {p.rank_in_group for p in found.values()} == {1, 2}
    assert found["a"].rank == 1  # the order of the shoot is that of the scores, closed or not


@pytest.mark.parametrize("choice", [Choice(per_group=1, reject_below=20), Choice(per_group=1, min_score=20)])
def test_open_eyes_of_no_use_leave_the_burst_its_pick(choice: Choice) -> None:
    shoot = [eyed("a", 40, "closed", at=0), eyed("b", 15, "open", at=1), eyed("c", 10, "open", at=2)]
    found = {p.score.path.name: p for p in ranked(shoot, choice)}
    assert [found[name].decision == "pick" for name in "abc"] == [True, False, False]
    assert [found[name].rank_in_group for name in "abc"] == [1, 2, 3]


def test_the_reason_names_the_eyes() -> None:
    shoot = [eyed("a", 90, "closed", at=0), eyed("b", 70, "open", at=1), eyed("c", 65, "open", at=2)]
    reasons = {p.score.path.name: p.decision_reason for p in ranked(shoot, Choice(per_group=1))}
    assert reasons == {
        "a": "number 3 of 3 in burst-001, eyes closed, beyond --per-group 1",
        "b": "best of 3 in burst-001",
        "c": "number 2 of 3 in burst-001, beyond --per-group 1",
    }


def test_eyes_do_not_count_between_different_pictures() -> None:
    shoot = [eyed("a", 90, "closed", at=0, subject=0), eyed("b", 80, "open", at=600, subject=1)]
    assert picks(shoot, Choice(top=Top(count=1))) == "a"
    assert picks(shoot, Choice(per_group=1), by=By.FOLDER) == "a"


values = st.one_of(st.none(), st.integers(0, 20).map(lambda n: n * 5.0))
shots = st.lists(
    st.tuples(values, st.integers(0, 30), st.integers(0, 2), st.sampled_from([None, 0.0, -1.0, 1.0])), max_size=20
)
choices = st.builds(
    Choice,
    top=st.one_of(st.none(), st.builds(Top, count=st.integers(1, 12)), st.builds(Top, share=st.floats(0.01, 1))),
    per_group=st.one_of(st.none(), st.integers(1, 3)),
    min_score=st.one_of(st.none(), st.floats(0, 100)),
    max_photos=st.one_of(st.none(), st.integers(1, 10)),
    reject_below=st.one_of(st.none(), st.floats(0, 100)),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(shots, choices, st.randoms(use_true_random=False))
def test_what_always_holds(shoot, choice, random) -> None:
    photos = [
        photo(f"{n:02}", value, at=at, subject=subject, exposure_bias=bias)
        for n, (value, at, subject, bias) in enumerate(shoot)
    ]
    found = ranked(photos, choice)
    assert sorted(p.score.path.name for p in found) == [p.path.name for p in photos]
    shuffled = random.sample(photos, len(photos))
    plain = [replace(p, group_number=0) for p in found]
    assert [replace(p, group_number=0) for p in ranked(shuffled, choice)] == plain
    chosen = [p for p in found if p.decision == "pick"]
    assert choice.picks or not chosen
    if choice.max_photos is not None:
        assert len(chosen) <= choice.max_photos
    for p in found:
        assert p.decision_reason
        assert (p.decision == "reject") == (p.stars == -1)
        if p.decision == "reject":
            assert choice.reject_below is not None
            assert p.kept_whole is None
            assert p.score.score is not None
            assert p.score.score < choice.reject_below
    whole: dict[str, set[str]] = {}
    for p in found:
        if p.kept_whole and p.score.score is not None and p.group:
            whole.setdefault(p.group, set()).add(p.decision)
    assert all(len(kinds) == 1 for kinds in whole.values())
    assert [p.rank for p in found if p.rank] == list(range(1, sum(p.rank is not None for p in found) + 1))
