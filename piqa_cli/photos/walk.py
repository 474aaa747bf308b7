"""Walking one folder: stable order, junk left out, one folder's names in memory at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path

from piqa_cli.errors import PhotoError, UnreadablePhoto
from piqa_cli.photos.globs import Globs
from piqa_cli.photos.pairing import pair
from piqa_cli.photos.suffixes import is_photo
from piqa_cli.records import PhotoFile

ProblemHandler = Callable[[PhotoError], None]

JUNK = frozenset(
    {
        "@eadir",  # Synology thumbnails
        "@recycle",
        "@__thumb",  # QNAP
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "recycler",
        "system volume information",
        "lost+found",
        "__macosx",  # resource forks in zip files
        "thumbs.db",
        "desktop.ini",
    }
)

OWN_PICTURES = "piqa-report.json"
"""A folder that holds this file is `piqa report`'s: copies of photos, none of them to be scored."""


@dataclass(frozen=True)
class WalkRules:
    """What a walk enters and keeps."""

    recursive: bool
    include: Globs
    exclude: Globs
    named_files: Set[Path]  # resolved; each is yielded on its own, not by a walk
    named_folders: Set[Path]  # resolved; each is walked on its own if at all, not as a part of another
    on_problem: ProblemHandler | None


def walk(root: Path, rules: WalkRules) -> Iterator[PhotoFile]:
    """Photos in `root`: the files of a folder by name, then its sub-folders by name, depth first.

    Holds the names of the folder at hand and the sub-folders still to visit, never all paths. A folder that cannot be
    listed goes to `rules.on_problem` and the walk goes on.
    """
    real_root = root.resolve()
    rules = replace(rules, include=rules.include.below(root), exclude=rules.exclude.below(root))
    pending = [""]
    while pending:
        inside = pending.pop()
        try:
            files, folders = _list_folder(root / inside)
        except OSError as error:
            _report(root / inside, error, rules.on_problem)
            continue
        yield from _photos(root, real_root, inside, files, rules)
        if rules.recursive:
            pending.extend(reversed([f for f in _join(inside, folders) if _enters(f, real_root, rules)]))


def _list_folder(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the photo files (any order) and of the sub-folders (sorted); no junk, no symlinks, no special files.

    A folder of `piqa report`'s own making counts as empty.
    """
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name == OWN_PICTURES:
                return [], []
            if entry.name.startswith(".") or entry.name.lower() in JUNK:
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif is_photo(entry.name) and entry.is_file(follow_symlinks=False):
                files.append(entry.name)
    return files, sorted(folders)


def _photos(root: Path, real_root: Path, inside: str, names: list[str], rules: WalkRules) -> Iterator[PhotoFile]:
    kept = (name for name in names if not rules.exclude.match(_relative(inside, name)))
    for name, raw in pair(kept):
        shot = [_relative(inside, file) for file in (name, raw) if file is not None]
        included = [rules.include.match(file) for file in shot]  # all: what matches one may not match the other
        if rules.include and not any(included):
            continue
        named = [bool(rules.named_files) and real_root / file in rules.named_files for file in shot]
        if not named[0]:
            mate = root / shot[1] if len(shot) == 2 and not named[1] else None
            yield PhotoFile(root / shot[0], mate)


def _enters(inside: str, real_root: Path, rules: WalkRules) -> bool:
    return not rules.exclude.match(inside) and real_root / inside not in rules.named_folders


def _join(inside: str, names: Iterable[str]) -> Iterator[str]:
    return (_relative(inside, name) for name in names)


def _relative(inside: str, name: str) -> str:
    return f"{inside}/{name}" if inside else name


def _report(folder: Path, error: OSError, on_problem: ProblemHandler | None) -> None:
    if on_problem is not None:
        reason = error.strerror or type(error).__name__
        message = f"folder cannot be listed: {reason}"
        on_problem(UnreadablePhoto(message, path=folder, hint="photos in it are left out; check its permissions"))
