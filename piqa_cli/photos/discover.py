"""Which files are photos: folders walked, files taken as named, lists read from standard input."""

from __future__ import annotations

import codecs
import functools
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from piqa_cli.errors import UsageError
from piqa_cli.photos.globs import Globs
from piqa_cli.photos.pairing import pair
from piqa_cli.photos.suffixes import IMAGE_SUFFIXES, RAW_SUFFIXES, is_photo, is_raw
from piqa_cli.photos.walk import ProblemHandler, WalkRules, walk
from piqa_cli.records import PhotoFile

__all__ = ["IMAGE_SUFFIXES", "RAW_SUFFIXES", "discover", "read_path_list"]


def discover(
    paths: Sequence[Path],
    *,
    listed: Sequence[Path] = (),
    recursive: bool = True,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    apart: Sequence[Path] = (),
    along: Sequence[Path] = (),
    on_problem: ProblemHandler | None = None,
    on_unmatched: Callable[[str, str], None] | None = None,
) -> Iterator[PhotoFile]:
    """Find the photos among `paths`, then among `listed`, in the order named, each file once.

    A file that is named is yielded whatever its suffix. A folder is walked: files by name, then sub-folders by name;
    regular files with a suffix of `IMAGE_SUFFIXES` or `RAW_SUFFIXES`, no dot-files, no junk such as `@eaDir`, no
    symlinks (a named path may itself be a symlink, hidden or junk). `include` and `exclude` are shell patterns without
    regard to case, tried on the path relative to the walked folder and on the bare name (see `Globs`); of a file that
    is named, as a shell does with `shoot/*.jpg`, on its path as it is named. Exclude wins, and an excluded folder is
    not entered, nor is one in `apart` on the way through another. A JPEG or HEIC with a RAW file of the same stem in
    the same folder is one photo, and an include pattern may match either of the two.

    After the last photo `on_unmatched` gets "include" or "exclude" and the pattern for each one that matched nothing;
    not for one with folders in it where those were not looked into, nor for one that matches a file of `along`, which
    are those that were named and are not to be taken.

    A sub-folder that cannot be listed goes to `on_problem` as an `UnreadablePhoto`; the walk goes on.
    Raises UsageError at once, before the first photo, for one of `paths` that is missing, cannot be listed, or is
    neither file nor folder. One of `listed`, a list that some program made, is yielded as a photo instead, after all
    others: whoever reads it will see what is wrong.
    """
    wanted, unwanted = Globs(include), Globs(exclude)
    for path in along:
        wanted.match_named(path)
        unwanted.match_named(path)
    named: dict[Path, _Named] = {}  # two spellings of one path count once
    for item in map(_check, paths):
        if item.is_folder or not _is_excluded(item.path, unwanted):
            named.setdefault(item.real, item)
    lost: dict[Path, PhotoFile] = {}
    for path in (path for path in listed if not _is_excluded(path, unwanted) or path.is_dir()):
        try:
            item = _check(path)
        except UsageError:
            lost.setdefault(path, PhotoFile(path))
        else:
            named.setdefault(item.real, item)
    files = {item.real for item in named.values() if not item.is_folder}
    folders = named.keys() - files
    passed = {*folders, *(path.resolve() for path in apart)}
    rules = WalkRules(recursive, wanted, unwanted, files, passed, on_problem)
    return chain(_find(list(named.values()), rules), lost.values(), _tell_unmatched(rules, on_unmatched))


def read_path_list(stream: BinaryIO) -> list[Path]:
    """Paths from a stream, separated by NUL if there is any NUL byte in it (`find -print0`), by newline otherwise.

    Bytes are decoded as file names are (`os.fsdecode`); empty lines are skipped, and the CR of a CRLF list is dropped,
    as is the byte-order mark that some editors put before a text. A text in UTF-16 with its mark, as Windows writes
    one, is understood.
    """
    data = stream.read().removeprefix(codecs.BOM_UTF8)
    if (data[:2], data[3:4]) == (codecs.BOM_UTF16_LE, b"\0") or (data[:2], data[2:3]) == (codecs.BOM_UTF16_BE, b"\0"):
        data = data.decode("utf-16", errors="replace").encode()
    entries = data.split(b"\0") if b"\0" in data else (line.removesuffix(b"\r") for line in data.split(b"\n"))
    return [Path(os.fsdecode(entry)) for entry in entries if entry]


@dataclass(frozen=True)
class _Named:
    """A path from the command line, or from a list."""

    path: Path
    real: Path
    is_folder: bool


def _check(path: Path) -> _Named:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            os.scandir(path).close()
    except FileNotFoundError:
        if path.is_symlink():
            hint = "leave it out, or name its folder: links in there are passed over"
            raise UsageError(f"a link that leads nowhere: {_shown(path)}", hint=hint) from None
        pattern = "*" in path.name  # a shell leaves it as it is where it finds nothing
        hint = "no name is like that, capitals included" if pattern else "check the spelling of the path"
        raise UsageError(f"no such file or folder: {_shown(path)}", hint=hint) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {_shown(path)}: {reason}", hint="check the path and its permissions") from None
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise UsageError(f"neither a file nor a folder: {_shown(path)}", hint="name photo files or folders of photos")
    return _Named(path, path.resolve(), stat.S_ISDIR(mode))


def _find(named: Sequence[_Named], rules: WalkRules) -> Iterator[PhotoFile]:
    # Bounded: a long list that jumps between folders lists some of them again rather than holding them all.
    partners_in = functools.lru_cache(maxsize=64)(_partners_in)
    for item in named:
        if item.is_folder:
            yield from walk(item.path, rules)
            continue
        partner = partners_in(item.path.parent).get(item.path.name)
        if partner is not None and _is_excluded(item.path.with_name(partner), rules.exclude):
            partner = None
        mate = None if partner is None or is_raw(item.path.name) else item.path.with_name(partner)
        included = [rules.include.match_named(path) for path in (item.path, mate) if path]  # all: each may match
        if rules.include and not any(included):
            continue
        if partner is None or not is_raw(item.path.name):
            yield PhotoFile(item.path, mate)
        elif item.real.with_name(partner) not in rules.named_files:
            yield PhotoFile(item.path)  # the JPEG beside it was not asked for


def _tell_unmatched(rules: WalkRules, on_unmatched: Callable[[str, str], None] | None) -> Iterator[PhotoFile]:
    """No photo."""
    if on_unmatched is not None:
        for kind, globs in (("include", rules.include), ("exclude", rules.exclude)):
            for pattern in globs.unmatched:
                if rules.recursive or "/" not in pattern.strip("/"):
                    on_unmatched(kind, pattern)
    yield from ()


def _is_excluded(path: Path, exclude: Globs) -> bool:
    """Whether a pattern matches a file that was named, or one of the folders that were named with it."""
    return bool(exclude) and any(map(exclude.match_named, (path, *path.parents)))


def _partners_in(folder: Path) -> dict[str, str]:
    """Both ways, name -> name of the other file of the shot; empty where the folder cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            pairs = pair(
                [entry.name for entry in entries if is_photo(entry.name) and entry.is_file(follow_symlinks=False)]
            )
    except OSError:
        return {}
    return {one: other for name, raw in pairs if raw for one, other in ((name, raw), (raw, name))}


def _shown(path: Path) -> str:
    """The path on one line, with line breaks and undecodable bytes escaped."""
    text = str(path)
    return text if text.isprintable() else repr(text)
