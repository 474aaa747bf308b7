"""Score tables as CSV, Parquet, JSON lines and JSON: to a file, all or nothing, or to a stream."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from piqa_cli.errors import OutputError
from piqa_cli.photos.content import sniff
from piqa_cli.photos.suffixes import is_photo

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("csv", "parquet", "jsonl", "json")
_SUFFIXES = ", ".join(f".{name}" for name in FORMATS)
_NO_PHOTOS = "photos are never overwritten: name a new file for the results"


def format_of(path: Path) -> str:
    """The format that the file's suffix stands for, one of `FORMATS`.

    Raises:
        OutputError: no suffix or another one.
    """
    name = path.suffix.lower().removeprefix(".")
    if name not in FORMATS:
        what = f"unknown suffix {path.suffix!r}" if path.suffix else "no suffix"
        raise OutputError(f"cannot write {path}: {what}", path=path, hint=f"end the name in one of {_SUFFIXES}")
    return name


def check_target(path: Path, *, any_suffix: bool = False) -> None:
    """Find out what would stop `write_table`, before hours of scoring; or `write_bytes`, which takes `any_suffix`.

    Nothing is created.

    Raises:
        OutputError: unknown suffix, missing or read-only folder, or a photo or something that is no plain file in the
            way.
    """
    if not any_suffix:
        format_of(path)
    check_place(path)
    target = _behind_links(path)
    if is_photo(path.name) or is_photo(target.name):
        raise refusal(path, "that is the name of a photo", _NO_PHOTOS)
    if _holds_photo(target):
        raise refusal(path, "it is a photo, whatever its name says", _NO_PHOTOS)


def check_place(path: Path) -> None:
    """The part of `check_target` that goes by the place alone. A photo in the way is the caller's business.

    Raises:
        OutputError: missing or read-only folder, or something that is no plain file in the way.
    """
    if path.exists() and not path.is_file():  # asked of the link: what /dev/stdout leads to may have no name
        stream = "" if path.is_dir() else ", or use --format and redirect the output"
        raise refusal(path, "it is no plain file", f"choose another name{stream}")
    target = _behind_links(path)
    folder = target.parent
    if not folder.is_dir():
        raise refusal(path, f"no folder {folder}", "create it first, or choose another place")
    if target.exists() and not os.access(target, os.W_OK):
        raise refusal(path, "the file is read-only", "choose another name, or make it writable")
    if not os.access(folder, os.W_OK):
        raise refusal(path, f"the folder {folder} is read-only", "choose another place")


def write_table(frame: pl.DataFrame, path: Path) -> None:
    """Write the table to `path` in the format that its suffix stands for.

    The file is complete or not touched at all: the bytes go to a temporary file beside it, which then takes its
    place. An existing file keeps its permissions; a symbolic link stays one. Only a file that is a mount of its own
    (`docker run -v FILE:FILE`) cannot be replaced, and is written to.

    Raises:
        OutputError: see `check_target`; or the disk is full, the folder went away, and so on.
    """
    check_target(path)
    write_bytes(serialize(frame, format_of(path)), path)


def write_bytes(data: bytes, path: Path) -> None:
    """Write a whole file or none, see `write_table`.

    Raises:
        OutputError: the disk is full, the folder went away, and so on.
    """
    try:
        _replace(_behind_links(path), data)
    except OSError as error:
        raise refusal(path, error.strerror or str(error), "free the disk or choose another place") from error


def to_stream(frame: pl.DataFrame, form: str, stream: BinaryIO) -> None:
    """Write the table to an open binary stream."""
    stream.write(serialize(frame, form))
    stream.flush()


def serialize(frame: pl.DataFrame, form: str) -> bytes:
    """The table as the bytes of one of `FORMATS`. CSV and JSON are UTF-8 without a byte order mark.

    Columns that others have added may hold what a format has no cells for: lists and objects are JSON in CSV, bytes are
    hexadecimal in CSV and JSON.
    """
    frame = _with_text(frame, form)
    writers: dict[str, Callable[[io.BytesIO], object]] = {
        "csv": frame.write_csv,
        "parquet": frame.write_parquet,
        "jsonl": frame.write_ndjson,
        "json": lambda file: frame.write_json(file),
    }
    buffer = io.BytesIO()
    writers[form](buffer)
    return buffer.getvalue()


def _with_text(frame: pl.DataFrame, form: str) -> pl.DataFrame:
    import polars as pl  # see `commands.rank_run`

    def fits(dtype: pl.DataType) -> bool:
        if form == "csv":
            return not dtype.is_nested() and dtype not in (pl.Binary, pl.Duration)
        return form == "parquet" or "Binary" not in str(dtype)  # in a list, too

    odd = [column for column in frame if not fits(column.dtype)]
    return frame.with_columns(pl.Series(column.name, map(_text, column.to_list()), pl.String) for column in odd)


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=_text)
    return None if value is None else str(value)


def _replace(target: Path, data: bytes) -> None:
    folder = target.parent.resolve()  # `tempfile` does not follow a link that `..` comes behind
    handle, name = tempfile.mkstemp(prefix=f".{target.stem[:40]}-", suffix=".tmp", dir=folder)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            _write(stream, data)
        temporary.chmod(_mode_for(target))
        try:
            temporary.replace(target)
        except OSError as error:
            if error.errno != errno.EBUSY or not target.is_file():
                raise
            with target.open("wb") as stream:
                _write(stream, data)
            temporary.unlink()
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _write(stream: BinaryIO, data: bytes) -> None:
    """Down to the disk."""
    stream.write(data)
    stream.flush()
    os.fsync(stream.fileno())


def _mode_for(target: Path) -> int:
    """The old file's permissions, else what a newly created file would get."""
    return stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~current_umask()


def current_umask() -> int:
    """The permissions that new files and folders of this process do not get; the system tells only while setting."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _behind_links(path: Path) -> Path:
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _holds_photo(target: Path) -> bool:
    try:
        with target.open("rb") as file:
            return sniff(file, target) is not None
    except OSError:  # not there, mostly
        return False


def refusal(path: Path, what: str, hint: str) -> OutputError:
    """The error for a file or folder that cannot be written."""
    return OutputError(f"cannot write {path}: {what}", path=path, hint=hint)
