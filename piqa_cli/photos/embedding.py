"""Putting an XMP packet into a photo without touching anything else, and checking that nothing else was touched."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from piqa_cli.errors import BrokenPhoto, UnreadablePhoto
from piqa_cli.photos.content import RAW, sniff
from piqa_cli.photos.heic_xmp import heic_with_packet
from piqa_cli.photos.jpeg_xmp import jpeg_with_packet
from piqa_cli.photos.metadata import other_metadata, packet_in, parse_packet
from piqa_cli.photos.opening import open_regular
from piqa_cli.photos.pillow import open_image, relaxed_pillow
from piqa_cli.photos.png_xmp import png_with_packet
from piqa_cli.photos.suffixes import split_name
from piqa_cli.photos.tiff_xmp import is_tiff, tiff_with_packet
from piqa_cli.photos.xmp_error import EmbeddingError

_WRITERS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "JPEG": jpeg_with_packet,
    "PNG": png_with_packet,
    "TIFF": tiff_with_packet,
    "HEIF": heic_with_packet,
}
_PADDING = b" \0\t\r\n"
_HINT = "leave out --embed to write a sidecar"


def embeddable(path: Path) -> bool:
    """Can marks go into this file? By its content: JPEG, PNG, TIFF, HEIC, and DNG among the RAW files."""
    try:
        with open_regular(path) as file:
            return _kind(file.read(64), path) is not None
    except (OSError, UnreadablePhoto):
        return False


def embed_packet(photo: bytes, packet: bytes, path: Path) -> bytes:
    """The photo with `packet` as its XMP, checked with Exiv2: the packet reads back, EXIF and IPTC are as before.

    Raises BrokenPhoto (`path`: for the message) where the format holds no XMP, the structure is broken, or the check
    fails; HEIC needs exiftool.
    """
    kind = _kind(photo[:64], path)
    if kind is None:
        raise BrokenPhoto("marks cannot be embedded in this format", path=path, hint=_HINT)
    try:
        result = _WRITERS[kind](photo, packet)
    except EmbeddingError as error:
        raise BrokenPhoto(f"marks cannot be embedded: {error}", path=path, hint=_HINT) from None
    _check(photo, result, packet, kind, path)
    return result


def _kind(head: bytes, path: Path) -> str | None:
    kind = sniff(io.BytesIO(head), path)
    if kind == RAW and split_name(path.name)[1] == ".dng" and is_tiff(head):
        return "TIFF"
    if kind == "TIFF" and not is_tiff(head):  # BigTIFF
        return None
    return kind if kind in _WRITERS else None


def _check(before: bytes, after: bytes, packet: bytes, kind: str, path: Path) -> None:
    found = packet_in(after, path)
    same_packet = found.rstrip(_PADDING) == packet.rstrip(_PADDING)
    if kind == "HEIF" and found and packet:  # exiftool wraps packets that are not wrapped
        same_packet = parse_packet(found, path) == parse_packet(packet, path)
    same_picture = kind != "HEIF" or _open_heic(before, path).tobytes() == _open_heic(after, path).tobytes()
    if not (same_packet and same_picture and other_metadata(before, path) == other_metadata(after, path)):
        raise BrokenPhoto("embedding marks would change more than the XMP", path=path, hint=_HINT)


def _open_heic(photo: bytes, path: Path) -> Image.Image:
    with relaxed_pillow():
        try:
            image = open_image(io.BytesIO(photo), "HEIF")
            image.load()
        except Exception as error:  # libheif raises anything: RuntimeError, EOFError, MemoryError, ...
            raise BrokenPhoto(f"the photo cannot be decoded: {error}", path=path) from None
    return image
