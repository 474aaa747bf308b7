import warnings

import facenet_pytorch
import numpy as np
import pytest
from PIL import Image
from skimage import data

from piqa_cli.faces.choose import by_importance, main_faces
from piqa_cli.faces.detect import FaceDetector, _placed
from piqa_cli.records import Face


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


@pytest.fixture(scope="module")
def astronaut():
    return Image.fromarray(data.astronaut())


def overlap(a, b):
    """Intersection over union."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


REFERENCE = (177, 62, 272, 191)  # around her face; the box of the golden end-to-end case


def test_the_face_is_found(detector, astronaut):
    (face,) = detector.detect(astronaut)
    assert overlap(face.box, REFERENCE) > 0.7
    assert face.confidence > 0.99
    left_eye, right_eye, nose, *_ = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]


@pytest.mark.parametrize("factor", [0.5, 3], ids=["half", "triple"])
def test_boxes_are_given_in_pixels_of_the_full_photo(detector, astronaut, factor):
    working = astronaut.resize((int(512 * factor), int(512 * factor)))
    (face,) = detector.detect(working, scale=factor)
    assert overlap(face.box, REFERENCE) > 0.7


def test_a_face_in_coloured_light_is_found_on_the_second_look(detector, astronaut):
    blue = np.asarray(astronaut).astype(float) * (0.02, 0.03, 0.16)
    lit = Image.fromarray(blue.astype(np.uint8))
    (face, *_) = by_importance(detector.detect(lit))
    assert overlap(face.box, REFERENCE) > 0.7


@pytest.mark.parametrize("size", [(1, 1), (21, 400), (2000, 30), (300, 300)], ids=str)
def test_a_photo_without_a_face_has_none(detector, size):
    assert detector.detect(Image.new("RGB", size, (90, 120, 150))) == ()


def test_two_people_are_two_faces(detector, astronaut):
    pair = Image.new("RGB", (1024, 512))
    pair.paste(astronaut, (0, 0))
    pair.paste(astronaut.resize((300, 300)), (600, 150))
    found = by_importance(detector.detect(pair))
    assert len(found) == 2
    assert found[0].box[0] < 512 < found[1].box[0]


@pytest.mark.parametrize(("hidden", "main"), [(0, 2), (112, 1)])
def test_a_smaller_face_at_the_edge_is_no_main_one(detector, astronaut, hidden, main):
    beside = astronaut.resize((307, 307), Image.Resampling.BICUBIC).crop((hidden, 0, 230, 307))
    pair = Image.new("RGB", (230 - hidden + 512, 512), (90, 90, 90))
    pair.paste(beside, (0, 100))
    pair.paste(astronaut, (230 - hidden, 0))
    found = by_importance(detector.detect(pair))
    assert [face.cut for face in found[:2]] == [False, bool(hidden)]
    assert len(found) == 2
    assert len(main_faces(found)) == main


@pytest.mark.parametrize(("bottom", "end", "cut"), [(3999.0, 3999.0, True), (4100, 3999, True), (3998, 3998, False)])
@pytest.mark.parametrize("sideways", [False, True])
def test_a_face_is_cut_where_the_photo_ends(bottom, end, cut, sideways):
    size = (3999.0, 6000.0) if sideways else (6000.0, 3999.0)
    boxes = [(100.0, 100.0, 900.0, y) for y in (bottom, end)]
    given, expected = [(box[0], box[1], box[3], box[2]) for box in boxes] if sideways else boxes
    placed = _placed(Face(given, 1.0), 1.0, size)
    assert (placed.box, placed.cut) == (expected, cut)


def test_nothing_is_said_of_how_the_package_loads_its_weights(monkeypatch):
    """torch 2.4 and 2.5, which piqa allows, warn of `torch.load` for each of nine files."""
    init = facenet_pytorch.MTCNN.__init__

    def warning_as_older_versions_do(*args, **named):
        warnings.warn("You are using `torch.load` with `weights_only=False`", FutureWarning, stacklevel=2)
        init(*args, **named)

    monkeypatch.setattr(facenet_pytorch.MTCNN, "__init__", warning_as_older_versions_do)
    FaceDetector()  # pytest makes a warning an error
