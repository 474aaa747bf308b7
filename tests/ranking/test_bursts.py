from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from piqa_cli.ranking.bursts import find_bursts
from piqa_cli.ranking.sequence import sequences
from piqa_cli.records import PhotoScore
from piqa_cli.scoring.embedding import to_bytes
from tests.ranking.made_scores import alike, photo


def bursts(photos: list[PhotoScore], gap: float = 2.0, least: float | None = None) -> list[list[str]]:
    """Names of each burst, in order."""
    similarity = alike(photos)
    return [
        [shot.score.path.name for shot in burst]
        for shots in sequences(photos)
        for burst in find_bursts(shots, gap_s=gap, similarity=similarity, least=least)
    ]


def test_a_pause_ends_a_burst() -> None:
    photos = [photo("a", at=0), photo("b", at=0.2), photo("c", at=2.2), photo("d", at=4.3)]
    assert bursts(photos) == [["a", "b", "c"], ["d"]]
    assert bursts(photos, gap=0.5) == [["a", "b"], ["c"], ["d"]]
    assert bursts(photos, gap=60) == [["a", "b", "c", "d"]]


def test_fractions_of_a_second_order_a_burst_against_the_names() -> None:
    assert bursts([photo("a", at=0.9), photo("b", at=0.1), photo("c", at=0.5)]) == [["b", "c", "a"]]


def test_names_as_cameras_count_order_photos_of_one_second() -> None:
    assert bursts([photo("IMG_10"), photo("IMG_9"), photo("IMG_100")]) == [["IMG_9", "IMG_10", "IMG_100"]]
    same = [photo(name, at=0) for name in ("IMG_10", "IMG_9", "IMG_100")]
    assert bursts(same) == [["IMG_9", "IMG_10", "IMG_100"]]


def test_a_long_exposure_is_no_pause() -> None:
    photos = [photo("a", at=0, shutter_s=30.0), photo("b", at=31, shutter_s=30.0), photo("c", at=62)]
    assert bursts(photos) == [["a", "b", "c"]]


def test_two_cameras_at_one_event_do_not_cut_each_others_bursts() -> None:
    photos = [
        photo(f"{camera}{n}", at=n * 0.3, camera=camera, subject=i) for n in range(3) for i, camera in enumerate("AB")
    ]
    assert bursts(photos) == [["A0", "A1", "A2"], ["B0", "B1", "B2"]]


def test_offsets_from_utc_are_honoured() -> None:
    local = timezone(timedelta(hours=2))
    photos = [
        photo("a", taken=datetime(2024, 6, 1, 12, 0, 0, tzinfo=UTC)),
        photo("b", taken=datetime(2024, 6, 1, 14, 0, 1, tzinfo=local)),
        photo("c", taken=datetime(2024, 6, 1, 12, 0, 0, tzinfo=local)),
    ]
    assert bursts(photos) == [["c"], ["a", "b"]]


def test_times_without_an_offset_are_taken_to_be_of_the_same_place() -> None:
    local = timezone(timedelta(hours=9))
    photos = [
        photo("a", taken=datetime(2024, 6, 1, 12, 0, 0, tzinfo=local)),
        photo("b", taken=datetime(2024, 6, 1, 12, 0, 1)),
    ]
    assert bursts(photos) == [["a", "b"]]


def test_another_subject_ends_a_burst() -> None:
    assert bursts([photo("a", at=0), photo("b", at=0.5, subject=1), photo("c", at=1, subject=1)]) == [["a"], ["b", "c"]]


def test_the_threshold_can_be_given() -> None:
    photos = [photo("a", at=0), photo("b", at=0.5, change=0.3)]
    assert bursts(photos) == [["a", "b"]]
    assert bursts(photos, least=0.8) == [["a"], ["b"]]
    assert bursts([photo("a", at=0), photo("b", at=1, subject=1)], least=-1.0) == [["a", "b"]]


@pytest.mark.parametrize("way", [1.0, -1.0], ids=["the same", "opposite"])
def test_cosines_at_the_ends_of_the_range_are_reached(way) -> None:
    vectors = np.random.default_rng(0).normal(size=(20, 512))  # in half precision no length is just 1
    for vector in vectors:
        first, second = (to_bytes((sign * vector).tolist()) for sign in (1.0, way))
        pair = [replace(photo("a", at=0), embedding=first), replace(photo("b", at=1), embedding=second)]
        assert bursts(pair, least=way) == [["a", "b"]]


def test_time_alone_tells_nothing_of_photos_without_a_time() -> None:
    assert bursts([photo("a"), photo("b"), photo("c", subject=1)], least=-1.0) == [["a"], ["b"], ["c"]]


def test_likeness_to_one_of_the_last_frames_is_enough() -> None:
    """The cosines are .71 and .87 with the first, .26 between the others."""
    photos = [photo("a", at=0, change=0.134), photo("b", at=0.3, change=0.741), photo("c", at=0.6)]
    assert bursts(photos) == [["a", "b", "c"]]


def test_one_blurred_frame_does_not_cut_a_burst_in_two() -> None:
    photos = [photo("a", at=0), photo("b", at=0.3, change=0.35), photo("c", at=0.6, change=0.02)]
    similarity = alike(photos)
    assert similarity is not None
    assert (similarity.between(1, 2) or 0) > 0.6  # the blurred frame is still of the burst
    assert bursts(photos) == [["a", "b", "c"]]
    photos[1] = photo("b", at=0.3, change=0.5)  # so shaken that it is like no other frame, between two that are alike
    assert bursts(photos) == [["a", "b", "c"]]
    photos[1] = photo("b", at=0.3, subject=5)
    assert bursts(photos) == [["a"], ["b"], ["c"]]  # another subject is not a blurred frame


def test_only_what_lies_between_frames_that_are_alike_comes_along() -> None:
    good, shaken = [photo("a", at=0), photo("z", at=1)], [photo(f"b{n}", at=0.1 + n / 10, change=0.5) for n in range(4)]
    assert bursts([good[0], *shaken[:1]]) == [["a"], ["b0"]]
    assert bursts([*shaken[:1], good[1]]) == [["b0"], ["z"]]
    assert bursts([good[0], *shaken[:3], good[1]]) == [["a", "b0", "b1", "b2", "z"]]
    assert bursts([good[0], *shaken, good[1]]) == [["a"], ["b0", "b1", "b2", "b3"], ["z"]]  # too far back
    assert bursts([good[0], *shaken[:1], photo("z", at=9)]) == [["a"], ["b0"], ["z"]]  # the camera rested
    assert bursts([good[0], *shaken[:1], good[1]], least=0.8) == [["a"], ["b0"], ["z"]]  # more is asked for


def test_a_ruined_frame_stays_with_its_moment_whatever_it_looks_like() -> None:
    def ruined(name: str, at: float | None = None) -> PhotoScore:
        return photo(name, 6.0, at, subject=7)

    good, other = photo("g", at=1), photo("o", at=1.4, subject=1)
    assert bursts([good, ruined("x", 1.5)]) == [["g", "x"]]
    assert bursts([ruined("x", 0.5), good]) == [["x", "g"]]
    assert bursts([ruined("x", 0.1), ruined("y", 0.5), good, ruined("z", 2)]) == [["x", "y", "g", "z"]]
    assert bursts([good, ruined("x", 1.2), other]) == [["g", "x"], ["o"]]  # it holds no two things together
    shaken, dark = photo("s", at=1.2, change=0.5), photo("x", 6.0, at=1.4)  # the dark frame is like the good one
    assert bursts([good, shaken, dark]) == [["g", "s", "x"]]
    assert bursts([good, ruined("x", 4)]) == [["g"], ["x"]]  # the camera rested
    assert bursts([photo("a1"), ruined("a2"), photo("a3", subject=1)]) == [["a1"], ["a2"], ["a3"]]  # no times


def test_photos_without_times_do_not_bring_others_along() -> None:
    assert bursts([photo("a1"), photo("a2", change=0.45), photo("a3")]) == [["a1"], ["a2"], ["a3"]]


def test_without_embeddings_time_alone_tells() -> None:
    photos = [photo("a", at=0, subject=None), photo("b", at=1, subject=None), photo("c", at=9, subject=None)]
    assert bursts(photos) == [["a", "b"], ["c"]]


def test_without_times_likeness_alone_tells_and_is_asked_more_of() -> None:
    photos = [photo("a1"), photo("a2", change=0.1), photo("a3", subject=1), photo("a4", subject=1, change=0.3)]
    assert bursts(photos) == [["a1", "a2"], ["a3"], ["a4"]]
    assert bursts([photo("a1", subject=None), photo("a2", subject=None)]) == [["a1"], ["a2"]]
    assert bursts([photo("a1", subject=None), photo("a2", subject=None)], least=-1.0) == [["a1"], ["a2"]]


@pytest.mark.parametrize("names", [("Ann", "Bob"), ("pupil 3", "pupil 40")])
def test_without_times_names_that_do_not_count_on_are_a_burst_only_where_nearly_the_same(names) -> None:
    assert bursts([photo(names[0]), photo(names[1], change=0.15)]) == [[names[0]], [names[1]]]
    assert bursts([photo(names[0]), photo(names[1], change=0.05)]) == [list(names)]
    assert bursts([photo("pupil 3"), photo("pupil 6", change=0.15)]) == [["pupil 3", "pupil 6"]]
    assert bursts([photo(names[0], at=0), photo(names[1], at=1, change=0.15)]) == [list(names)]


def series(*subjects: int, change: float = 0.6) -> list[PhotoScore]:
    """Photos without times, of subjects whose photos are much alike: a cosine of .84."""
    return [photo(f"{n:02}", subject=subject, change=change) for n, subject in enumerate(subjects)]


def test_in_a_series_without_times_different_people_are_no_burst() -> None:
    assert bursts(series(0, 1)) == [["00", "01"]]  # two photos do not make a series
    assert bursts(series(*range(12))) == [[f"{n:02}"] for n in range(12)]
    twice = series(0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10)
    assert [burst for burst in bursts(twice) if len(burst) > 1] == [["03", "04"]]
    assert bursts(series(*range(12)), least=0.8) == [[f"{n:02}" for n in range(12)]]  # as it was asked for


@pytest.mark.parametrize("count", range(4, 12))
def test_a_few_different_people_without_times_are_no_burst(count: int) -> None:
    assert bursts(series(*range(count))) == [[f"{n:02}"] for n in range(count)]


def test_a_few_frames_without_times_are_a_burst_beside_something_else() -> None:
    for others in ([1], [1, 2], [1, 1, 1]):
        frames = [photo(f"a{n}", change=0.3 * (n == 2)) for n in range(4)]
        rest = [photo(f"b{n}", subject=subject) for n, subject in enumerate(others)]
        assert bursts([*frames[:3], *rest])[0] == ["a0", "a1"]
        frames[2] = photo("a2", change=0.15)
        assert bursts([*frames[:3], *rest])[0] == ["a0", "a1", "a2"]


def test_a_shaken_frame_in_a_series_stays_with_the_ones_around_it() -> None:
    photos = series(0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9)
    photos[4] = photo("04", subject=3, change=0.8)  # .90 like the frames around it
    assert [burst for burst in bursts(photos) if len(burst) > 1] == [["03", "04", "05"]]


def test_a_series_goes_by_what_is_near() -> None:
    others = [photo(f"a{n:02}", subject=20 + n) for n in range(30)]
    others[11] = photo("a11", subject=30, change=0.15)  # .85 like a10
    assert [burst for burst in bursts([*others, *series(*range(20))]) if len(burst) > 1] == [["a10", "a11"]]


def test_a_long_burst_without_times_is_no_series() -> None:
    photos = series(*[0] * 15, *[1] * 15)
    assert bursts(photos) == [[f"{n:02}" for n in range(15)], [f"{n:02}" for n in range(15, 30)]]


def test_photos_without_times_of_two_folders_are_no_neighbours() -> None:
    assert bursts([photo("x/a1"), photo("y/a2")]) == [["a1"], ["a2"]]


@pytest.mark.parametrize("apart", [{1}, {0}, {2}])
def test_what_is_kept_apart_ends_the_burst(apart: set[int]) -> None:
    photos = [photo(name, at=0.1 * n) for n, name in enumerate("abc")]
    [shots] = sequences(photos)
    found = [[s.index for s in burst] for burst in find_bursts(shots, gap_s=2, similarity=None, apart=apart)]
    assert found == {1: [[0], [2]], 0: [[1, 2]], 2: [[0, 1]]}[next(iter(apart))]
