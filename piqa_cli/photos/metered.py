"""A file that gives only so much: a bound on the work of a parser that believes every count in it."""

from __future__ import annotations

from typing import BinaryIO, cast

MOST_READS = 50_000  # a photo with long maker notes takes a few thousand
_BEHIND_THE_END = 25  # what a read counts that finds nothing: only lying offsets lead there
MOST_BYTES = 64 * 1024 * 1024


def metered(file: BinaryIO) -> BinaryIO:
    """The file, for a parser that only reads, seeks and tells."""
    return cast(BinaryIO, Metered(file))


class Metered:
    """A binary file for reading that raises ValueError after too many reads, or too many bytes read."""

    def __init__(self, file: BinaryIO, reads: int = MOST_READS, most_bytes: int = MOST_BYTES) -> None:
        self._file = file
        self._reads = reads
        self._bytes = most_bytes

    def read(self, size: int = -1) -> bytes:
        """As of a file; never more than what is left to give."""
        wanted = self._bytes + 1 if size < 0 else min(size, self._bytes + 1)
        data = self._file.read(wanted)
        self._reads -= 1 if data or not wanted else _BEHIND_THE_END
        self._bytes -= len(data)
        if self._reads < 0 or self._bytes < 0:
            raise ValueError("its metadata take more reading than any photo's")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of a file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of a file."""
        return self._file.tell()
