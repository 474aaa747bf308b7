"""Scores of earlier runs, kept in one SQLite file, so that a run repeats only what is new or changed.

A row answers for a photo while its absolute path, size and modification time, the model's fingerprint and piqa's
version are the same. Rows with status `error` also need the same pixel limit and the same decoders, because another
`--max-megapixels` or an installed extra can turn them into scores; errors of files that cannot be opened are not kept.

The cache is a help, never a condition: whatever is wrong with it becomes a note and the run goes on without it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Self

from platformdirs import user_cache_path

from piqa_cli import __version__
from piqa_cli.model.store import ModelFolder
from piqa_cli.photos.absolute import absolute
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.cache_record import from_json, resized, to_json

FILE_NAME = "scores.sqlite"
BUSY_TIMEOUT_S = 10.0  # how long a second piqa waits for the first one's transaction
_APPLICATION_ID = 0x70697161  # "piqa"
_LAYOUT = 11
_OWN_NAME = f"scores-{_LAYOUT}.sqlite"  # where FILE_NAME is a later piqa's
_OLD_LAYOUTS = range(1, _LAYOUT)  # no score of these is used
_DECODERS = ("pillow", "pillow-heif", "rawpy")
_CREATE = """
CREATE TABLE IF NOT EXISTS scores (
    path BLOB NOT NULL, fingerprint TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    version TEXT NOT NULL, circumstances TEXT NOT NULL, record TEXT NOT NULL, embedding BLOB,
    PRIMARY KEY (path, fingerprint))
"""
_SELECT = """
SELECT size, mtime_ns, version, circumstances, record, embedding FROM scores WHERE path = ? AND fingerprint = ?
"""
_INSERT = "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT_SCORED = """
SELECT record, fingerprint FROM scores WHERE path = ? AND size = ? AND mtime_ns = ? AND circumstances = ''
"""
_UPDATE = """
UPDATE OR REPLACE scores SET record = ?, path = ?, size = ?, mtime_ns = ?
WHERE fingerprint = ? AND path = ? AND size = ? AND mtime_ns = ?
"""

Note = Callable[[str], None]
Stamp = tuple[int, int]  # size in bytes, modification time in nanoseconds
Answer = tuple[PhotoFile, Stamp | None, PhotoScore | None]
Change = tuple[Path, os.stat_result, Path, os.stat_result]  # of a file: where and what it was, and is now


class _LaterLayoutError(sqlite3.DatabaseError):
    """The file is a result cache of a later piqa."""


def default_cache_dir() -> Path:
    """The user's cache folder for piqa."""
    return user_cache_path("piqa", appauthor=False)


class ResultCache:
    """An open result cache. After trouble that cannot be mended it answers nothing and keeps nothing."""

    def __init__(self, file: Path, connection: sqlite3.Connection | None, on_note: Note) -> None:
        self._file = file
        self._connection = connection
        self._note = on_note

    @classmethod
    def open(cls, folder: Path | None = None, *, on_note: Note = lambda _: None) -> Self:
        """Open the cache in `folder`, the user's cache folder by default. Never raises; `on_note` hears of trouble."""
        file = (folder or default_cache_dir()) / FILE_NAME
        cache = cls(file, None, on_note)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            cache._connection = _connect(file)
        except _LaterLayoutError:
            cache._stand_beside()
        except (sqlite3.Error, OSError) as error:
            cache._recover(error)
        return cache

    def close(self) -> None:
        """Close the database; the cache is empty from then on."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def lookup(self, files: Iterable[PhotoFile], model: ModelFolder, max_megapixels: float) -> list[Answer]:
        """What is known of each file: (file, its stamp or None if it cannot be stat'ed, its score or None).

        The stamp is taken here, before the photo is read, and goes back into `store`: a photo that changes while it
        is scored is then scored again next time.
        """
        answers: list[Answer] = []
        for file in files:
            stamp = _stamp(file.path)
            known = None if stamp is None else self._find(file, stamp, model, max_megapixels)
            answers.append((file, stamp, known))
        return answers

    def store(self, scores: Sequence[tuple[PhotoScore, Stamp]], model: ModelFolder, max_megapixels: float) -> None:
        """Keep these scores, all of them in one transaction."""
        if self._connection is None:
            return
        rows = [_row(score, stamp, model, max_megapixels) for score, stamp in scores if _is_lasting(score, stamp)]
        try:
            with self._connection:
                self._connection.executemany(_INSERT, rows)
        except sqlite3.Error as error:
            self._recover(error)

    def follow(self, changes: Iterable[Change]) -> None:
        """Let scores answer for photos that piqa itself has just moved, or whose metadata it wrote: the pixels stayed.

        In the order of the changes, and only of a file that was the one that had been scored. Errors are of the whole
        file, and stay behind.
        """
        if self._connection is None:
            return
        try:
            with self._connection:
                for was, before, path, after in changes:
                    _follow(self._connection, (was, _stamp_of(before)), (path, _stamp_of(after)))
        except sqlite3.Error as error:
            self._recover(error)

    def _find(self, file: PhotoFile, stamp: Stamp, model: ModelFolder, max_megapixels: float) -> PhotoScore | None:
        if self._connection is None:
            return None
        try:
            row = self._connection.execute(_SELECT, (_path_key(file.path), model.fingerprint)).fetchone()
        except sqlite3.Error as error:
            self._recover(error)
            return None
        if row is None or row[:3] != (*stamp, __version__):
            return None
        score = from_json(row[4], row[5], file, model.id)
        return score if score and _still_holds(score, row[3], max_megapixels) else None

    def _stand_beside(self) -> None:
        """Leave a later piqa its cache, and take a file of this one's own."""
        later, self._file = self._file, self._file.with_name(_OWN_NAME)
        self._note(
            f"the result cache {later} is a later piqa's; this one keeps its scores in {self._file.name} beside it"
        )
        try:
            self._connection = _connect(self._file)
        except (sqlite3.Error, OSError) as error:
            self._recover(error)

    def _recover(self, error: sqlite3.Error | OSError) -> None:
        """Start afresh where the file is damaged or not ours; otherwise go on without a cache."""
        self.close()
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            try:
                aside = _set_aside(self._file)
                self._connection = _connect(self._file)
                self._note(f"the result cache was not readable ({error}); started a new one, the old one is {aside}")
                return
            except (sqlite3.Error, OSError) as second:
                error = second
        why = f"{error.strerror}; --cache-dir names another place" if isinstance(error, OSError) else error
        self._note(f"going on without the result cache {self._file}: {why}")


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=BUSY_TIMEOUT_S)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Make sure that the file is ours, and create the table in a new one or one of an earlier layout.

    Raises:
        _LaterLayoutError: the file is laid out by a later piqa.
        sqlite3.DatabaseError: the file is no database, or another program's.
    """
    # Count first: a table that is there was committed together with the two marks.
    is_new = _one(connection, "SELECT count(*) FROM sqlite_schema") == 0
    marks = (_one(connection, "PRAGMA application_id"), _one(connection, "PRAGMA user_version"))
    is_old = marks[0] == _APPLICATION_ID and marks[1] in _OLD_LAYOUTS
    if marks[0] == _APPLICATION_ID and isinstance(marks[1], int) and marks[1] > _LAYOUT:
        raise _LaterLayoutError
    if not (is_new or is_old) and marks != (_APPLICATION_ID, _LAYOUT):
        raise sqlite3.DatabaseError("it is no result cache of piqa")
    with suppress(sqlite3.OperationalError):  # some file systems have no WAL; the rollback journal works everywhere
        _one(connection, "PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if is_new or is_old:
        _create(connection)


def _create(connection: sqlite3.Connection) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if _one(connection, "PRAGMA user_version") in _OLD_LAYOUTS:  # asked again: another piqa may have been faster
            connection.execute("DROP TABLE IF EXISTS scores")
        connection.execute(_CREATE)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_LAYOUT}")


def _one(connection: sqlite3.Connection, statement: str) -> object:
    return connection.execute(statement).fetchone()[0]


def _set_aside(file: Path) -> Path:
    """Rename the database and its journals to the first free name."""
    number = next(n for n in range(1, 10_000) if not file.with_name(f"{file.name}.broken-{n}").exists())
    target = file.with_name(f"{file.name}.broken-{number}")
    for suffix in ("-wal", "-shm", ""):
        part = file.with_name(file.name + suffix)
        if part.exists():
            part.replace(target.with_name(target.name + suffix))
    return target


def _path_key(path: Path) -> bytes:
    return os.fsencode(absolute(path))


def _stamp(path: Path) -> Stamp | None:
    try:
        return _stamp_of(os.stat(path))  # noqa: PTH116 - called for every photo of the collection
    except (OSError, ValueError):
        return None


def _stamp_of(status: os.stat_result) -> Stamp | None:
    return (status.st_size, status.st_mtime_ns) if abs(status.st_mtime_ns) < 2**63 else None


def _follow(
    connection: sqlite3.Connection, before: tuple[Path, Stamp | None], after: tuple[Path, Stamp | None]
) -> None:
    if before[1] is None or after[1] is None:
        return
    old, new = (_path_key(before[0]), *before[1]), (_path_key(after[0]), *after[1])
    for record, fingerprint in connection.execute(_SELECT_SCORED, old).fetchall():
        with suppress(ValueError):  # damaged: it answers for nothing
            connection.execute(_UPDATE, (resized(record, after[1][0]), *new, fingerprint, *old))


def _row(score: PhotoScore, stamp: Stamp, model: ModelFolder, max_megapixels: float) -> tuple[object, ...]:
    circumstances = _circumstances(max_megapixels) if score.status == "error" else ""
    known_by = (_path_key(score.path), model.fingerprint, *stamp)
    return (*known_by, __version__, circumstances, to_json(score), score.embedding)


def _is_lasting(score: PhotoScore, stamp: Stamp) -> bool:
    """Permission and presence can change without a new modification time, so an error must be one of the content."""
    if score.status != "error":
        return True
    try:
        # Not blocking: a FIFO may have taken the photo's place, and opening one waits for its writer.
        os.close(os.open(score.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)))
        return _stamp(score.path) == stamp
    except OSError:
        return False


def _still_holds(score: PhotoScore, circumstances: str, max_megapixels: float) -> bool:
    if score.status == "error":
        return circumstances == _circumstances(max_megapixels)
    return (score.width or 0) * (score.height or 0) <= max_megapixels * 1_000_000


@cache
def _circumstances(max_megapixels: float) -> str:
    """What an error may depend on besides the file."""
    return " ".join([f"{max_megapixels:g}MP", *(f"{name}={_version(name)}" for name in _DECODERS)])


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"
