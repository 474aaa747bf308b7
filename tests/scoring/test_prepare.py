import pytest
from PIL import Image

from piqa_cli.photos.decode import DecodedPhoto
from piqa_cli.records import Face, PhotoFile
from piqa_cli.scoring.prepare import begin_record


@pytest.mark.parametrize(
    ("height", "bottom", "expected"),
    [
        (4000, 3999.0, True),  # 1333 / scale: where the detector's boxes end at the latest
        (4000, 3997.0, False),
        (4000, 4000.0, True),  # where a given box ends at the latest
        (3998, 3999.0, True),  # rounded up
        (3998, 3998.0, True),
        (3998, 3997.0, False),
    ],
)
@pytest.mark.parametrize("sideways", [False, True])
def test_a_face_is_cut_by_the_border_of_the_working_image(tmp_path, height, bottom, expected, sideways):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    box, size, full = (100.0, 100.0, 900.0, bottom), (2000, 1333), (6000, height)
    if sideways:
        box, size, full = (100.0, 100.0, bottom, 900.0), size[::-1], full[::-1]
    record = begin_record(PhotoFile(path), DecodedPhoto(Image.new("RGB", size), *full, 1 / 3), (Face(box, 1.0),))
    assert (record.faces[0].box, record.faces[0].cut) == (box, expected)
