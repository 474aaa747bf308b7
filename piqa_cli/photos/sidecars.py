"""The files that belong to a photo: XMP sidecars under both naming customs, and what else travels along with it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from piqa_cli.photos.opening import is_regular
from piqa_cli.photos.pairing import leads_without_raw, pair
from piqa_cli.photos.suffixes import FOREIGN_RAW_SUFFIXES, HEIF_SUFFIXES, RAW_SUFFIXES, is_photo, split_name

SidecarNaming = Literal["adobe", "darktable", "both"]
SIDECAR_NAMINGS: tuple[SidecarNaming, ...] = ("adobe", "darktable", "both")

_XMP = ".xmp"
# Of a shot, by its stem: Lightroom's masks, thumbnails and voice memos of cameras, ON1's settings, edits and Live
# Photos' films of an iPhone.
_STEM_SUFFIXES = frozenset({_XMP, ".acr", ".thm", ".wav", ".on1", ".aae", ".mov"})
# Of a file, by its whole name: RawTherapee, DxO, ART.
_NAME_SUFFIXES = frozenset({_XMP, ".pp3", ".dop", ".arp"})
SIDECAR_SUFFIXES = _STEM_SUFFIXES | _NAME_SUFFIXES
"""Of all that belongs to photos, in lower case."""
_READ_BY_STEM = (RAW_SUFFIXES - {".dng"}, HEIF_SUFFIXES)  # formats of which Lightroom reads `IMG_1.xmp`; RAW goes first
_DUPLICATE = re.compile(r"(?P<stem>.+)_\d\d(?P<suffix>\.[^.]+)\.xmp", re.IGNORECASE)  # darktable's further versions


def sidecar_names(photo: Path, naming: SidecarNaming) -> tuple[Path, ...]:
    """Where the sidecars of `photo` belong: `IMG_1.xmp` (adobe), `IMG_1.CR2.xmp` (darktable), or both."""
    adobe = photo.with_name(split_name(photo.name)[0] + _XMP)
    darktable = photo.with_name(photo.name + _XMP)
    return {"adobe": (adobe,), "darktable": (darktable,), "both": (adobe, darktable)}[naming]


def existing_sidecar(expected: Path) -> Path | None:
    """The file of that name, `.XMP` in capitals included. Symbolic links and folders are none."""
    for path in (expected, expected.with_suffix(_XMP.upper())):
        if is_regular(path):
            return path
    return None


def existing_sidecars(photo: Path) -> tuple[Path, ...]:
    """The XMP sidecars that are there, under either name, the one written last first."""
    found = [path for name in sidecar_names(photo, "both") if (path := existing_sidecar(name)) is not None]
    return tuple(sorted(found, key=_modified, reverse=True))


class Companions:
    """Finds the sidecars of every kind that travel along with a file. Lists each folder once, when first asked."""

    def __init__(self) -> None:
        self._folders: dict[Path, _Folder] = {}

    def of(self, photo: Path) -> tuple[Path, ...]:
        """Sidecars of this one file, sorted by name; `IMG_1.xmp` belongs to every photo of the stem `IMG_1`.

        With a JPEG or HEIC comes a RAW file of its shot that piqa does not read, and what belongs to that.
        Case does not matter, unless there is another photo of the very name: `IMG_1.JPG.xmp` and `IMG_1.xmp` are none
        of `img_1.jpg` where that lies beside `IMG_1.JPG`.
        """
        folder = self._folder(photo.parent)
        raws = folder.foreign_raws.get(photo.name, ())
        names = {*raws, *folder.stem_sidecars(photo.name)}
        names.update(*map(folder.whole_name_sidecars, (photo.name, *raws)))
        return tuple(path for path in (photo.with_name(name) for name in sorted(names)) if is_regular(path))

    def owners(self, sidecar: Path) -> tuple[Path, ...]:
        """The photos of the stem that a sidecar like `IMG_1.xmp` belongs to; none for any other file.

        RAW files that piqa does not read are among them.
        """
        stem, suffix = split_name(sidecar.name)
        if suffix not in _STEM_SUFFIXES:
            return ()
        alike = self._folder(sidecar.parent).photos.get(stem.lower(), ())
        exact = [name for name in alike if split_name(name)[0] == stem]
        return tuple(sidecar.with_name(name) for name in exact or alike)

    def shot_of(self, sidecar: Path) -> tuple[Path, ...]:
        """Of those photos the one that programs take a sidecar like `IMG_1.xmp` to be about, its RAW mate included.

        That is the shot with the RAW file (`IMG_1.CR2` beside an edited `IMG_1.tif`; a DNG keeps its own inside),
        else the one with the HEIC file, else the first by name. Empty where piqa reads none of them.
        """
        photos = filter(is_photo, (owner.name for owner in self.owners(sidecar)))
        shots = (tuple(filter(None, names)) for names in pair(photos))
        first = min(shots, key=lambda names: min(map(_reading_order, names)), default=())
        return tuple(sidecar.with_name(name) for name in first)

    def is_of_another(self, sidecar: Path, shot: Collection[Path]) -> bool:
        """Whether programs take a sidecar like `IMG_1.xmp` to be about another shot than the one of these photos."""
        of = self.shot_of(sidecar)
        return bool(of) and of[0] not in shot and of[-1] not in shot

    def _folder(self, folder: Path) -> _Folder:
        if folder not in self._folders:
            self._folders[folder] = _Folder.of(_names(folder))
        return self._folders[folder]


@dataclass(frozen=True, slots=True)
class _Folder:
    """Who owns what in one folder. The keys of `photos` and `sidecars` are in lower case."""

    photos: dict[str, list[str]]  # stem -> photos
    sidecars: dict[str, list[str]]  # file name, or `_of_stem` -> sidecars
    exact: dict[str, str]  # sidecar by a whole name -> that name as it is written there
    foreign_raws: dict[str, list[str]]  # JPEG or HEIC -> RAW files of the shot that piqa does not read

    @classmethod
    def of(cls, names: Collection[str]) -> _Folder:
        photos: dict[str, list[str]] = {}
        sidecars: dict[str, list[str]] = {}
        exact: dict[str, str] = {}
        foreign_raws: dict[str, list[str]] = {}
        foreign = {name for name in names if split_name(name)[1] in FOREIGN_RAW_SUFFIXES}
        known = {name.lower() for name in names if is_photo(name) or name in foreign}
        leads = leads_without_raw(names)
        for name in names:
            inner, suffix = split_name(name)
            if is_photo(name) or name in foreign:
                photos.setdefault(inner.lower(), []).append(name)
                if name in foreign and inner in leads:
                    foreign_raws.setdefault(leads[inner], []).append(name)
            elif suffix in _NAME_SUFFIXES and (is_photo(inner) or inner.lower() in known):
                exact[name] = _version_of(name, known) or inner
                sidecars.setdefault(exact[name].lower(), []).append(name)
            elif suffix in _STEM_SUFFIXES:
                sidecars.setdefault(_of_stem(inner), []).append(name)
        return cls(photos, sidecars, exact, foreign_raws)

    def whole_name_sidecars(self, photo: str) -> list[str]:
        """Those of `photo` by its whole name, without those that name another photo exactly."""
        alike = self.photos.get(split_name(photo)[0].lower(), ())
        others = {other for other in alike if other != photo} if photo in alike else set()
        return [name for name in self.sidecars.get(photo.lower(), ()) if self.exact[name] not in others]

    def stem_sidecars(self, photo: str) -> list[str]:
        """Those of `photo` by its stem, without those whose stem is written as that of other photos alone."""
        stem = split_name(photo)[0]
        alike = self.photos.get(stem.lower(), ())
        others = {split_name(other)[0] for other in alike} - {stem} if photo in alike else set()
        return [name for name in self.sidecars.get(_of_stem(stem), ()) if split_name(name)[0] not in others]


def _reading_order(name: str) -> int:
    suffix = split_name(name)[1]
    return next((place for place, group in enumerate(_READ_BY_STEM) if suffix in group), len(_READ_BY_STEM))


def _of_stem(stem: str) -> str:
    return stem.lower() + "/"  # no file has such a name


def _version_of(name: str, photos: set[str]) -> str | None:
    """`IMG_1.CR2` for `IMG_1_01.CR2.xmp`, unless there is a photo `IMG_1_01.CR2`."""
    match = _DUPLICATE.fullmatch(name)
    if match is None or name[: -len(_XMP)].lower() in photos:
        return None
    owner = match["stem"] + match["suffix"]
    return owner if owner.lower() in photos else None


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, not paths
    except OSError:
        return []


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
