import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piqa_cli.faces.geometry import described, is_cut, pose, roll, turn
from piqa_cli.records import Face

FRONTAL = ((30.0, 50.0), (70.0, 50.0), (50.0, 70.0), (35.0, 90.0), (65.0, 90.0))


def turned(points, degrees, about=(50.0, 50.0)):
    """Clockwise in a picture whose y axis points down."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    moved = [(x - about[0], y - about[1]) for x, y in points]
    return tuple((about[0] + x * cos - y * sin, about[1] + x * sin + y * cos) for x, y in moved)


@pytest.mark.parametrize("degrees", [-170, -90, -12.5, 0, 30, 90, 179])
def test_roll_is_positive_clockwise(degrees):
    assert roll(turned(FRONTAL, degrees)) == pytest.approx(degrees)


def test_a_head_tilted_clockwise_has_its_right_eye_lower():
    assert roll(((30.0, 50.0), (70.0, 60.0))) > 0


@pytest.mark.parametrize(
    ("along", "expected"),
    [(0.5, "frontal"), (1.09, "frontal"), (1.11, "profile"), (-0.09, "frontal"), (-0.25, "profile")],
)
@pytest.mark.parametrize("degrees", [0, 40, -95])
def test_the_nose_tells_the_turn(along, expected, degrees):
    points = turned((*FRONTAL[:2], (30 + 40 * along, 70.0)), degrees)
    assert turn(points) == pytest.approx(along)
    assert pose(points) == expected


@pytest.mark.parametrize(
    "landmarks",
    [(), FRONTAL[:1], ((5.0, 5.0),) * 5, ((math.nan, 1.0), *FRONTAL[1:])],
    ids=["none", "one eye", "one point", "not a number"],
)
def test_without_eyes_nothing_is_told(landmarks):
    face = described(Face((1.0, 1.0, 9.0, 9.0), 0.9, landmarks), 100, 100)
    assert (face.roll, face.pose, face.cut) == (None, None, False)


def test_two_eyes_give_a_roll_but_no_pose():
    face = described(Face((1.0, 1.0, 9.0, 9.0), 0.9, FRONTAL[:2]), 100, 100)
    assert (face.roll, face.pose) == (0.0, None)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((10.0, 10.0, 90.0, 40.0), False),
        ((0.0, 10.0, 90.0, 40.0), True),
        ((10.0, 0.0, 90.0, 40.0), True),
        ((10.0, 10.0, 100.0, 40.0), True),
        ((10.0, 10.0, 90.0, 50.0), True),
        ((1.0, 1.0, 99.0, 49.0), False),
    ],
)
def test_a_box_at_the_border_is_cut(box, expected):
    assert is_cut(box, 100, 50) is expected


numbers = st.floats(allow_nan=True, allow_infinity=True, width=32)


@given(st.lists(st.tuples(numbers, numbers), max_size=5))
def test_whatever_the_detector_says(points):
    face = described(Face((0.0, 0.0, 1.0, 1.0), 0.9, tuple(points)), 10, 10)
    assert face.roll is None or -180 <= face.roll <= 180
    assert face.pose in (None, "frontal", "profile")
