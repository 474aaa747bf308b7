"""What marks make of two files that were one: a photo and its copy, a sidecar and its copy."""

from __future__ import annotations

from pathlib import Path

from piqa_cli.errors import PhotoError
from piqa_cli.photos.embedding import embed_packet, embeddable
from piqa_cli.photos.metadata import packet_in, read_embedded, sidecar_bytes
from piqa_cli.photos.opening import is_regular
from piqa_cli.photos.suffixes import is_photo
from piqa_cli.ranking.files import same_content
from piqa_cli.ranking.marks import cleared, has_marks

_LARGEST_PACKET = 1 << 16  # of a JPEG; photos that differ more in size are not read


def differ_in_xmp_only(photo: Path, other: Path) -> bool:
    """Is it the same photo, byte for byte but for its XMP, and are marks of piqa in one of the two?

    Of TIFF and DNG this can be told only where the XMP is the same too: they keep what they said before.
    """
    try:
        if abs(photo.stat().st_size - other.stat().st_size) > _LARGEST_PACKET or not _is_marked(photo, other):
            return False
        return same_content(photo, other) or _without_xmp(photo) == _without_xmp(other)
    except (PhotoError, OSError):
        return False


def differ_in_marks_only(path: Path, other: Path) -> bool:
    """Do two sidecars, or two photos' XMP, say the same but for piqa's marks? One that is missing says nothing."""
    try:
        return _without_marks(path) == _without_marks(other)
    except (PhotoError, OSError):
        return False


def _is_marked(*photos: Path) -> bool:
    return all(map(embeddable, photos)) and any(has_marks(read_embedded(photo).xmp) for photo in photos)


def _without_xmp(photo: Path) -> bytes:
    return embed_packet(photo.read_bytes(), b"", photo)


def _without_marks(path: Path) -> bytes:
    if not is_regular(path):
        return b""
    packet = packet_in(path.read_bytes(), path) if is_photo(path.name) else sidecar_bytes(path)
    return cleared(packet, path) if packet else b""
