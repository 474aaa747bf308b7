from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from piqa_cli.faces.choose import MAX_FACES, area, by_importance, main_faces
from piqa_cli.records import Face


def face(x, size, confidence=0.99):
    return Face((x, 0.0, x + size, float(size)), confidence)


def test_the_largest_face_is_the_main_one():
    small, large = face(0, 50), face(100, 80)
    assert by_importance([small, large]) == (large, small)


def test_a_doubtful_box_stays_behind_a_certain_face_of_nearly_its_size():
    doubtful, certain = face(0, 105, 0.9), face(200, 100, 1.0)
    assert by_importance([doubtful, certain])[0] is certain


def test_equal_faces_are_ordered_by_place():
    left, right = face(0, 60), face(100, 60)
    assert by_importance([right, left]) == by_importance([left, right]) == (left, right)


def test_people_in_the_background_do_not_count():
    main, second, passer_by = face(0, 100), face(200, 60), face(400, 40)
    assert main_faces((main, second, passer_by)) == (main, second)


def test_people_at_the_edge_count_from_half_the_size_on():
    main, beside = face(200, 100), face(400, 60)
    small_cut, large_cut = (replace(face(0, size), cut=True) for size in (60, 75))
    assert main_faces(by_importance((main, beside, small_cut))) == (main, beside)
    assert main_faces(by_importance((main, small_cut, beside, large_cut))) == (main, large_cut, beside)
    assert main_faces((small_cut,)) == (small_cut,)


def test_faces_too_small_to_be_told_sharp_from_blurred_do_not_count_beside_the_main_one():
    main, tiny, small = face(0, 30), face(40, 23), face(80, 24)
    assert main_faces(by_importance((main, tiny, small))) == (main, small)
    assert main_faces((tiny,)) == (tiny,)
    assert main_faces(by_importance((tiny, face(60, 20)))) == (tiny,)


def test_no_faces():
    assert by_importance([]) == main_faces([]) == ()


boxes = st.tuples(st.floats(0, 4000), st.floats(0, 3000), st.floats(0, 2000), st.floats(0, 2000)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
faces = st.lists(st.builds(Face, boxes, st.floats(0.5, 1), cut=st.booleans()), max_size=30)


def test_a_doubtful_main_face_stays_before_a_certain_one_that_is_too_small():
    main, too_small, doubtful = face(0, 100, 0.999), face(200, 49.5, 0.9999), face(400, 50.5, 0.96)
    assert by_importance([too_small, doubtful, main]) == (main, doubtful, too_small)


@given(faces)
@example([face(0, 100, 0.999), face(200, 49.5, 0.9999), face(400, 50.5, 0.96)])
@example([face(0, 100, 1.0), *(face(x, 49, 1.0) for x in range(12)), face(99, 51, 0.9)])
def test_main_faces_are_a_bounded_start_of_the_order(found):
    ordered = by_importance(found)
    chosen = main_faces(ordered)
    assert sorted(map(id, ordered)) == sorted(map(id, found))
    assert chosen == ordered[: len(chosen)]
    assert ordered[:1] == tuple(sorted(found, key=lambda f: (-area(f.box) * f.confidence**2, *f.box[:2]))[:1])
    assert len(chosen) <= MAX_FACES
    assert all(area(f.box) >= (0.5 if f.cut else 0.25) * area(ordered[0].box) for f in chosen)
    assert all(min(f.box[2] - f.box[0], f.box[3] - f.box[1]) >= 24 for f in chosen[1:])
    assert bool(chosen) == bool(found)
