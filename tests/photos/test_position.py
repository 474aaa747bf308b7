"""Where a photo was taken: read by `read_position` alone, and only when somebody calls it."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from photo_makers import corners, encoded, exif

from piqa_cli.photos.exif import read_capture
from piqa_cli.photos.position import read_position

EIFFEL = {1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)}
EXPECTED = (48.858222, 2.2945)


def photo(kind: str, gps: dict[int, Any]) -> bytes:
    block = exif({0x010F: "Canon"})
    block.get_ifd(0x8825).update(gps)
    return encoded(corners(), kind, exif=block)


def write(folder: Path, data: bytes, name: str = "photo.jpg") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_every_format_that_holds_it(tmp_path: Path, kind: str) -> None:
    assert read_position(write(tmp_path, photo(kind, EIFFEL))) == pytest.approx(EXPECTED, abs=1e-5)


def test_other_directories_count_their_tags_from_one_too(tmp_path: Path) -> None:
    """A camera's JPEG has 1: "R98" in the directory that says what else can read it."""
    block = exif({0x010F: "Canon"}, {0xA005: {1: "R98", 2: b"0100"}})
    block.get_ifd(0x8825).update(EIFFEL)
    path = write(tmp_path, encoded(corners(), "JPEG", exif=block))
    assert b"R98" in path.read_bytes()
    assert read_position(path) == pytest.approx(EXPECTED, abs=1e-5)


def gps_tiff() -> bytes:
    """A little-endian TIFF directory with a maker and a GPS directory, 10.5 south, 20 west."""

    def entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
        return struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")

    rationals = struct.pack("<12I", 10, 1, 30, 1, 0, 1, 20, 1, 0, 1, 0, 1)
    gps_at = 8 + 2 + 24 + 4
    values_at = gps_at + 2 + 48 + 4
    first = struct.pack("<H", 2) + entry(0x010F, 2, 4, b"ABC\0") + entry(0x8825, 4, 1, struct.pack("<I", gps_at))
    gps = struct.pack("<H", 4) + entry(1, 2, 2, b"S\0") + entry(2, 5, 3, struct.pack("<I", values_at))
    gps += entry(3, 2, 2, b"W\0") + entry(4, 5, 3, struct.pack("<I", values_at + 24))
    return b"II*\0\x08\0\0\0" + first + bytes(4) + gps + bytes(4) + rationals


@pytest.mark.parametrize("name", ["photo.tif", "photo.dng", "photo.nef"])
def test_tiff_and_raw(tmp_path: Path, name: str) -> None:
    assert read_position(write(tmp_path, gps_tiff(), name)) == (-10.5, -20.0)


def test_cr3(tmp_path: Path) -> None:
    """Canon keeps the GPS directory in a box of its own, as the first one of a small TIFF file."""
    block = gps_tiff()
    gps_at = 8 + 2 + 24 + 4
    block = block[:4] + struct.pack("<I", gps_at) + block[8:]
    box = struct.pack(">I", 8 + len(block)) + b"CMT4" + block
    data = b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + struct.pack(">I", 8 + len(box)) + b"moov" + box + bytes(100)
    assert read_position(write(tmp_path, data, "photo.cr3")) == (-10.5, -20.0)


def as_floats(code: str, parts: int) -> bytes:
    """`gps_tiff` with degrees alone, or with minutes and seconds, stored as floats ("f") or doubles ("d")."""
    data = bytearray(gps_tiff()[:-48])
    places = ((10, 30, 0), (20, 0, 0)) if parts == 3 else ((10.5,), (20.0,))
    gps_at = 8 + 2 + 24 + 4
    for number, place in enumerate(places):
        entry = gps_at + 2 + 12 + 24 * number
        values = struct.pack(f"<{parts}{code}", *place)
        inside = len(values) == 4
        where = values if inside else struct.pack("<I", len(data))
        data[entry : entry + 12] = struct.pack("<HHI", 2 + 2 * number, {"f": 11, "d": 12}[code], parts) + where
        data += b"" if inside else values
    return bytes(data)


@pytest.mark.parametrize("container", ["JPEG", "TIFF", "HEIF"])
@pytest.mark.parametrize("parts", [3, 1])
@pytest.mark.parametrize("code", ["f", "d"])
def test_degrees_that_are_stored_as_floats(tmp_path: Path, container: str, parts: int, code: str) -> None:
    block = as_floats(code, parts)
    if container != "TIFF":  # the second brand of HEIC is Pillow's to read
        block = encoded(
            corners(), container, exif=b"Exif\0\0" + block, **({"chroma": 444} if container == "HEIF" else {})
        )
    assert read_position(write(tmp_path, block, "photo.tif")) == (-10.5, -20.0)


def test_directions_that_are_stored_as_bytes(tmp_path: Path) -> None:
    data = gps_tiff()
    for letter, tag in ((b"S", 1), (b"W", 3)):
        entry = struct.pack("<HHI", tag, 2, 2) + letter
        assert data.count(entry) == 1
        data = data.replace(entry, struct.pack("<HHI", tag, 1, 2) + letter)
    assert read_position(write(tmp_path, data, "photo.tif")) == (-10.5, -20.0)


@pytest.mark.parametrize(
    "gps",
    [
        {},
        {1: "N", 2: (48.0, 51.0, 29.6)},
        {**EIFFEL, 1: "X"},
        {**EIFFEL, 2: (91.0, 0.0, 0.0)},
        {**EIFFEL, 4: (180.0, 0.0, 1.0)},
        {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
    ],
    ids=["none", "half", "letter", "north of the pole", "beyond the date line", "no fix"],
)
def test_what_is_no_position(tmp_path: Path, gps: dict[int, Any]) -> None:
    assert read_position(write(tmp_path, photo("JPEG", gps))) is None


def test_never_raises(tmp_path: Path) -> None:
    assert read_position(tmp_path / "gone.jpg") is None
    assert read_position(tmp_path) is None
    assert read_position(write(tmp_path, b"no photo")) is None
    data = photo("JPEG", EIFFEL)
    for at in range(30, 300):
        read_position(write(tmp_path, data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :]))


def test_the_capture_holds_no_location(tmp_path: Path) -> None:
    capture = read_capture(write(tmp_path, photo("JPEG", EIFFEL)))
    assert capture.camera == "Canon"
    assert not any("48" in str(value) for value in (getattr(capture, name) for name in capture.__slots__))


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
def test_agrees_with_exiftool(tmp_path: Path) -> None:
    path = write(tmp_path, encoded(corners(), "JPEG"))
    places = ["-GPSLatitude=33.8568", "-GPSLatitudeRef=S", "-GPSLongitude=151.2153", "-GPSLongitudeRef=E"]
    subprocess.run(["exiftool", "-q", "-overwrite_original", *places, path], check=True)
    assert read_position(path) == pytest.approx((-33.8568, 151.2153), abs=1e-6)


def test_behind_a_large_segment_of_a_jpeg(tmp_path: Path) -> None:
    data, xmp = photo("JPEG", EIFFEL), b"http://ns.adobe.com/xap/1.0/\0".ljust(6000)
    data = data[:2] + b"\xff\xe1" + (len(xmp) + 2).to_bytes(2, "big") + xmp + data[2:]
    assert read_position(write(tmp_path, data)) == pytest.approx(EXPECTED, abs=1e-5)
