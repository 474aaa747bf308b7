"""What a file is, judged by its first bytes. Suffixes lie: a PNG called `.jpg` is a PNG."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

from piqa_cli.photos.suffixes import is_raw

RAW: Final = "RAW"
_HEAD_BYTES = 64
_TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF
_RAW_MAGICS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")  # RAF, ORF (three kinds), RW2
_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)
_POINTERS = {
    b"version https://git-lfs.github.com/spec/": ("Git LFS", "git lfs pull"),
    b"/annex/objects/": ("git-annex", "git annex get"),
}
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})


def sniff(file: BinaryIO, path: Path) -> str | None:
    """Pillow's name of the format ("JPEG", "PNG", ...), `RAW`, or None for anything else. Rewinds the file.

    Most RAW files are TIFF files whose first image is a thumbnail, so there the suffix of `path` has the last word.
    """
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if head.startswith(_TIFF_MAGICS):
        return RAW if is_raw(path.name) or head[8:10] == b"CR" else "TIFF"
    if head.startswith(_RAW_MAGICS):
        return RAW
    if head[4:8] == b"ftyp":
        return _sniff_iso(head)
    return _sniff_image(head)


def pointer(file: BinaryIO) -> tuple[str, str] | None:
    """Where the file only stands for a photo that was not fetched: the system that has it, and the command to fetch it.

    Rewinds the file.
    """
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    return next((system for begins, system in _POINTERS.items() if head.startswith(begins)), None)


def _sniff_image(head: bytes) -> str | None:
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    return None


def _sniff_iso(head: bytes) -> str | None:
    """ISO base media: the major brand decides, unless it is the one that AVIF and HEIC share."""
    major = head[8:12]
    if major == b"crx ":  # CR3
        return RAW
    box_end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {major, *(head[at : at + 4] for at in range(16, box_end - 3, 4))}
    if major in _AVIF_BRANDS or (major in (b"mif1", b"msf1") and brands & _AVIF_BRANDS):
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None
