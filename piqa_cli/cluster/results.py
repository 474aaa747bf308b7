"""The folder of results, local or in an object store: small whole files, read, written and removed by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from piqa_cli.cluster.places import filesystem, is_uri, reason_of
from piqa_cli.errors import OutputError
from piqa_cli.outputs.tabular import write_bytes


@dataclass(frozen=True, slots=True)
class ResultFolder:
    """A folder by URI or absolute path; every method raises OutputError where the store does not do its part.

    A file is there as a whole or not at all: an object store puts it so, and on a disk it is renamed into its place.
    """

    place: str

    @property
    def is_local(self) -> bool:
        """Whether it is a folder on a disk."""
        return not is_uri(self.place)

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, None where there is none."""
        fs, root = filesystem(self.place)
        try:
            data: bytes = fs.cat_file(f"{root}/{name}")
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._refusal("read", name, error) from error
        return data

    def holds(self, name: str) -> bool:
        """Whether there is such a file."""
        fs, root = filesystem(self.place)
        try:
            return bool(fs.exists(f"{root}/{name}"))
        except Exception as error:
            raise self._refusal("read", name, error) from error

    def write(self, name: str, data: bytes) -> None:
        """Write a file, or replace it."""
        try:
            if self.is_local:
                target = Path(self.place) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(data, target)
            else:
                fs, root = filesystem(self.place)
                fs.pipe_file(f"{root}/{name}", data)
        except OutputError:
            raise
        except Exception as error:
            raise self._refusal("write", name, error) from error

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        fs, root = filesystem(self.place)
        try:
            fs.rm_file(f"{root}/{name}")
        except FileNotFoundError:
            pass
        except Exception as error:
            raise self._refusal("remove", name, error) from error

    def names(self, inside: str = "") -> list[str]:
        """Names in the folder, or in a folder inside it, sorted; none where it does not exist."""
        fs, root = filesystem(self.place)
        folder = f"{root}/{inside}" if inside else root
        try:
            listed: list[Any] = fs.ls(folder, detail=False)
        except FileNotFoundError:
            return []
        except Exception as error:
            raise self._refusal("list", inside, error) from error
        keys = [str(key).rstrip("/") for key in listed]
        return sorted(key.rpartition("/")[2] for key in keys if key != folder)  # a store may list the folder itself

    def _refusal(self, verb: str, name: str, error: Exception) -> OutputError:
        place = f"{self.place}/{name}".rstrip("/")
        hint = "check the place, its permissions and the credentials; finished partitions stay"
        return OutputError(f"cannot {verb} {place}: {reason_of(error)}", hint=hint)
