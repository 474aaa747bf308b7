"""Every error that piqa raises on purpose.

PiqaError                 a person can act on it; `hint` says how
├── UsageError            wrong option, missing path, empty folder           -> exit code 2
├── ModelError            a model folder is missing, damaged or foreign      -> exit code 2
├── OutputError           a result could not be written                      -> exit code 2
├── EngineError           a worker process or the device failed in mid-run   -> exit code 2, what is done is saved
└── PhotoError            one photo could not be used; becomes a row, never stops a run
    ├── UnreadablePhoto   missing, empty, no permission, vanished
    ├── BrokenPhoto       truncated or damaged
    ├── NotAPhoto         the content is no supported image
    └── PhotoTooLarge     more pixels than the limit allows
"""

from __future__ import annotations

from pathlib import Path


class PiqaError(Exception):
    """A failure with a message for a person: one line that says what is wrong, and a hint that says what to do."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = _one_line(message)
        self.hint = hint
        super().__init__(self.message)


def _one_line(text: str) -> str:
    """Text that may quote a foreign file, its invisible characters written out: a message is one line, and harmless."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or 0xDC80 <= ord(c) <= 0xDCFF else repr(c)[1:-1] for c in text)


class UsageError(PiqaError):
    """The command was called in a way that cannot work."""


class ModelError(PiqaError):
    """A model folder cannot be used."""

    def __init__(self, message: str, *, path: Path | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path


class OutputError(PiqaError):
    """A result file cannot be written."""

    def __init__(self, message: str, *, path: Path | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path


class EngineError(PiqaError):
    """Scoring cannot go on: a worker process was killed, or the device gave up."""


class PhotoError(PiqaError):
    """One photo cannot be scored. `message` is the reason without the path, `path` the file."""

    def __init__(self, message: str, *, path: Path, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip from a worker process to the main one."""
        return (_rebuild_photo_error, (type(self), self.message, self.path, self.hint))


def _rebuild_photo_error(kind: type[PhotoError], message: str, path: Path, hint: str | None) -> PhotoError:
    return kind(message, path=path, hint=hint)


class UnreadablePhoto(PhotoError):
    """The file is missing, empty, not permitted, or went away while it was read."""


class BrokenPhoto(PhotoError):
    """The file starts like a photo but is truncated or damaged."""


class NotAPhoto(PhotoError):
    """The content is no image in a supported format."""


class PhotoTooLarge(PhotoError):
    """The image has more pixels than `--max-megapixels` allows."""
