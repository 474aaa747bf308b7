"""File name suffixes of the photo formats, in lower case with the dot: what a walk picks up. Decoding looks inside."""

from __future__ import annotations

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})
HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
IMAGE_SUFFIXES = JPEG_SUFFIXES | HEIF_SUFFIXES | {".png", ".webp", ".tif", ".tiff", ".bmp", ".avif"}
RAW_SUFFIXES = frozenset({".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"})
FOREIGN_RAW_SUFFIXES = frozenset(  # not read, but they stay with their JPEGs and sidecars
    {".3fr", ".crw", ".dcr", ".erf", ".fff", ".gpr", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nrw", ".pef", ".raw"}
    | {".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)
_PHOTO_SUFFIXES = IMAGE_SUFFIXES | RAW_SUFFIXES


def split_name(name: str) -> tuple[str, str]:
    """File name -> (stem, suffix in lower case with the dot, or "" where there is none)."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix.lower()) if stem else (name, "")


def is_raw(name: str) -> bool:
    """Does the name look like a RAW file?"""
    return split_name(name)[1] in RAW_SUFFIXES


def is_photo(name: str) -> bool:
    """Does the name look like an image or a RAW file?"""
    return split_name(name)[1] in _PHOTO_SUFFIXES
