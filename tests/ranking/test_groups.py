from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piqa_cli.ranking.groups import make_groups
from piqa_cli.ranking.options import By, GroupOptions
from piqa_cli.ranking.similarity import Similarity
from piqa_cli.records import PhotoScore
from piqa_cli.scoring.embedding import to_bytes, to_matrix
from tests.ranking.made_scores import alike, blind, photo


def groups(photos: list[PhotoScore], *by: By, duplicates: bool = False) -> dict[str, list[str]]:
    """Name, or place in brackets where there is none -> file names."""
    found = make_groups(photos, GroupOptions(by or (By.BURST,), duplicates=duplicates), alike(photos), blind)
    return {
        f"{group.name or f'({group.place})'}{n if group.name is None else ''}": [
            photos[i].path.name for i in group.members
        ]
        for n, group in enumerate(found)
    }


def test_bursts_are_numbered_in_the_order_taken() -> None:
    photos = [photo("d", at=100), photo("c", at=99), photo("a", at=0), photo("b", at=1), photo("e", at=50)]
    assert groups(photos) == {"burst-001": ["a", "b"], "(singles)1": ["e"], "burst-002": ["c", "d"]}


def test_folders_are_named_from_the_one_that_holds_them_all() -> None:
    photos = [photo("/p/shoot/a"), photo("/p/shoot/sub/b"), photo("/p/shoot/sub/deep/c")]
    assert groups(photos, By.FOLDER) == {"shoot": ["a"], "shoot/sub": ["b"], "shoot/sub/deep": ["c"]}
    assert groups([photo("/a"), photo("/b")], By.FOLDER) == {"photos": ["a", "b"]}


def test_days_are_those_of_the_cameras_clock() -> None:
    tokyo = timezone(timedelta(hours=9))
    photos = [
        photo("a", taken=datetime(2024, 6, 1, 23, 59, tzinfo=UTC)),
        photo("b", taken=datetime(2024, 6, 2, 8, 59, tzinfo=tokyo)),
        photo("c"),
    ]
    assert groups(photos, By.DAY) == {"2024-06-02": ["b"], "2024-06-01": ["a"], "undated": ["c"]}


def test_keys_cut_finer_together() -> None:
    photos = [photo("/p/x/a", at=0), photo("/p/x/b", at=1), photo("/p/y/c", at=1.5), photo("/p/y/d", at=90)]
    assert groups(photos, By.BURST, By.FOLDER) == {
        "p/x/burst-001": ["a", "b"],
        "(p/y/singles)1": ["c"],
        "(p/y/singles)2": ["d"],
    }
    assert groups(photos, By.FOLDER, By.DAY) == {"p/x/2024-06-01": ["a", "b"], "p/y/2024-06-01": ["c", "d"]}


def test_none_is_one_group_without_a_name() -> None:
    assert groups([photo("a", at=0), photo("b", at=90)], By.NONE) == {"()0": ["a", "b"]}


@pytest.mark.parametrize(("change", "twice"), [(0.05, True), (0.09, False)])
def test_people_in_one_pose_and_light_are_no_near_duplicates(change, twice) -> None:
    found = groups([photo("a", at=0), photo("b", at=900, change=change)], duplicates=True)
    assert ("duplicates-001" in found) == twice


def test_near_duplicates_join_across_time() -> None:
    photos = [photo("a", at=0), photo("b", at=1), photo("c", at=900, change=0.05), photo("d", at=950, subject=1)]
    assert groups(photos, duplicates=True) == {"duplicates-001": ["a", "b", "c"], "(singles)1": ["d"]}
    assert groups(photos, By.NONE, duplicates=True) == {"duplicates-001": ["a", "b", "c"], "(singles)1": ["d"]}
    assert "burst-001" in groups(photos)


@pytest.mark.parametrize("by", [(By.BURST,), (By.FOLDER,), (By.DAY,), (By.NONE,)], ids=str)
def test_a_bracket_is_one_unit_whatever_makes_a_group(by: tuple[By, ...]) -> None:
    photos = [
        photo(name, at=n * 0.3, exposure_bias=bias)
        for n, (name, bias) in enumerate(zip("abcd", (0, 0, -1, 1), strict=True))
    ]
    found = make_groups(photos, GroupOptions(by), alike(photos), blind)
    units = {unit.members: unit.kind for group in found for unit in group.units}
    assert units == {(0,): None, (1, 2, 3): "bracket"}


def test_a_bracket_over_two_folders_stays_whole() -> None:
    photos = [
        photo(f"/p/{f}/{n}", at=n * 0.3, exposure_bias=b) for n, (f, b) in enumerate((("x", 0), ("x", -1), ("y", 1)))
    ]
    assert groups(photos, By.FOLDER) == {"p/x": ["0", "1", "2"]}


shoots = st.lists(
    st.tuples(
        st.sampled_from(["p/x", "p/y", "q"]),
        st.one_of(st.none(), st.integers(0, 60)),
        st.integers(0, 3),
        st.sampled_from([None, 0.0, -1.0, 1.0]),
        st.sampled_from(["A", "B"]),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(shoots, st.sets(st.sampled_from([By.BURST, By.FOLDER, By.DAY]), min_size=1), st.booleans())
def test_every_photo_is_in_exactly_one_group_and_names_are_unique(shoot, by, duplicates) -> None:
    photos = [
        photo(f"/{folder}/{n:02}", at=at, subject=subject, exposure_bias=bias, camera=camera)
        for n, (folder, at, subject, bias, camera) in enumerate(shoot)
    ]
    options = GroupOptions(tuple(by), duplicates=duplicates)
    found = make_groups(photos, options, alike(photos), blind)
    assert sorted(i for group in found for i in group.members) == list(range(len(photos)))
    names = [group.name for group in found if group.name]
    assert len(names) == len(set(names))
    again = make_groups(photos, options, alike(photos), blind)
    assert again == found


def test_clusters_are_the_linked_components() -> None:
    rng = np.random.default_rng(5)
    vectors = np.repeat(rng.standard_normal((40, 16)), 30, axis=0) + 0.6 * rng.standard_normal((1200, 16))
    photos = [photo(str(n)) for n in range(1200)]
    embeddings = [to_bytes(vector.tolist()) for vector in vectors]
    matrix = to_matrix(embeddings)
    assert matrix is not None
    found = Similarity(matrix, np.ones(len(photos), dtype=bool)).clusters(range(1200), 0.8)
    cosines = matrix.astype(np.float32) @ matrix.astype(np.float32).T
    label = np.arange(1200)
    for _ in range(1200):
        smallest = np.where(cosines >= 0.8, label, 1200).min(axis=1)
        if (smallest == label).all():
            break
        label = smallest
    expected = [np.flatnonzero(label == value).tolist() for value in np.unique(label) if (label == value).sum() > 1]
    assert len(expected) > 5
    assert sorted(found) == expected


def test_embeddings_of_two_models_are_not_compared() -> None:
    from dataclasses import replace

    photos = [photo("a"), replace(photo("b"), model="other@1")]
    assert Similarity.of(photos) is None
    assert Similarity.of([]) is None
    some = Similarity.of([photo("a"), photo("b", subject=None)])
    assert some is not None
    assert some.between(0, 1) is None
