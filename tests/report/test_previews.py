import numpy as np
import pytest
from PIL import Image, ImageOps

from piqa_cli.report.previews import read_preview
from tests.report.made import colors, jpeg

PHOTO = colors(640, 480)
RED = Image.new("RGB", (320, 240), (200, 30, 30))  # tells that the preview was read, not the photo


def close(image: Image.Image, other: Image.Image, limit: float = 6) -> bool:
    difference = np.asarray(image, dtype=float) - np.asarray(other, dtype=float)
    return image.size == other.size and np.abs(difference).mean() < limit


def test_a_preview_stands_for_the_photo(tmp_path):
    preview = read_preview(jpeg(PHOTO, tmp_path / "a.jpg", thumbnail=RED), 300)
    assert preview is not None
    assert close(preview.image, RED)
    assert (preview.width, preview.height) == (640, 480)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_as_the_photo_is(tmp_path, orientation):
    path = jpeg(PHOTO, tmp_path / "a.jpg", orientation=orientation, thumbnail=PHOTO.resize((320, 240)))
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
    preview = read_preview(path, 300)
    assert preview is not None
    assert (preview.width, preview.height) == upright.size
    assert close(preview.image, upright.resize(preview.image.size))


@pytest.mark.parametrize(
    ("thumbnail", "tags"),
    [
        (RED.resize((160, 120)), {}),
        (RED.resize((320, 180)), {}),
        (RED, {"edited": True}),
        (None, {}),
    ],
    ids=["too small", "another shape", "edited since it was taken", "none"],
)
def test_what_is_not_good_enough(tmp_path, thumbnail, tags):
    assert read_preview(jpeg(PHOTO, tmp_path / "a.jpg", thumbnail=thumbnail, **tags), 300) is None


def test_the_large_thumbnail_of_a_multi_picture_file(tmp_path):
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0132] = "2024:05:06 07:08:09"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    PHOTO.save(path, "MPO", save_all=True, append_images=[RED], exif=exif.tobytes())
    assert read_preview(path, 300) is None  # just another picture: it may be a depth map
    data = bytearray(path.read_bytes())
    kind_of_second = data.index(b"MPF\0II*\0") + 4 + 50 + 16  # Pillow's directory ends there, an entry has 16 bytes
    assert data[kind_of_second - 16 : kind_of_second - 12] == (0x030000).to_bytes(4, "little")
    data[kind_of_second : kind_of_second + 4] = (0x010001).to_bytes(4, "little")
    path.write_bytes(data)
    preview = read_preview(path, 300)
    assert preview is not None
    assert close(preview.image, RED)


def test_nothing_is_raised(tmp_path):
    whole = jpeg(PHOTO, tmp_path / "a.jpg", thumbnail=RED).read_bytes()
    (tmp_path / "b.jpg").write_bytes(whole[:300])
    (tmp_path / "c.jpg").write_bytes(whole.replace(b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\x00"))
    PHOTO.save(tmp_path / "d.png")
    for name in ("b.jpg", "d.png", "none.jpg", "c.jpg"):
        read_preview(tmp_path / name, 300)
