"""Sound pictures with hostile metadata: ICC profiles, EXIF, XMP. Every one of them can be scored."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

from PIL import ImageCms

from tests.photos.photo_makers import SRGB_PRIMARIES, corners, encoded, matrix_profile

Entry = tuple[int, int, int, int]  # tag, type, count, value or offset

XMP_BODY = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="3">{}</rdf:Description>'
    "</rdf:RDF></x:xmpmeta>"
)


def with_profile(profile: bytes) -> bytes:
    return with_segment(0xE2, b"ICC_PROFILE\0\1\1" + profile)


def with_exif(block: bytes) -> bytes:
    return with_segment(0xE1, b"Exif\0\0" + block)


def with_xmp(packet: bytes) -> bytes:
    return with_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def with_segment(marker: int, body: bytes) -> bytes:
    data = encoded(corners(), "JPEG")
    body = body[:65_533]
    return data[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body + data[2:]


def profiles() -> dict[str, bytes]:
    good = matrix_profile(*SRGB_PRIMARIES, 2.2)
    made = {
        "empty": b"",
        "short": b"abcd",
        "text": b"<html>not a profile</html>" * 20,
        "header-only": good[:128],
        "many-tags": good[:128] + b"\xff\xff\xff\xff" + good[132:],
        "far-tags": good[:136] + b"\xff\xff\xff\xf0\xff\xff\xff\xff" + good[144:],
        "own-tag": good[:128]
        + struct.pack(">I", 50)
        + b"".join(b"A2B0" + struct.pack(">II", 128, 400) for _ in range(50)),
        "giant-curve": good.replace(b"curv\0\0\0\0\0\0\0\1", b"curv\0\0\0\0\x7f\xff\xff\xff"),
        "grey": good[:16] + b"GRAY" + good[20:],
        "cmyk": good[:16] + b"CMYK" + good[20:],
        "lab": ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        "black": matrix_profile((0, 0, 0), (0, 0, 0), (0, 0, 0), 0.0),
        "clut": _clut(),
    }
    rng = random.Random(7)
    for number in range(30):
        damaged = bytearray(good)
        for _ in range(rng.choice((1, 3, 20))):
            damaged[rng.randrange(len(damaged))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        made[f"random-{number:02}"] = bytes(damaged)
    files = {f"profile-{name}.jpg": with_profile(profile) for name, profile in made.items()}
    lying = b"ICC_PROFILE\0\7\2" + good  # the seventh of two parts
    return files | {"profile-lying-parts.jpg": with_segment(0xE2, lying)}


def _clut() -> bytes:
    """A look-up table of 255 points along each of three axes: 16 million colours that are not there."""
    good = matrix_profile(*SRGB_PRIMARIES, 2.2)
    table = (
        b"mft2\0\0\0\0"
        + bytes((3, 3, 255, 0))
        + struct.pack(">9i", *([65536, 0, 0, 0] * 2), 65536)
        + struct.pack(">HH", 2, 2)
    )
    return good[:128] + struct.pack(">I4sII", 1, b"A2B0", 144, 9000) + table + bytes(9000)


def exif_blocks() -> dict[str, bytes]:
    far, most = 0x7FFFFFF0, 0xFFFFFFFF
    made = {
        "empty": b"",
        "head-only": b"II*\0",
        "far-directory": b"II*\0" + struct.pack("<I", far),
        "own-next": directory([(0x010F, 2, 4, 0x00434241)], next_at=8),
        "own-exif": directory([(0x8769, 4, 1, 8)]),
        "own-gps": directory([(0x8825, 4, 1, 8)]),
        "two-in-a-ring": directory([(0x8769, 4, 1, 26)]) + _entries([(0x8769, 4, 1, 8), (0x9003, 2, 20, 8)]),
        "sub-ring": directory([(0x014A, 4, 1, 8)], next_at=8),
        "giant-count": directory(
            [(0x010F, 2, most, 8), (0x829A, 5, most, 8), (0x8827, 3, most, 8), (0x9003, 2, far, 8)]
        ),
        "giant-maker-note": directory([(0x8769, 4, 1, 26)]) + _entries([(0x927C, 7, far, 8)]),
        "lying-offset": directory([(0x010F, 2, 500, far), (0x829D, 5, 1, most), (0x920A, 10, 9, far)]),
        "unknown-types": directory(
            [(tag, kind, 3, 8) for tag, kind in zip(range(0x010F, 0x011F), range(11, 99), strict=False)]
        ),
        "zero-denominator": directory([(0x829A, 5, 1, 60), (0x829D, 5, 1, 60), (0x9204, 10, 1, 60)]) + bytes(40),
        "many-entries": b"II*\0\x08\0\0\0" + struct.pack("<H", 65_535) + struct.pack("<HHII", 0x8769, 4, 1, 8) * 4000,
        "escapes": directory([(0x010F, 2, 60, 26), (0x0110, 2, 60, 26)][:1])
        + b"\x1b]0;owned\x07\x1b[31m\r\n\xe2\x80\xae"
        + bytes(60),
        "orientation-9": directory([(0x0112, 3, 1, 9)]),
        "orientation-many": directory([(0x0112, 3, most, 8)]),
        "orientation-text": directory([(0x0112, 2, 4, 0x36363636)]),
        "thumbnail": directory([(0x0112, 3, 1, 1)], next_at=26) + _entries([(0x0201, 4, 1, 8), (0x0202, 4, 1, most)]),
    }
    return {f"exif-{name}.jpg": with_exif(block) for name, block in made.items()} | _hostile_tiffs(made)


def _hostile_tiffs(blocks: dict[str, bytes]) -> dict[str, bytes]:
    """The same as TIFF files, which they nearly are: without a picture."""
    return {f"exif-{name}.tif": block for name, block in blocks.items() if block}


def directory(entries: Sequence[Entry], next_at: int = 0) -> bytes:
    """A little-endian TIFF header with one directory, at byte 8: 18 bytes long if it has one entry."""
    return b"II*\0\x08\0\0\0" + _entries(entries, next_at)


def _entries(entries: Sequence[Entry], next_at: int = 0) -> bytes:
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + body + struct.pack("<I", next_at)


def packets(secret: str = "/etc/passwd") -> dict[str, bytes]:
    """Name -> XMP packet. None of them may be believed; `secret` is a file that must not be read."""
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(12))
    return {
        "laughs": f"<!DOCTYPE x [{laughs}]>{XMP_BODY.format('<xmp:Label>&l11;</xmp:Label>')}".encode(),
        "quadratic": f'<!DOCTYPE x [<!ENTITY a "{"a" * 30_000}">]>{XMP_BODY.format("&a;" * 9_000)}'.encode(),
        "external": f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>{XMP_BODY.format("<xmp:Label>&e;</xmp:Label>")}'.encode(),
        "external-dtd": f'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">{XMP_BODY.format("")}'.encode(),
        "parameter": f'<!DOCTYPE x [<!ENTITY % p SYSTEM "file://{secret}"> %p;]>{XMP_BODY.format("")}'.encode(),
        "utf-16": f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>{XMP_BODY.format("&e;")}'.encode("utf-16"),
        "latin-lie": b'<?xml version="1.0" encoding="UTF-7"?>' + XMP_BODY.format("+ADw-").encode(),
        "deep": XMP_BODY.format("<xmp:A>" * 4_000 + "</xmp:A>" * 4_000).encode(),
        "wide": XMP_BODY.format("".join(f"<xmp:A{i}/>" for i in range(3_000))).encode(),
        "escapes": XMP_BODY.format("<xmp:Label>\x1b[31m</xmp:Label>").encode(),
        "half": XMP_BODY.format("<xmp:Label>").encode()[:300],
        "zeros": bytes(500),
        "rating": XMP_BODY.format("").replace('"3"', '"' + "9" * 2_000 + '"').encode(),
    }
