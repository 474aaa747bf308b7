"""Bringing files from place to place: never onto another file, never a half file, never away before it is safe.

`remove_twin` is the only way in which a file's name disappears without coming up elsewhere at once, and it insists on
seeing the same content under another name.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from piqa_cli.errors import PhotoError, UnreadablePhoto
from piqa_cli.photos.opening import is_regular
from piqa_cli.ranking.rename import rename_exclusively

_CHUNK = 1 << 20


def move_file(source: Path, target: Path, part: Path, on_copied: Callable[[str], None]) -> None:
    """Move a regular file to a name that is free, between file systems as well.

    Where it must be copied, the copy is written to `part`, put on disk, read back and compared; then `on_copied` is
    called with its SHA-256, it gets its name, and only then the source goes. Raises FileExistsError, other OSErrors,
    PhotoError where the source changes meanwhile; the source is then still there.
    """
    if not is_regular(source):
        raise UnreadablePhoto("no regular file, or no longer there", path=source)
    if not rename_exclusively(source, target):
        content = copy_file(source, target, part, on_copied)
        remove_twin(source, target, content)
    sync_folder(target.parent)
    sync_folder(source.parent)


def copy_file(source: Path, target: Path, part: Path, on_copied: Callable[[str], None]) -> str:
    """Copy with times and mode; verified as in `move_file`. Returns the SHA-256 of the content in hex."""
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "is there already", str(target))
    before = source.stat()
    try:
        content = _write_part(source, part)
        if _signature(source.stat()) != _signature(before):
            raise PhotoError("changed while it was copied", path=source, hint="run it again")
        on_copied(content)
        publish(part, target)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(target.parent)
    return content


def publish(part: Path, target: Path) -> None:
    """Give a finished file its name, which must be free."""
    if rename_exclusively(part, target):
        return
    # A file system that knows neither links nor exclusive renames: hold the name, then put the file there.
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    part.replace(target)


def remove_twin(path: Path, twin: Path, content: str | None = None) -> None:
    """Remove `path` because the same content is at `twin`: one file under two names, or equal SHA-256.

    `content` is the digest that both must have. Raises PhotoError where they differ, or where `twin` leads to `path`
    itself by way of a linked folder; nothing is removed then.
    """
    if same_file(path, twin):
        if path.lstat().st_nlink < 2:
            raise PhotoError(f"the only one there is: {twin} leads to it; it stays", path=path)
    else:
        digests = {sha256_of(path), sha256_of(twin), *([content] if content else [])}
        if len(digests) != 1:
            raise PhotoError(f"differs from {twin}; it stays", path=path)
    path.unlink()


def same_file(one: Path, other: Path) -> bool:
    """One file under two different names (hard links)? False where either is missing."""
    try:
        return os.path.samestat(one.lstat(), other.lstat())
    except OSError:
        return False


def is_empty(path: Path) -> bool:
    """A regular file without any content."""
    return is_regular(path) and path.stat().st_size == 0


def same_content(one: Path, other: Path) -> bool:
    """Equal byte for byte? False where either is missing or cannot be read."""
    try:
        return one.stat().st_size == other.stat().st_size and sha256_of(one) == sha256_of(other)
    except OSError:
        return False


def sha256_of(path: Path) -> str:
    """Of the file's content, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_part(part: Path, content: bytes) -> None:
    """A new file, on disk when this returns."""
    with _create(part, 0o666) as file:
        file.write(content)
        _sync(file)


def replace_content(
    path: Path, content: bytes, seen: os.stat_result, part: Path, modified_ns: int | None
) -> os.stat_result:
    """Put other content into a file at once; mode and extended attributes stay. `modified_ns` None: modified now.

    `seen` is what the file was when its content was read; what it is now is returned. Raises PhotoError where it
    changed since, OSError.
    """
    try:
        write_part(part, content)
        shutil.copystat(path, part)
        _keep_owner(part, seen)
        if modified_ns is None:
            os.utime(part)
        else:
            os.utime(part, ns=(seen.st_atime_ns, modified_ns))
        if sha256_of(part) != hashlib.sha256(content).hexdigest():
            raise PhotoError("what was written reads back differently; is the disk sound?", path=path)
        if _signature(path.stat()) != _signature(seen):
            raise PhotoError("changed while marks were written", path=path, hint="run it again")
        written = part.stat()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)
    return written


def sync_folder(folder: Path) -> None:
    """Make new and gone names in the folder durable; where the system cannot, it does so by itself."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _write_part(source: Path, part: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as reader, _create(part, 0o600) as writer:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            writer.write(chunk)
        _sync(writer)
    shutil.copystat(source, part)
    if sha256_of(part) != digest.hexdigest():
        raise PhotoError("the copy differs from the original; is the disk sound?", path=source)
    return digest.hexdigest()


def _create(part: Path, mode: int) -> BinaryIO:
    return os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), mode), "wb")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    if hasattr(os, "posix_fadvise"):  # so that reading it back asks the disk, not the memory
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _keep_owner(part: Path, seen: os.stat_result) -> None:
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):  # only an administrator can give files away
            os.chown(part, seen.st_uid, seen.st_gid)


def _signature(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino
