"""Pictures beside a page, in a folder named after both, so that page and pictures always fit each other.

`ASSETS/3f9a1c0b7d2e/thumbs/000000.webp`: every version of a report has a folder of its own, also where another page
shows the same pictures. It is complete before the page that needs it appears, and older ones of the same page go only
after that. A folder of piqa's making holds a file that says so; nothing else is ever removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from piqa_cli.errors import OutputError
from piqa_cli.outputs.tabular import current_umask
from piqa_cli.photos.walk import OWN_PICTURES
from piqa_cli.report.pictures import SUFFIX, Pictures

_KIND = "piqa report assets"
_PARTS = ("thumbs", "faces")
_STAGING_PREFIX = ".piqa-report-"
_NAME_DIGITS = 16


class AssetFolder:
    """Takes the pictures of one report, photo after photo. Left without `finish`, it leaves nothing behind."""

    def __init__(self, folder: Path, page: Path) -> None:
        """`folder` is the one that is asked for, `page` the report that will use it."""
        self._folder = folder
        self._page = _seen_from(folder.resolve(), page.parent.resolve() / page.name)  # pages may share it by links
        self._digest = hashlib.sha256(os.fsencode(self._page) + b"\0")
        self._count = 0
        self._made: list[Path] = []
        self._staging: Path | None = None

    def __enter__(self) -> Self:
        try:
            self._made = _make_folders(self._folder)
            self._staging = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=self._folder))
            for part in _PARTS:
                (self._staging / part).mkdir()
        except OSError as error:
            self._clean_up()
            raise _refusal(self._folder, error.strerror or str(error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._clean_up()

    def add(self, pictures: Pictures) -> None:
        """Store the pictures of the next photo.

        Raises:
            OutputError: the disk is full, and so on.
        """
        assert self._staging is not None
        name = file_name(self._count)
        self._count += 1
        for part, data in zip(_PARTS, (pictures.thumb, pictures.face), strict=True):
            self._digest.update(len(data or b"").to_bytes(8, "little") + (data or b""))
            if data is not None:
                self._write(self._staging / part / name, data)

    def finish(self) -> Path:
        """Give the folder its name -> where it is now. Older versions are still there, see `remove_others`."""
        assert self._staging is not None
        target = self._folder / self._digest.hexdigest()[:_NAME_DIGITS]
        marker = {"kind": _KIND, "version": 1, "page": self._page, "photos": self._count}
        self._write(self._staging / OWN_PICTURES, (json.dumps(marker) + "\n").encode("ascii"))
        try:
            if not _holds_all_of(self._staging, target):
                if _marker_of(target) is not None:  # the same pictures as before, but some have been lost
                    _remove(target)
                self._staging.chmod(0o777 & ~current_umask())
                self._staging.rename(target)
                self._staging = None
        except OSError as error:
            raise _refusal(target, error.strerror or str(error)) from error
        self._made = []
        return target

    def remove_others(self, current: Path) -> None:
        """Remove the pictures of earlier versions of the same page; trouble with that is no reason to fail."""
        with suppress(OSError):
            for found in sorted(self._folder.iterdir()):
                marker = None if found == current or found.is_symlink() else _marker_of(found)
                if marker is not None and marker.get("page") == self._page:
                    _remove(found)

    def _write(self, path: Path, data: bytes) -> None:
        try:
            path.write_bytes(data)
        except OSError as error:
            raise _refusal(path, error.strerror or str(error)) from error

    def _clean_up(self) -> None:
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)  # made by this very object
            self._staging = None
        for folder in reversed(self._made):
            with suppress(OSError):
                folder.rmdir()


def _seen_from(folder: Path, page: Path) -> str:
    """The page relative to the folder, or as it is where no way leads there: on Windows from another drive."""
    try:
        return os.path.relpath(page, folder)
    except ValueError:
        return str(page)


def file_name(index: int) -> str:
    """The name of a picture of the photo in this row."""
    return f"{index:06}.{SUFFIX}"


def _make_folders(folder: Path) -> list[Path]:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
    return missing[::-1]


def _marker_of(folder: Path) -> dict[str, object] | None:
    try:
        marker = json.loads((folder / OWN_PICTURES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(marker, dict) and marker.get("kind") == _KIND and isinstance(marker.get("photos"), int)
    return marker if ours else None


def _holds_all_of(staging: Path, target: Path) -> bool:
    parts = ((staging / part, target / part) for part in _PARTS)
    return _marker_of(target) is not None and all(set(_listed(new)) <= set(_listed(old)) for new, old in parts)


def _remove(folder: Path) -> None:
    """Take out what piqa put there, by name; the folder itself only if that was all."""
    marker = _marker_of(folder)
    count = marker["photos"] if marker else 0
    assert isinstance(count, int)
    names = {file_name(index) for index in range(count)}
    for part in _PARTS:
        for name in sorted(names & set(_listed(folder / part))):
            (folder / part / name).unlink()
        with suppress(OSError):
            (folder / part).rmdir()
    (folder / OWN_PICTURES).unlink()
    with suppress(OSError):
        folder.rmdir()


def _listed(folder: Path) -> list[str]:
    try:
        return [] if folder.is_symlink() else os.listdir(folder)  # noqa: PTH208 - names, not paths
    except OSError:
        return []


def _refusal(path: Path, what: str) -> OutputError:
    return OutputError(f"cannot write {path}: {what}", path=path, hint="choose another place with --assets DIR")
