"""The work that a JPEG orders: each of its scans passes over the whole picture, and a few bytes are enough for one."""

from __future__ import annotations

from typing import BinaryIO

from PIL import ImageFile

MOST_SCANS = 100  # photo programs write a dozen
MOST_PASSES = 2e10  # pixels times scans, with more scans than that: about ten seconds
_START_OF_SCAN = b"\xff\xda"  # inside of coded data 0xFF is followed by 0x00
_LONE_SCAN_BYTES = 10  # of the segment that starts a scan of one component
_CHUNK = 1 << 20


def check_scans(file: BinaryIO, image: ImageFile.ImageFile) -> None:
    """Raises ValueError for a JPEG that would keep its decoder busy for minutes. `image`: just opened from `file`."""
    if not _has_several_scans(file, image):
        return
    width, height = image.size
    scans = _count_scans(file)
    if scans > MOST_SCANS and scans * width * height > MOST_PASSES:
        raise ValueError(f"{scans} scans of {width} x {height} pixels, more than any photo has")


def _has_several_scans(file: BinaryIO, image: ImageFile.ImageFile) -> bool:
    """Progressive, or the first scan, behind which the header's reader stands, is of one component among several."""
    if image.format == "MPO" or image.info.get("progressive"):
        return True
    at = file.tell() - _LONE_SCAN_BYTES
    if len(image.getbands()) == 1 or at < 0:
        return False
    file.seek(at)
    found = file.read(_LONE_SCAN_BYTES)
    return found.startswith(_START_OF_SCAN)


def _count_scans(file: BinaryIO) -> int:
    at = file.tell()
    file.seek(0)
    count, last = 0, b""
    while chunk := file.read(_CHUNK):
        count += (last + chunk).count(_START_OF_SCAN)
        last = chunk[-1:]
    file.seek(at)
    return count
