"""The one door to Exiv2: XMP packets and EXIF ratings are read. (Packets are put into photos by `embedding`.)

Everything goes through memory, never through a path: Exiv2 would take `http:` for an address, and cannot name files
whose names are no UTF-8. Its XMP toolkit keeps global state, so one lock serves all threads.
"""

from __future__ import annotations

import contextlib
import functools
import io
import mmap
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from piqa_cli.errors import BrokenPhoto, UnreadablePhoto
from piqa_cli.photos.content import sniff
from piqa_cli.photos.opening import open_regular
from piqa_cli.photos.pillow import open_image, relaxed_pillow
from piqa_cli.photos.tiff_xmp import is_tiff, tiff_packet

Properties = Mapping[str, str]

SIDECAR_BYTES_LIMIT = 64 * 1024 * 1024  # a long edit history with masks takes a few megabytes
MOST_PROPERTIES = 30_000  # a long edit history has a few thousand; the XMP toolkit's time grows with the square
OWN_PREFIX = "piqa"
OWN_NAMESPACE = "urn:piqa-cli:xmp:1.0/"

_NAMESPACES = {  # the rest, digiKam's included, is known to Exiv2
    OWN_PREFIX: OWN_NAMESPACE,
    "darktable": "http://darktable.sf.net/",
}
_EXIF_RATINGS = ("Exif.Image.Rating", "Exif.Image.RatingPercent")
_XMP_IN_TIFF = "Exif.Image.XMLPacket"
_DECLARATION = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_UTF_16 = re.compile(r"""(\A\s*<\?xml[^>]*encoding\s*=\s*["'])[^"']*(["'])""")  # in a declaration
_KEPT = "it is left as it is: repair it or move it away"
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Embedded:
    """Metadata inside a photo: the properties of its XMP packet, and the EXIF ratings."""

    xmp: Properties = field(default_factory=dict)
    exif: Properties = field(default_factory=dict)  # only the tags Rating and RatingPercent


def read_sidecar(path: Path) -> dict[str, str]:
    """Properties of a sidecar, see `parse_packet`. Raises UnreadablePhoto or BrokenPhoto with the sidecar's path."""
    return parse_packet(sidecar_bytes(path), path)


def sidecar_bytes(path: Path) -> bytes:
    """What the sidecar holds. Raises UnreadablePhoto where it cannot be read, BrokenPhoto above 64 MB."""
    try:
        if path.stat().st_size > SIDECAR_BYTES_LIMIT:
            raise BrokenPhoto("the sidecar is larger than 64 MB", path=path, hint=_KEPT)
        return path.read_bytes()
    except OSError as error:
        raise UnreadablePhoto(f"the sidecar cannot be read: {error.strerror or error}", path=path) from error


def packet_text(packet: bytes, path: Path) -> str:
    """The XMP packet as text without a byte order mark, from UTF-8, or UTF-16 where a mark says so.

    Raises BrokenPhoto where it is neither, is empty, or has a document type: the door to entity bombs.
    """
    wide = packet.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = packet.decode("utf-16") if wide else packet.decode("utf-8-sig").rstrip("\0")
    except UnicodeDecodeError:
        raise BrokenPhoto("malformed XMP: neither UTF-8 nor UTF-16", path=path, hint=_KEPT) from None
    if not text.strip():
        raise BrokenPhoto("malformed XMP: it is empty", path=path, hint=_KEPT)
    if _DECLARATION.search(text):
        raise BrokenPhoto("XMP with a document type or entities is refused", path=path, hint=_KEPT)
    return _UTF_16.sub(r"\1UTF-8\2", text, count=1) if wide else text


def parse_packet(packet: bytes, path: Path) -> dict[str, str]:
    """Properties of an XMP packet: Exiv2's keys ("Xmp.xmp.Rating", "Xmp.piqa.Reasons") and their text.

    Raises BrokenPhoto (`path`: where the packet came from) for malformed XMP, for one with more than
    `MOST_PROPERTIES`, and see `packet_text`.
    """
    text = packet_text(packet, path)
    if _properties(text) > MOST_PROPERTIES:
        raise BrokenPhoto(f"XMP with more than {MOST_PROPERTIES:,} properties is refused", path=path, hint=_KEPT)
    with _lock:
        exiv2 = _exiv2()
        try:
            image = exiv2.ImageFactory.create(exiv2.ImageType.xmp)
            image.setXmpPacket(text)
            return {datum.key(): datum.toString() for datum in image.xmpData()}
        except exiv2.Exiv2Error:
            raise BrokenPhoto("malformed XMP", path=path, hint=_KEPT) from None


def _properties(text: str) -> int:
    """Elements and attributes, plain list items aside, of as much as is well-formed."""
    count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += len(attributes) + (not tag.endswith(":li"))

    parser = expat.ParserCreate(encoding="utf-8")
    parser.StartElementHandler = start
    with contextlib.suppress(expat.ExpatError):  # the toolkit says what is wrong
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    return count


def read_embedded(path: Path) -> Embedded:
    """XMP and EXIF ratings inside a photo; empty where its format holds none, or Exiv2 does not know it.

    Raises UnreadablePhoto where the file cannot be read, BrokenPhoto for a broken structure or malformed XMP.
    """
    try:
        with open_regular(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            packet, exif = _read_image(view, path)
    except OSError as error:
        raise UnreadablePhoto(error.strerror or str(error), path=path) from error
    return Embedded(parse_packet(packet, path) if packet.strip(b"\0 \t\r\n") else {}, exif)


def packet_in(photo: bytes, path: Path) -> bytes:
    """The XMP packet of a photo in memory, byte for byte; empty where there is none. Raises BrokenPhoto."""
    return _read_image(photo, path)[0]


def other_metadata(photo: bytes, path: Path) -> list[tuple[str, str]]:
    """EXIF and IPTC entries as (key, text), sorted: what embedding a packet must leave alone. Raises BrokenPhoto."""
    with _lock:
        exiv2 = _exiv2()
        try:
            image = exiv2.ImageFactory.open(photo)
            image.readMetadata()
            entries = [(d.key(), d.toString()) for part in (image.exifData(), image.iptcData()) for d in part]
            return sorted(entry for entry in entries if entry[0] != _XMP_IN_TIFF)
        except exiv2.Exiv2Error as error:
            raise BrokenPhoto(f"metadata cannot be read: {error.message}", path=path) from None


def _read_image(view: bytes | mmap.mmap, path: Path) -> tuple[bytes, dict[str, str]]:
    with _lock:
        exiv2 = _exiv2()
        try:
            image = exiv2.ImageFactory.open(view)
        except exiv2.Exiv2Error:
            return b"", {}
        try:
            image.readMetadata()
            exif = {d.key(): d.toString() for d in image.exifData() if d.key() in _EXIF_RATINGS}
            return _stored_packet(image, view), exif
        except exiv2.Exiv2Error as error:
            raise BrokenPhoto(f"metadata cannot be read: {error.message}", path=path) from None
        finally:
            del image  # it holds on to the view, which is about to be closed


def _stored_packet(image: Any, view: bytes | mmap.mmap) -> bytes:
    """The packet byte for byte. Exiv2 hands out its own wording unless it is told to write from the packet."""
    if is_tiff(view):
        return tiff_packet(view)
    kind = sniff(io.BytesIO(view[:64]), Path())
    if kind in ("HEIF", "AVIF"):
        return _heif_packet(view, kind)
    image.writeXmpFromPacket(True)
    packet = image.xmpPacket()
    return packet.encode("utf-8", "surrogateescape") if isinstance(packet, str) else bytes(packet)


def _heif_packet(view: bytes | mmap.mmap, kind: str) -> bytes:
    """By Pillow: Exiv2 does not find the packets that exiftool writes. Reads the boxes, decodes nothing."""
    with relaxed_pillow():
        try:
            return bytes(open_image(io.BytesIO(view), kind).info.get("xmp") or b"")
        except (OSError, ValueError, SyntaxError, RuntimeError, EOFError):
            return b""


@functools.cache
def _exiv2() -> Any:
    """The library, silent on stderr, with `_NAMESPACES`. Called under the lock."""
    import exiv2

    exiv2.LogMsg.setLevel(exiv2.LogMsg.Level.mute)
    exiv2.XmpParser.initialize()
    for prefix, uri in _NAMESPACES.items():
        exiv2.XmpProperties.registerNs(uri, prefix)
    return exiv2
