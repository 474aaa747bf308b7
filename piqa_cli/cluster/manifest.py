"""What is finished, kept beside the partitions: `_manifest/job.json`, an entry for each partition, `done.json`.

An entry is written after its partition and removed before the partition is written anew, so what it says holds
whenever a run is killed. Readers of Parquet folders pass over names that begin with an underscore.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, get_type_hints

from piqa_cli import __version__
from piqa_cli.cluster.photos import Partition
from piqa_cli.cluster.results import ResultFolder
from piqa_cli.errors import EngineError, OutputError
from piqa_cli.table_parts import DONE, MANIFEST, part_name

_JOB = f"{MANIFEST}/job.json"
_NUMBERED = re.compile(r"part-(\d{5,})\.(?:parquet|json|tries)")
_OTHER = "choose another folder, or run with the model and the options of before to go on with it"
TRIES = 5  # at a partition, before it is taken for one that cannot be finished


@dataclass(frozen=True, slots=True)
class Job:
    """What must be the same for partitions to belong to one table."""

    model: str  # name@fingerprint, with what crops and precision add to it
    max_megapixels: float
    block_size: int
    piqa: str = __version__


@dataclass(frozen=True, slots=True)
class Entry:
    """A finished partition."""

    number: int
    photos: str  # digest of the list of its photos
    rows: int
    errors: int  # of these rows, photos that could not be scored


@dataclass(frozen=True, slots=True)
class Manifest:
    """Reads and writes it; every method raises OutputError where the store does not do its part."""

    results: ResultFolder

    def begin(self, job: Job) -> None:
        """Start a job in an empty folder, or go on with the same job.

        Raises:
            OutputError: the folder holds something else, or a table of other options or another model.
        """
        data = self.results.read(_JOB)
        if data is None:
            self._check_empty()
            self.results.write(_JOB, _to_json(asdict(job)))
        elif (before := _from_json(data)) != asdict(job):
            raise OutputError(
                f"{self.results.place} holds a table of another run: {_difference(before, job)}", hint=_OTHER
            )
        self.results.remove(DONE)

    def finished(self, partition: Partition) -> Entry | None:
        """The entry of a partition that an earlier run or attempt has finished with this very list of photos."""
        data = self.results.read(_entry_name(partition.number))
        entry = None if data is None else _entry(_from_json(data))
        if entry is None or entry.photos != partition.digest or not self.results.holds(part_name(partition.number)):
            return None
        return entry

    def begin_try(self, partition: Partition) -> None:
        """Count one more try at a partition; `store` ends the count.

        Raises:
            EngineError: so many tries have ended without a result that another one will not help; the count is undone.
        """
        name = _tries_name(partition.number)
        before = len(self.results.read(name) or b"")
        if before < TRIES:
            self.results.write(name, b"." * (before + 1))
            return
        self.results.remove(name)
        photos = partition.photos
        message = (
            f"{TRIES} tries at partition {partition.number} ({photos[0].name} to {photos[-1].name}) "
            "have ended without a result"
        )
        raise EngineError(
            message,
            hint="too little memory? then a smaller --batch-size helps; `piqa score` on these photos alone may tell",
        )

    def store(self, partition: Partition, table: bytes, rows: int, errors: int) -> Entry:
        """Write a partition, then its entry."""
        entry = Entry(partition.number, partition.digest, rows, errors)
        name = _entry_name(partition.number)
        if self.results.read(name) is not None:
            self.results.remove(name)
        self.results.write(part_name(partition.number), table)
        self.results.write(name, _to_json(asdict(entry)))
        self.results.remove(_tries_name(partition.number))
        return entry

    def finish(self, partitions: int, rows: int, errors: int) -> None:
        """Remove partitions that an earlier, longer listing left behind, and write down that the table is complete."""
        for folder, name in self._numbered():
            match = _NUMBERED.fullmatch(name)
            if match and int(match[1]) >= partitions:
                self.results.remove(f"{folder}{name}")
        self.results.write(DONE, _to_json({"partitions": partitions, "rows": rows, "errors": errors}))

    def _numbered(self) -> Iterator[tuple[str, str]]:
        """Entries before parts: a part without an entry counts for nothing."""
        for folder in (f"{MANIFEST}/", ""):
            for name in self.results.names(folder.rstrip("/")):
                yield folder, name

    def _check_empty(self) -> None:
        if other := next(iter(self.results.names()), None):
            what = f"it holds other things, like {other}"
            raise OutputError(f"cannot write {self.results.place}: {what}", hint="choose a new or empty folder")


def _entry(fields: dict[str, Any]) -> Entry | None:
    """What `store` wrote; None where it is damaged."""
    if {name: type(value) for name, value in fields.items()} != get_type_hints(Entry):
        return None
    return Entry(**fields)


def _entry_name(number: int) -> str:
    return f"{MANIFEST}/{part_name(number).removesuffix('.parquet')}.json"


def _tries_name(number: int) -> str:
    return f"{MANIFEST}/{part_name(number).removesuffix('.parquet')}.tries"


def _to_json(fields: dict[str, Any]) -> bytes:
    return (json.dumps(fields, indent=1) + "\n").encode()


def _from_json(data: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(data)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _difference(before: dict[str, Any], job: Job) -> str:
    now = asdict(job)
    changed = [name for name in now if before and before.get(name) != now[name]] or ["its job.json cannot be read"]
    return ", ".join(f"{name} {before.get(name)}, not {now.get(name)}" if name in now else name for name in changed)
