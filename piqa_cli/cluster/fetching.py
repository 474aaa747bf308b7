"""Photos as local files: those on a disk as they are, objects copied into a temporary folder a few ahead."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fsspec.callbacks import Callback

from piqa_cli.cluster.photos import NamedPhoto
from piqa_cli.cluster.places import filesystem, is_uri, reason_of
from piqa_cli.errors import EngineError, PiqaError
from piqa_cli.photos.suffixes import split_name
from piqa_cli.scoring.ahead import in_order

READERS = 8  # objects on their way at a time; a store answers slowly, but many at once


@dataclass(frozen=True, slots=True)
class Fetched:
    """A photo and where it can be read, or why it cannot."""

    photo: NamedPhoto
    path: Path  # a stand-in where there is a reason
    reason: str | None = None
    is_copy: bool = False

    def discard(self) -> None:
        """Remove the copy; a photo on a disk is left alone."""
        if self.is_copy:
            with suppress(OSError):
                self.path.unlink()


def fetched(photos: Iterable[NamedPhoto], base: Path, work: Path) -> Generator[Fetched]:
    """Every photo, in order, with at most `READERS` of them copied before they are asked for.

    Args:
        photos: by URI or path.
        base: what relative paths start from.
        work: an empty folder for the copies; whoever takes one discards it.

    An object of more than a share of that disk (its size over `READERS`) is not copied, and has a reason instead.

    Raises:
        EngineError: there is no room for the copies, which is no fault of the photos.
    """
    most = shutil.disk_usage(work).total // READERS
    with ThreadPoolExecutor(READERS, thread_name_prefix="piqa-reader") as threads:
        copies = (
            threads.submit(_fetch, photo, base, work / f"{index:05}{_suffix(photo.name)}", most)
            for index, photo in enumerate(photos)
        )
        yield from in_order(copies, READERS)


def _suffix(name: str) -> str:
    """Of the last part alone: a bucket's name may have dots as well."""
    return split_name(name.rpartition("/")[2])[1]


def _check_room(most: int, size: int | None, _: int) -> None:
    """fsspec says how large an object is before its first byte comes. Raises PiqaError where `size` is too much."""
    if size is not None and size > most:
        sizes = f"{size / 1e9:.2g} GB, where {READERS} at a time have {READERS * most / 1e9:.2g} GB"
        raise PiqaError(f"too large for a copy: {sizes} of disk for copies")


def _fetch(photo: NamedPhoto, base: Path, target: Path, most: int) -> Fetched:
    if not is_uri(photo.name):
        return Fetched(photo, base / photo.name)  # `..` stays: behind a link it leads where the link does
    try:
        fs, key = filesystem(photo.name)
        fs.get_file(key, str(target), callback=Callback(hooks={"room": partial(_check_room, most)}))
    except FileNotFoundError:
        return Fetched(photo, target, "no such object")
    except PiqaError as error:
        return Fetched(photo, target, error.message, is_copy=True)
    except Exception as error:  # every store has exceptions of its own; one photo never stops a run
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "free that disk, or set TMPDIR to a larger one on every machine; finished partitions are kept"
            raise EngineError(
                f"no room for a copy of {photo.name} in {target.parent}: {error.strerror}", hint=hint
            ) from error
        return Fetched(photo, target, f"cannot be read: {reason_of(error)}", is_copy=True)
    return Fetched(photo, target, is_copy=True)
