"""Limits on the work that a few bytes can order, and quiet about it."""

from __future__ import annotations

import os
import time
import zlib
from pathlib import Path

import pytest
from photo_makers import corners, encoded
from test_decode import write

from piqa_cli.errors import BrokenPhoto
from piqa_cli.photos.decode import decode
from piqa_cli.photos.metadata import MOST_PROPERTIES, parse_packet
from piqa_cli.photos.silence import silent_stderr
from tests.corpus.bombs import jpeg_with_size, scan_bomb
from tests.corpus.metadata import XMP_BODY

BASELINE_SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"  # of the first component alone


def lone_scans(side: int, scans: int) -> bytes:
    """A baseline JPEG whose components come one by one, the first of them again and again."""
    data = jpeg_with_size(encoded(corners(), "JPEG"), side, side)
    at = data.index(b"\xff\xda")
    return data[:at] + BASELINE_SCAN * scans + data[at:]


@pytest.mark.parametrize("data", [scan_bomb(6_000, 50_000), lone_scans(6_000, 50_000)], ids=["progressive", "baseline"])
def test_a_jpeg_of_endless_scans_is_refused_at_once(tmp_path: Path, data: bytes) -> None:
    started = time.process_time()
    with pytest.raises(BrokenPhoto, match=r"scans of 6000 x 6000 pixels, more than any photo has"):
        decode(write(tmp_path, data), max_side=100)
    assert time.process_time() - started < 2


def test_the_pixel_limit_speaks_first(tmp_path: Path) -> None:
    """A large progressive photo is told about --max-megapixels, not about its scans."""
    huge = jpeg_with_size(encoded(corners(), "JPEG", progressive=True), 60_000, 60_000)
    with pytest.raises(Exception, match="--max-megapixels"):
        decode(write(tmp_path, huge))


def test_a_hundred_scans_are_allowed(tmp_path: Path) -> None:
    assert decode(write(tmp_path, scan_bomb(64, 90))).width == 64


def test_packets_of_endless_properties_are_refused() -> None:
    few = XMP_BODY.format("".join(f"<xmp:A{i}/>" for i in range(500))).encode()
    assert len(parse_packet(few, Path("a.xmp"))) == 501
    many = XMP_BODY.format("".join(f"<xmp:A{i}/>" for i in range(MOST_PROPERTIES))).encode()
    started = time.process_time()
    with pytest.raises(BrokenPhoto, match="30,000 properties"):
        parse_packet(many, Path("a.xmp"))
    assert time.process_time() - started < 2


def test_long_lists_are_no_properties() -> None:
    """Keywords and edit histories are lists; they cost little."""
    items = "<rdf:li>x</rdf:li>" * (MOST_PROPERTIES + 1)
    found = parse_packet(XMP_BODY.format(f"<xmp:A><rdf:Bag>{items}</rdf:Bag></xmp:A>").encode(), Path("a.xmp"))
    assert len(found["Xmp.xmp.A"].split(", ")) == MOST_PROPERTIES + 1


def test_libtiff_is_quiet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It writes to stderr itself, whatever Python does with sys.stderr."""
    data = encoded(corners(), "TIFF", compression="tiff_adobe_deflate")
    start = data.index(zlib.compress(b"")[:1])
    with pytest.raises(BrokenPhoto):
        decode(write(tmp_path, data[: start + 2] + b"\xff" * 20 + data[start + 22 :]))
    assert capfd.readouterr().err == ""


def test_silence_ends(capfd: pytest.CaptureFixture[str]) -> None:
    with silent_stderr(), silent_stderr():
        os.write(2, b"inside")
    os.write(2, b"outside")
    assert capfd.readouterr().err == "outside"
    with pytest.raises(KeyError), silent_stderr():
        raise KeyError
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"
