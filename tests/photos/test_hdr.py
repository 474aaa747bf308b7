from __future__ import annotations

import struct
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from PIL import Image, ImageCms

from piqa_cli.photos.decode import decode
from piqa_cli.photos.hdr import HLG, PQ, hdr_to_srgb
from tests.photos.photo_makers import FORMATS, encoded

BT_2020 = {"color_primaries": 9, "matrix_coefficients": 9}


def level(color: tuple[int, int, int], transfer: int, primaries: int = 9) -> tuple[int, ...]:
    image = hdr_to_srgb(
        Image.new("RGB", (2, 1), color), {"transfer_characteristics": transfer, "color_primaries": primaries}
    )
    assert image is not None
    found = image.getpixel((1, 0))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("primaries", [1, 9, 12])
@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_a_grey_card_is_middle_grey(transfer: int, primaries: int) -> None:
    """ITU-R BT.2408: 38 % of the signal is 26 cd/m2 where white is 203, in both."""
    expected = 255 * (1.055 * (26 / 203) ** (1 / 2.4) - 0.055)
    card = level((97, 97, 97), transfer, primaries)
    assert card == pytest.approx([expected] * 3, abs=2)
    assert max(card) - min(card) <= 1


def test_hlg_has_no_step_where_its_two_curves_meet() -> None:
    dark, light = level((127, 127, 127), HLG)[0], level((128, 128, 128), HLG)[0]
    assert dark <= light <= dark + 2


@pytest.mark.parametrize(("transfer", "signal"), [(PQ, 0.58), (HLG, 0.75)])
def test_white_leaves_room_for_highlights(transfer: int, signal: float) -> None:
    white = level((round(signal * 255),) * 3, transfer)
    assert white == pytest.approx([240] * 3, abs=2)
    assert max(white) < min(level((205, 205, 205), transfer)) < 256
    assert level((0, 0, 0), transfer) == (0, 0, 0)


def test_a_green_beyond_srgb_stays_green() -> None:
    assert level((0, 140, 0), PQ)[::2] == (0, 0)
    assert level((0, 140, 0), PQ, primaries=1)[1] > 200


@pytest.mark.parametrize("transfer", [0, 1, 2, 6, 8, 13, None])
def test_other_code_points_change_nothing(transfer: int | None) -> None:
    assert hdr_to_srgb(Image.new("RGB", (2, 2)), {"transfer_characteristics": transfer, "color_primaries": 9}) is None


def test_grey_images_and_no_code_points() -> None:
    grey = hdr_to_srgb(Image.new("L", (3, 600), 97), {"transfer_characteristics": PQ})
    assert grey is not None
    assert (grey.mode, grey.size) == ("RGB", (3, 600))
    assert len(set(grey.tobytes())) == 1
    assert hdr_to_srgb(Image.new("RGB", (2, 2)), None) is None


def heic(tmp_path: Path, transfer: int, **options: object) -> float:
    image = Image.new("RGB", (64, 64), (97, 97, 97))
    path = tmp_path / f"{transfer}.hif"
    given = {**FORMATS["HEIF"], **BT_2020, "transfer_characteristics": transfer, **options}
    path.write_bytes(encoded(image, "HEIF", save_nclx_profile=True, **given))
    return float(np.asarray(decode(path).image).mean())


def test_heic(tmp_path: Path) -> None:
    assert heic(tmp_path, 1) == pytest.approx(97, abs=2)
    assert heic(tmp_path, PQ) == pytest.approx(100, abs=3)
    assert heic(tmp_path, HLG) == pytest.approx(100, abs=3)


def test_a_profile_goes_before_code_points(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert heic(tmp_path, PQ, icc_profile=profile) == pytest.approx(97, abs=2)


def avif(tmp_path: Path, transfer: int, rest: bytes = b"") -> float:
    """Pillow writes the code points of sRGB."""
    data = encoded(Image.new("RGB", (64, 64), (140, 140, 140)), "AVIF", **FORMATS["AVIF"])
    assert data.count(b"colrnclx\0\x01\0\x0d") == 1
    path = tmp_path / f"{transfer}.avif"
    path.write_bytes(data.replace(b"colrnclx\0\x01\0\x0d", b"colrnclx\0\x09\0" + bytes([transfer])) + rest)
    return float(np.asarray(decode(path).image).mean())


def test_avif(tmp_path: Path) -> None:
    assert avif(tmp_path, 13) == pytest.approx(140, abs=2)
    assert avif(tmp_path, PQ) == pytest.approx(225, abs=6)


def test_avif_with_pictures_of_several_kinds_is_taken_as_before(tmp_path: Path) -> None:
    """The second one is a gain map's, and which of them is whose takes reading all boxes."""
    assert avif(tmp_path, PQ, b"colrnclx\0\x01\0\x0d\0\0\0") == pytest.approx(140, abs=2)


def png(tmp_path: Path, *chunks: tuple[bytes, bytes], **options: object) -> float:
    """A PNG of one grey with these chunks behind its header."""
    data = encoded(Image.new("RGB", (8, 8), (140, 140, 140)), "PNG", **options)
    made = [struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc32(name + body)) for name, body in chunks]
    path = tmp_path / "a.png"
    path.write_bytes(data[:33] + b"".join(made) + data[33:])
    return float(np.asarray(decode(path).image).mean())


@pytest.mark.parametrize("before", [[], [(b"tEXt", b"Comment\0" + b"x" * 70_000)]])
def test_png(tmp_path: Path, before: list[tuple[bytes, bytes]]) -> None:
    assert png(tmp_path, *before, (b"cICP", bytes([9, PQ, 0, 1]))) == pytest.approx(225, abs=6)
    assert png(tmp_path, *before, (b"cICP", bytes([9, HLG, 0, 1]))) == pytest.approx(153, abs=3)
    assert png(tmp_path, *before, (b"cICP", bytes([1, 13, 0, 1]))) == 140
    assert png(tmp_path, *before) == 140


@pytest.mark.parametrize(
    ("hundred_thousandths", "level"),
    [(100_000, 195), (55_556, 158), (45_455, 140), (45_000, 140), (0, 140), (220_000, 140), (1, 140)],
)
def test_the_gamma_of_a_png(tmp_path: Path, hundred_thousandths: int, level: int) -> None:
    """Of linear light, of an old Mac, sRGB's own, and slips."""
    gamma = (b"gAMA", struct.pack(">I", hundred_thousandths))
    assert png(tmp_path, gamma) == pytest.approx(level, abs=2)
    assert png(tmp_path, gamma, (b"sRGB", b"\0")) == 140
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert png(tmp_path, gamma, icc_profile=profile) == 140
