"""What the caches of training have in common: one SQLite file, one photo's worth at a time, safe against a kill."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Self

from piqa_cli.errors import OutputError

BUSY_TIMEOUT_S = 60.0  # how long one training run waits for another one's transaction
COMMIT_EVERY = 32  # photos: what a killed run loses at most
COMMIT_AFTER_S = 1.0  # sooner where photos take long: nobody else can write in between


class SqliteStore:
    """A context manager; what was put survives a killed process, but for the last few photos.

    Args:
        file: the database; its folder is made where it is missing.
        content: what is kept, in words, for messages.
        create: statements that make the tables where they are missing.

    Raises:
        OutputError: the file cannot be made, read or written, from any method.
    """

    def __init__(self, file: Path, content: str, create: Sequence[str]) -> None:
        self.file, self._content = file, content
        self._unsaved, self._saved_at = 0, monotonic()
        with self._failing():
            file.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(file, timeout=BUSY_TIMEOUT_S)
            try:
                for statement in create:
                    self._database.execute(statement)
                self._database.commit()
            except BaseException:
                self._database.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._failing(), contextlib.closing(self._database):
            self._database.commit()

    def _count_photo(self) -> None:
        """Called after each photo's changes; commits now and then."""
        self._unsaved += 1
        if self._unsaved >= COMMIT_EVERY or monotonic() - self._saved_at >= COMMIT_AFTER_S:
            self._database.commit()
            self._unsaved, self._saved_at = 0, monotonic()

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            message = f"{self.file}: the cache of {self._content} cannot be used: {error}"
            hint = "delete the file, or choose another folder with --cache-dir"
            raise OutputError(message, path=self.file, hint=hint) from error
