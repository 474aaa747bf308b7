"""Damaged files: cut off, overwritten, empty, or of another kind than their name says."""

from __future__ import annotations

import random

from tests.corpus.formats import suffix_of
from tests.corpus.metadata import with_segment
from tests.photos.photo_makers import FORMATS, corners, encoded, make_dng

CUTS = 14
FLIPS = 14


def broken() -> dict[str, bytes]:
    """File name -> bytes. Not all of them are beyond reading: a flipped bit may only change a colour."""
    made = {
        "empty.jpg": b"",
        "one-byte.png": b"\0",
        "zeros.jpg": bytes(9000),
        "text.heic": b"hello, this is text\n" * 9,
    }
    for kind in FORMATS:
        sound = encoded(corners(96, 64), kind, **FORMATS[kind])
        made |= _cut(f"{kind}.{suffix_of(kind)}", sound) | _flipped(f"{kind}.{suffix_of(kind)}", sound)
    raw = make_dng(encoded(corners(), "JPEG"), (96, 64))
    made["profile-without-parts.jpg"] = with_segment(0xE2, b"ICC_PROFILE\0")
    return made | _cut("raw.dng", raw) | _flipped("raw.dng", raw) | _magics()


def _cut(name: str, sound: bytes) -> dict[str, bytes]:
    near = [1, 3, 4, 8, 11, 12, 20, 33]
    far = [len(sound) * part // CUTS for part in range(1, CUTS)] + [len(sound) - 1]
    return {f"cut-{at:06}-{name}": sound[:at] for at in sorted({*near, *far}) if at < len(sound)}


def _flipped(name: str, sound: bytes) -> dict[str, bytes]:
    rng = random.Random(name)
    made = {}
    for number in range(FLIPS):
        data = bytearray(sound)
        for _ in range(1 + number % 3):
            at = rng.randrange(min(len(data), 700)) if number % 2 else rng.randrange(len(data))
            data[at] ^= 1 << rng.randrange(8)
        made[f"flip-{number:02}-{name}"] = bytes(data)
    return made


def _magics() -> dict[str, bytes]:
    """Beginnings of every format with nothing that fits behind them."""
    heads = {
        "jpg": b"\xff\xd8\xff\xe0",
        "png": b"\x89PNG\r\n\x1a\n",
        "webp": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        "tif": b"II*\0\xff\xff\xff\xff",
        "bmp": b"BM\xff\xff\xff\xff\0\0\0\0\x36\0\0\0\x28\0\0\0",
        "avif": b"\0\0\0\x18ftypavif\0\0\0\0avifmif1",
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0heicmif1",
        "cr3": b"\0\0\0\x18ftypcrx \0\0\0\0crx isom",
        "cr2": b"II*\0\x10\0\0\0CR\x02\0",
        "raf": b"FUJIFILMCCD-RAW 0201FF",
    }
    return {
        f"head-{suffix}-{fill}.{suffix}": head + bytes([fill]) * 600
        for suffix, head in heads.items()
        for fill in (0, 255)
    }
