"""RAW+JPEG: one press of the shutter, two files with one stem in one folder, one photo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from piqa_cli.photos.suffixes import HEIF_SUFFIXES, JPEG_SUFFIXES, is_raw, split_name


def pair(names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Names of one folder's photos -> (file to read, its RAW mate or None), sorted by name.

    The stem must agree exactly, the suffix in any case. Where a shot has both a JPEG and a HEIC, the JPEG takes the RAW
    file and the HEIC stays a photo of its own. A second RAW file of the same stem stays a photo of its own, too.
    """
    ordered = sorted(names)
    raws = _first_raw_by_stem(ordered)
    leads = _lead_by_stem(ordered)
    for name in ordered:
        stem, _ = split_name(name)
        if leads.get(stem) == name:
            yield name, raws.get(stem)
        elif not (stem in leads and raws.get(stem) == name):
            yield name, None


def leads_without_raw(names: Iterable[str]) -> dict[str, str]:
    """Stem -> the JPEG or HEIC that would take a RAW file of that stem, and has none among those that piqa reads."""
    ordered = sorted(names)
    raws = _first_raw_by_stem(ordered)
    return {stem: name for stem, name in _lead_by_stem(ordered).items() if stem not in raws}


def _first_raw_by_stem(names: Iterable[str]) -> dict[str, str]:
    raws: dict[str, str] = {}
    for name in filter(is_raw, names):
        raws.setdefault(split_name(name)[0], name)
    return raws


def _lead_by_stem(names: Iterable[str]) -> dict[str, str]:
    leads: dict[str, str] = {}
    for name in names:
        stem, suffix = split_name(name)
        taken = leads.get(stem)
        if suffix in JPEG_SUFFIXES and (taken is None or split_name(taken)[1] in HEIF_SUFFIXES):
            leads[stem] = name
        elif suffix in HEIF_SUFFIXES:
            leads.setdefault(stem, name)
    return leads
