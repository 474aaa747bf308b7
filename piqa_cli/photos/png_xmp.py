"""The XMP packet of a PNG file: its iTXt chunk replaced, every other byte kept (XMP specification part 3, 1.1.5)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from piqa_cli.photos.xmp_error import EmbeddingError

_SIGNATURE = 8
_KEYWORD = b"XML:com.adobe.xmp\0"
_PLAIN = b"\0\0\0\0"  # not compressed, no language, no translated keyword


def png_with_packet(file: bytes, packet: bytes) -> bytes:
    """The file with `packet` as its XMP; where there was none, before the pixels. Empty: without XMP.

    Raises EmbeddingError.
    """
    body = b"iTXt" + _KEYWORD + _PLAIN + packet
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) if packet else b""
    pixels_at = None
    for kind, start, end in _chunks(file):
        if kind == b"iTXt" and file[start + 8 : end].startswith(_KEYWORD):
            return b"".join((file[:start], chunk, file[end:]))
        if kind == b"IDAT" and pixels_at is None:
            pixels_at = start
    if pixels_at is None:
        raise EmbeddingError("a PNG file without pixels")
    return b"".join((file[:pixels_at], chunk, file[pixels_at:]))


def _chunks(file: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each chunk, length and checksum included."""
    at = _SIGNATURE
    while at < len(file):
        end = at + 12 + int.from_bytes(file[at : at + 4], "big")
        if end > len(file):
            raise EmbeddingError("broken PNG chunks")
        kind = file[at + 4 : at + 8]
        yield kind, at, end
        if kind == b"IEND":
            return
        at = end
