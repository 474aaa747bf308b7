"""Small files that promise, or unpack to, very much."""

from __future__ import annotations

import struct
import zlib

from PIL import Image

from tests.photos.photo_makers import corners, encoded

HUGE = 60_000  # pixels a side


def too_large() -> dict[str, bytes]:
    """Dimensions far beyond any limit, to be refused from the header."""
    heic = _with_size(encoded(corners(), "HEIF"), HUGE, HUGE)
    avif = _with_size(encoded(corners(), "AVIF", speed=10), HUGE, HUGE)
    return {
        "bomb-header.png": png(HUGE, HUGE, 8, 2, b""),
        "bomb-zeros.png": png(30_000, 30_000, 1, 0, bytes(30_000 * (30_000 // 8 + 1))),
        "bomb.jpg": jpeg_with_size(encoded(corners(), "JPEG"), 65_500, 65_500),
        "bomb-progressive.jpg": jpeg_with_size(encoded(corners(), "JPEG", progressive=True), 65_500, 65_500),
        "bomb.webp": _webp(16_383, 16_383),
        "bomb.tif": tiff(HUGE, HUGE),
        "bomb.bmp": b"BM" + struct.pack("<IIIIiiHHIIIIII", 54, 0, 54, 40, HUGE, HUGE, 1, 24, 0, 0, 0, 0, 0, 0),
        "bomb.heic": heic,
        "bomb.avif": avif,
    }


def just_below(side: int) -> dict[str, bytes]:
    """side x side pixels in a few kilobytes, each of the kinds that take the most memory to flatten."""
    rows = bytes(side * (1 + 2 * side))
    return {
        "full-1-bit.png": png(side, side, 1, 0, bytes(side * (1 + -(-side // 8)))),
        "full-16-bit.png": png(side, side, 16, 0, rows),
        "full-rgba.png": png(side, side, 8, 6, bytes(side * (1 + 4 * side))),
        "full.jpg": encoded(Image.new("RGB", (side, side)), "JPEG", quality=1),
        "full.webp": encoded(Image.new("RGB", (side, side)), "WEBP", quality=0, method=0),
        "full-float.tif": encoded(Image.new("F", (side, side)), "TIFF", compression="tiff_adobe_deflate"),
        "full-cmyk.tif": encoded(Image.new("CMYK", (side, side)), "TIFF", compression="tiff_lzw"),
    }


def metadata_bombs() -> dict[str, bytes]:
    """Sound little pictures with compressed text, profiles and XMP that unpack to hundreds of megabytes."""
    zeros = zlib.compress(bytes(100_000_000), 9)
    sound = encoded(corners(), "PNG")
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zeros
    return {
        "bomb-iccp.png": with_chunks(sound, [(b"iCCP", b"x\0\0" + zeros)]),
        "bomb-ztxt.png": with_chunks(sound, [(b"zTXt", b"Comment\0\0" + zeros)]),
        "bomb-xmp.png": with_chunks(sound, [(b"iTXt", text)]),
        "bomb-many-texts.png": with_chunks(
            sound, [(b"zTXt", b"k%d\0\0" % i + zlib.compress(bytes(900_000))) for i in range(300)]
        ),
        "bomb-exif.png": with_chunks(
            sound, [(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n99999999\n" + b"00" * 400_000))]
        ),
    }


def scan_bomb(side: int, scans: int) -> bytes:
    """A progressive JPEG of side x side pixels that orders thousands of passes over them, at 10 bytes each."""
    data = jpeg_with_size(encoded(Image.new("L", (16, 16)), "JPEG", progressive=True), side, side)
    first = data.index(b"\xff\xda")
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x01"  # the first coefficient once more
    return data[:first] + scan * scans + data[first:]


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    header = struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def with_chunks(data: bytes, chunks: list[tuple[bytes, bytes]]) -> bytes:
    """The PNG with more chunks behind its header."""
    at = 8 + 25
    return data[:at] + b"".join(_chunk(name, body) for name, body in chunks) + data[at:]


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def jpeg_with_size(data: bytes, width: int, height: int) -> bytes:
    """The JPEG with another size in its frame header."""
    at = next(data.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in data)
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def _webp(width: int, height: int) -> bytes:
    body = bytearray(encoded(corners(), "WEBP"))
    at = body.index(b"\x9d\x01\x2a") + 3  # a key frame's start code, then the size
    body[at : at + 4] = struct.pack("<HH", width, height)
    return bytes(body)


def tiff(width: int, height: int) -> bytes:
    """One strip, nearly nothing in it."""
    tags = {256: width, 257: height, 258: 8, 259: 8, 262: 1, 273: 8, 277: 1, 278: height, 279: 20}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return (
        b"II*\0"
        + struct.pack("<I", 28)
        + zlib.compress(b"")[:20].ljust(20, b"\0")
        + struct.pack("<H", len(tags))
        + entries
        + bytes(4)
    )


def _with_size(data: bytes, width: int, height: int) -> bytes:
    """Every `ispe` box (the size of an image) of a HEIF or AVIF file with another size."""
    out = bytearray(data)
    at = out.find(b"ispe")
    while at >= 0:
        out[at + 8 : at + 16] = struct.pack(">II", width, height)
        at = out.find(b"ispe", at + 4)
    return bytes(out)
