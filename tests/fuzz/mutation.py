"""Damage to bytes, as data: lists of small edits, drawn and shrunk by hypothesis, or at random for long runs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal, get_args

Operation = Literal["flip", "byte", "number16", "number32", "delete", "repeat", "truncate", "zero", "token", "swap"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
Edit = tuple[Operation, int, int]  # what, where (taken modulo the length), and with which value

LARGEST = 1 << 20  # bytes; repeated repeating must not end in a memory test
_NUMBERS = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
TOKENS: tuple[bytes, ...] = (
    *(
        b"\xff\xd8\xff",
        b"\xff\xd9",
        b"\xff\xdb",
        b"\xff\xc2",
        b"\xff\xc9",
        b"\xff\xe1",
        b"Exif\0\0",
        b"II*\0",
        b"MM\0*",
    ),
    *(b"IHDR", b"IDAT", b"iCCP", b"eXIf", b"iTXt", b"zTXt", b"acTL", b"VP8X", b"ANIM", b"EXIF", b"XMP ", b"ICCP"),
    *(b"ftyp", b"meta", b"iloc", b"iprp", b"ispe", b"irot", b"moov", b"mdat", b"Adobe", b"MPF\0", b"ICC_PROFILE\0"),
    *(b"http://ns.adobe.com/xap/1.0/\0", b"<!DOCTYPE x [", b'<!ENTITY a "b">', b"&a;", b"]]>", b"<![CDATA[", b"<!--"),
    *(
        b"<rdf:li>",
        b"</rdf:RDF>",
        b'rdf:about=""',
        b'xmlns:rdf=""',
        b"xml:lang",
        b"&#x0;",
        b"&#xD800;",
        b"\xef\xbb\xbf",
    ),
    *(b"\xff\xfe", b"\0", b"\r", b"\n", b'"', b"'", b",", b";", b"\t", b"\x1b[31m", b"\xe2\x80\xae", b"\xed\xa0\x80"),
    *(
        b"null",
        b"true",
        b"NaN",
        b"Infinity",
        b"-1",
        b"1e999",
        b"9" * 400,
        b"[" * 300,
        b"{}",
        b'"\\ud800"',
        b"../",
        b"/",
    ),
)


def damaged(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The bytes after all edits."""
    for operation, where, value in edits:
        data = _edited(data, operation, where, value)[:LARGEST]
    return data


def random_edits(rng: random.Random) -> list[Edit]:
    """One edit mostly, sometimes many; near the start more often, where the headers are."""
    number = rng.choice((1, 1, 1, 2, 3, 5, 9))
    reach = rng.choice((64, 512, 4096, 1 << 30))
    return [(rng.choice(OPERATIONS), rng.randrange(reach), rng.randrange(1 << 32)) for _ in range(number)]


def _edited(data: bytes, operation: Operation, where: int, value: int) -> bytes:
    at = where % (len(data) + 1)
    length = 1 + value % 64
    if operation == "flip":
        return _written(data, at, bytes([(data[at] if at < len(data) else 0) ^ (1 << value % 8)]))
    if operation == "byte":
        return _written(data, at, bytes([value % 256]))
    if operation in ("number16", "number32"):
        size = 2 if operation == "number16" else 4
        number = _NUMBERS[value % len(_NUMBERS)] % (1 << 8 * size)
        return _written(data, at, number.to_bytes(size, "big" if value % 2 else "little"))
    if operation == "truncate":
        return data[:at]
    if operation == "delete":
        return data[:at] + data[at + length :]
    if operation == "zero":
        return _written(data, at, bytes(length))
    if operation == "token":
        return data[:at] + TOKENS[value % len(TOKENS)] + data[at:]
    if operation == "swap":
        other = value % (len(data) + 1)
        return data[:at] + data[other : other + length] + data[at + length :]
    return data[:at] + data[at : at + length] * (1 + value % 40) + data[at + length :]


def _written(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]
