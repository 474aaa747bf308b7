from __future__ import annotations

import logging
import os
import struct
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_makers import FORMATS, corners, encoded, exif, make_dng
from PIL.TiffImagePlugin import IFDRational
from test_decode import write

from piqa_cli.photos.exif import read_capture
from piqa_cli.records import Capture

FIRST = {0x010F: "Canon", 0x0110: "Canon EOS R5", 0x0132: "2024:09:09 09:09:09"}
SUB = {
    0x829A: IFDRational(1, 250),
    0x829D: IFDRational(28, 10),
    0x8827: 400,
    0x9003: "2024:05:01 10:20:30",
    0x9011: "+02:00",
    0x9291: "12",
    0x920A: IFDRational(85, 1),
    0xA434: "RF85mm F1.2 L USM",
}
EXPECTED = Capture(
    captured_at=datetime(2024, 5, 1, 10, 20, 30, 120000, tzinfo=timezone(timedelta(hours=2))),
    camera="Canon EOS R5",
    lens="RF85mm F1.2 L USM",
    iso=400,
    shutter_s=1 / 250,
    aperture=2.8,
    focal_length_mm=85.0,
)


def capture(folder: Path, first: dict[int, Any], sub: dict[int, Any] | None = None) -> Capture:
    return read_capture(write(folder, encoded(corners(), "JPEG", exif=exif(first, sub))))


def photo_with_exif(kind: str) -> bytes:
    # As bytes: given an Exif object, Pillow's TIFF writer drops the Exif IFD, and so does libtiff when it compresses.
    return encoded(corners(), kind, exif=exif(FIRST, SUB).tobytes(), **(FORMATS[kind] if kind != "TIFF" else {}))


@pytest.mark.parametrize("kind", sorted(FORMATS.keys() - {"BMP"}))
def test_formats(tmp_path: Path, kind: str) -> None:
    assert read_capture(write(tmp_path, photo_with_exif(kind))) == EXPECTED


@pytest.mark.parametrize("kind", sorted(FORMATS.keys() - {"BMP"}))
@pytest.mark.parametrize("stored_as", [b"\1\0", b"\7\0"], ids=["bytes", "undefined"])
def test_text_that_is_stored_as_bytes(tmp_path: Path, kind: str, stored_as: bytes) -> None:
    texts = {tag: value.encode() for tag, value in SUB.items() if isinstance(value, str)}
    block = exif(FIRST, {**SUB, **texts}).tobytes()
    for tag in texts:
        entry = struct.pack("<H", tag)
        block = block.replace(entry + b"\1\0", entry + stored_as)
    data = encoded(corners(), kind, exif=block, **(FORMATS[kind] if kind != "TIFF" else {}))
    assert read_capture(write(tmp_path, data)) == EXPECTED


@pytest.mark.parametrize(("chroma", "brand"), [(420, b"heic"), (444, b"heix")])  # exifread knows the first one only
def test_heic_brands(tmp_path: Path, chroma: int, brand: bytes) -> None:
    data = encoded(corners(), "HEIF", exif=exif(FIRST, SUB), chroma=chroma)
    assert data[8:12] == brand
    assert read_capture(write(tmp_path, data)) == EXPECTED


def test_dng(tmp_path: Path) -> None:
    assert read_capture(write(tmp_path, make_dng(None, (0, 0)), "a.dng")) == Capture(camera="Canon EOS 5D")


def test_raf_keeps_its_exif_in_the_preview(tmp_path: Path) -> None:
    jpeg = encoded(corners(), "JPEG", exif=exif(FIRST, SUB))
    head = b"FUJIFILMCCD-RAW ".ljust(84, b"\0") + (148).to_bytes(4, "big") + len(jpeg).to_bytes(4, "big")
    assert read_capture(write(tmp_path, head.ljust(148, b"\0") + jpeg, "a.raf")) == EXPECTED


def test_cr3_keeps_its_exif_in_boxes(tmp_path: Path) -> None:
    def box(name: bytes, tags: dict[int, Any]) -> bytes:
        block = exif(tags).tobytes().removeprefix(b"Exif\0\0")
        return (len(block) + 8).to_bytes(4, "big") + name + block

    head = b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + b"\0\0\1\0moov" + bytes(40)
    path = write(tmp_path, head + box(b"CMT1", FIRST) + box(b"CMT2", SUB) + bytes(99), "a.cr3")
    assert read_capture(path) == EXPECTED


@pytest.mark.parametrize("kind", FORMATS)
def test_photo_without_exif(tmp_path: Path, kind: str) -> None:
    assert read_capture(write(tmp_path, encoded(corners(), kind, **FORMATS[kind]))) == Capture()


def test_png_without_exif_is_not_decoded_in_search_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, encoded(corners(), "PNG"))
    decoded: list[object] = []
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", decoded.append)
    assert read_capture(path) == Capture()
    assert not decoded


@pytest.mark.parametrize(
    ("sub", "expected"),
    [
        ({0x9003: "2024:05:01 10:20:30"}, datetime(2024, 5, 1, 10, 20, 30)),
        ({0x9003: "2024:05:01 10:20:30", 0x9291: "007"}, datetime(2024, 5, 1, 10, 20, 30, 7000)),
        ({0x9003: "2024:05:01 10:20:30", 0x9291: "1234567"}, datetime(2024, 5, 1, 10, 20, 30, 123456)),
        ({0x9003: "2024:05:01 10:20:30", 0x9291: "  "}, datetime(2024, 5, 1, 10, 20, 30)),
        ({0x9003: "2024:05:01 10:20:60"}, datetime(2024, 5, 1, 10, 20, 59)),
        ({0x9003: "2024-05-01T10:20:30"}, datetime(2024, 5, 1, 10, 20, 30)),
        ({0x9003: "2024:05:01 10:20:30", 0x9011: "Z"}, datetime(2024, 5, 1, 10, 20, 30, tzinfo=UTC)),
        (
            {0x9003: "2024:05:01 10:20:30", 0x9011: "-09:30"},
            datetime(2024, 5, 1, 10, 20, 30, tzinfo=timezone(-timedelta(hours=9, minutes=30))),
        ),
        ({0x9003: "2024:05:01 10:20:30", 0x9011: "   :  "}, datetime(2024, 5, 1, 10, 20, 30)),
        ({0x9003: "2024:05:01 10:20:30", 0x9011: "+99:00"}, datetime(2024, 5, 1, 10, 20, 30)),
        ({0x9004: "2023:01:02 03:04:05", 0x9292: "5"}, datetime(2023, 1, 2, 3, 4, 5, 500000)),
        ({0x9003: "0000:00:00 00:00:00", 0x9004: "2023:01:02 03:04:05"}, datetime(2023, 1, 2, 3, 4, 5)),
        ({0x9003: "2024:13:41 10:20:30", 0x9290: "25"}, datetime(2022, 2, 2, 2, 2, 2, 250000)),
        ({0x9003: "    :  :     :  :  "}, datetime(2022, 2, 2, 2, 2, 2)),
        ({0x9003: "2024:05:01 03:04:05 PM"}, datetime(2024, 5, 1, 15, 4, 5)),
        ({0x9003: "2024:05:01 12:04:05 am"}, datetime(2024, 5, 1, 0, 4, 5)),
        ({0x9003: "2024:05:01 12:04 p.m."}, datetime(2024, 5, 1, 12, 4)),
        ({0x9003: "2024:05:01 01:04:05 PM"}, datetime(2024, 5, 1, 13, 4, 5)),
        ({0x9003: "2024:05:01 00:04:05 PM"}, datetime(2024, 5, 1, 0, 4, 5)),
        ({0x9003: "2024:05:01 13:04:05 AM"}, datetime(2024, 5, 1, 13, 4, 5)),
        ({0x9003: "2024:05:01 15:04:05 PM"}, datetime(2024, 5, 1, 15, 4, 5)),
        ({0x9003: "2024:05:01 03:04:05 Amt"}, datetime(2024, 5, 1, 3, 4, 5)),
        ({0x9003: "2024: 5: 1  9: 5: 3"}, datetime(2024, 5, 1, 9, 5, 3)),
        ({0x9003: "2024:05:01  10:20:30"}, datetime(2024, 5, 1, 10, 20, 30)),
        (
            {0x9003: " 2024:05:01 10:20:30  \0\0", 0x9011: " +00:00\0", 0x9291: "5 \0"},
            datetime(2024, 5, 1, 10, 20, 30, 500000, UTC),
        ),
        ({0x9003: "2024-05-01T10:20:30.25Z"}, datetime(2024, 5, 1, 10, 20, 30, 250000, UTC)),
        (
            {0x9003: "2024-05-01T10:20:30-0930", 0x9291: "5"},
            datetime(2024, 5, 1, 10, 20, 30, 500000, timezone(-timedelta(hours=9, minutes=30))),
        ),
    ],
)
def test_capture_time(tmp_path: Path, sub: dict[int, Any], expected: datetime) -> None:
    found = capture(tmp_path, {0x0132: "2022:02:02 02:02:02"}, sub).captured_at
    assert found == expected
    assert found is not None
    assert found.utcoffset() == expected.utcoffset()


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        ("Canon", "Canon EOS R5", "Canon EOS R5"),
        ("NIKON CORPORATION", "NIKON D850", "NIKON D850"),
        ("SONY", "ILCE-7M4", "SONY ILCE-7M4"),
        ("Apple", "iPhone 15", "Apple iPhone 15"),
        ("samsung", "Samsung Galaxy", "Samsung Galaxy"),
        ("Panasonic\0\0\0", "DC-S5\0junk", "Panasonic DC-S5"),
        ("  FUJI\x07FILM ", " X-T5  ", "FUJI FILM X-T5"),
        ("", "X-T5", "X-T5"),
        ("Leica", "\0\0\0\0", "Leica"),
        ("", "", None),
    ],
)
def test_camera(tmp_path: Path, make: str, model: str, expected: str | None) -> None:
    assert capture(tmp_path, {0x010F: make, 0x0110: model}).camera == expected


def test_text_that_is_not_utf_8(tmp_path: Path) -> None:
    data = encoded(corners(), "JPEG", exif=exif({0x0110: "Kamera XY"})).replace(b"Kamera XY", b"Kamera \xfc\xff")
    assert capture(tmp_path, {}).camera is None
    camera = read_capture(write(tmp_path, data)).camera
    assert camera is not None
    assert camera.startswith("Kamera ")
    camera.encode("utf-8")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize("kind", sorted(FORMATS.keys() - {"BMP", "TIFF"}))  # Pillow's TIFF writer knows ASCII alone
def test_text_beyond_ascii_reads_alike_in_every_format(tmp_path: Path, kind: str, encoding: str) -> None:
    """Pillow, which is asked where exifread finds nothing, takes UTF-8 for Latin-1; exifread gives bytes for 1252."""
    text = "Modèle 8 – ø"
    stored = text.encode(encoding)
    first = {**FIRST, 0x0110: "#" * len(stored)}
    block = exif(first, SUB).tobytes().replace(b"#" * len(stored), stored)
    data = encoded(corners(), kind, exif=block, **FORMATS[kind])
    assert read_capture(write(tmp_path, data)).camera == f"Canon {text}"


@pytest.mark.parametrize("value", [IFDRational(1, 0), IFDRational(0, 0), IFDRational(0, 1)])
def test_unknown_numbers(tmp_path: Path, value: IFDRational) -> None:
    found = capture(tmp_path, {}, {0x829A: value, 0x829D: value, 0x920A: value, 0x8827: 0})
    assert found == Capture()


def test_iso_above_16_bits(tmp_path: Path) -> None:
    for longer in (0x8831, 0x8832, 0x8833):  # the standard has three kinds of it
        assert capture(tmp_path, {}, {0x8827: 65535, longer: 102400}).iso == 102400
    assert capture(tmp_path, {}, {0x8827: (800, 800)}).iso == 800


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])  # one is read by exifread, one by Pillow
def test_numbers_that_are_stored_as_floats(tmp_path: Path, kind: str) -> None:
    block = exif({}, {0x829D: 2.75, 0x8827: 200.0, 0x920A: 84.5})
    found = read_capture(write(tmp_path, encoded(corners(), kind, exif=block)))
    assert (found.aperture, found.iso, found.focal_length_mm) == (2.75, 200, 84.5)


@pytest.mark.parametrize("iso", [1e300, 2.0**32, 0.25])
def test_iso_that_no_camera_has(tmp_path: Path, iso: float) -> None:
    """1e300, an integer that no table holds, ended the whole run with a traceback."""
    tags = [(0x0110, "s", 0, "Canon EOS R5", True), (0x8827, "d", 1, iso, True)]
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), np.uint8), bigtiff=True, extratags=tags)
    assert read_capture(tmp_path / "a.tif") == Capture(camera="Canon EOS R5")


def test_tags_in_no_order(tmp_path: Path) -> None:
    """The pointer to the Exif IFD stands before the camera, or between maker and model."""
    entry, at = struct.Struct("<HHII"), 8 + 2 + 4 * 12 + 4
    texts = {0x010F: b"Canon\0", 0x0110: b"Canon EOS R5\0"}
    taken = b"2024:05:01 10:20:30\0"
    sub = struct.pack("<H", 1) + entry.pack(0x9003, 2, len(taken), at + 18) + bytes(4) + taken
    maker = entry.pack(0x010F, 2, 6, at + 38)
    model = entry.pack(0x0110, 2, 13, at + 44)
    for order in ((0, 1, 2), (1, 0, 2), (1, 2, 0)):
        first = [entry.pack(0x8769, 4, 1, at), maker, model]
        entries = b"".join(first[n] for n in order) + entry.pack(0x0112, 3, 1, 1)
        block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 4) + entries + bytes(4) + sub + b"".join(texts.values())
        found = read_capture(write(tmp_path, encoded(corners(), "JPEG", exif=block)))
        assert found == Capture(captured_at=datetime(2024, 5, 1, 10, 20, 30), camera="Canon EOS R5")


def test_location_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import exifread

    block = exif(FIRST, SUB)
    block.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 36.0)})
    seen: list[str] = []
    real = exifread.process_file

    def spy(*args: Any, **options: Any) -> Any:
        tags = real(*args, **options)
        seen.extend(tags)
        return tags

    monkeypatch.setattr(exifread, "process_file", spy)
    assert read_capture(write(tmp_path, encoded(corners(), "JPEG", exif=block))) == EXPECTED
    assert "EXIF FNumber" in seen
    assert not [name for name in seen if "GPS" in name]


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\xff\xd8\xff\xe1\xff", b"II*\0\xff\xff\xff\xff", b"\0\0\0\x18ftypcrx "]
)
def test_no_photo_at_all(tmp_path: Path, content: bytes) -> None:
    assert read_capture(write(tmp_path, content)) == Capture()


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert read_capture(tmp_path / "gone.jpg") == Capture()
    assert read_capture(tmp_path) == Capture()


@pytest.mark.parametrize("kind", sorted(FORMATS.keys() - {"BMP"}))
def test_damage_never_raises_and_never_speaks(
    tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    data = photo_with_exif(kind)
    for at in range(0, len(data), max(1, len(data) // 80)):
        read_capture(write(tmp_path, data[:at]))
        read_capture(write(tmp_path, data[:at] + b"\xff\0\xff\x7f" + data[at + 4 :]))
    assert capfd.readouterr() == ("", "")


@settings(max_examples=15, deadline=None)
@given(st.binary(max_size=300))
def test_random_exif_blocks(tmp_path_factory: pytest.TempPathFactory, block: bytes) -> None:
    data = encoded(corners(8, 8), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0" + block)
    assert isinstance(read_capture(write(tmp_path_factory.getbasetemp(), data, "random.jpg")), Capture)


def test_library_log_stays_off_stderr() -> None:
    assert logging.getLogger("exifread").handlers


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert read_capture(tmp_path / "pipe.jpg") == Capture()


def test_names_are_no_formulas_and_no_novels(tmp_path: Path) -> None:
    """A spreadsheet that opens the table must not run what a stranger wrote into a photo."""
    tags = exif({0x010F: "=cmd|' /C calc'!A0", 0x0110: "@SUM(A1)" + "x" * 5000}, {0xA434: "+-=HYPERLINK(1)\x1b[31m"})
    capture = read_capture(write(tmp_path, encoded(corners(), "JPEG", exif=tags)))
    assert capture.camera == "cmd|' /C calc'!A0 SUM(A1)" + "x" * 192
    assert capture.lens == "HYPERLINK(1) [31m"


def test_endless_directories_are_given_up(tmp_path: Path) -> None:
    """65,535 entries of 999 numbers each, in every one of a chain of directories: hours, if every count is believed."""
    entry = struct.pack("<HHII", 0x9999, 3, 999, 8)
    body = b"".join(
        struct.pack("<H", 60_000) + entry * 60_000 + struct.pack("<I", 8 + (i + 1) * 720_006) for i in range(3)
    )
    started = time.process_time()
    assert read_capture(write(tmp_path, b"II*\0\x08\0\0\0" + body, "photo.tif")) == Capture()
    assert time.process_time() - started < 5


def behind_segment(jpeg: bytes, marker: bytes, body: bytes) -> bytes:
    """The JPEG with a segment before all others."""
    return jpeg[:2] + marker + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


@pytest.mark.parametrize(
    ("marker", "head"),
    [
        (b"\xff\xe1", b"http://ns.adobe.com/xap/1.0/\0"),
        (b"\xff\xe2", b"ICC_PROFILE\0\1\1"),
        (b"\xff\xed", b"Photoshop"),
    ],
    ids=["xmp", "icc", "photoshop"],
)
@pytest.mark.parametrize("size", [100, 6000, 60_000])
def test_exif_behind_a_large_segment_of_a_jpeg(tmp_path: Path, marker: bytes, head: bytes, size: int) -> None:
    data = behind_segment(photo_with_exif("JPEG"), marker, head.ljust(size))
    assert read_capture(write(tmp_path, data)) == EXPECTED


def test_big_tiff(tmp_path: Path) -> None:
    tags = [(0x0110, "s", 0, "Canon EOS R5", True)]
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), np.uint8), bigtiff=True, extratags=tags)
    assert read_capture(tmp_path / "a.tif").camera == "Canon EOS R5"
