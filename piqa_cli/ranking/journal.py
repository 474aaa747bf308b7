"""The write-ahead journal: JSON lines, each on disk before the next thing happens.

The first line says what it is, then comes one line for each step of the run, before any is taken. After that each line
is an event: {"step": 3, "state": "begun" | "done" | "failed" | "undoing" | "undone", ...}. The last state of a step
counts. A line that a crash cut off is dropped.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, get_args

from piqa_cli.errors import OutputError, UsageError
from piqa_cli.ranking.plan import MOVES
from piqa_cli.ranking.steps import Action, Marks, Step, journals

_KIND = "piqa rank journal"
_VERSION = 1
_ACTIONS = frozenset(get_args(Action))
_STATES = frozenset({"begun", "done", "failed", "undoing", "undone"})
_LATEST_NS = 2**63  # of a file's time
OPENING = json.dumps({"kind": _KIND})[:-1]
"""How a journal begins."""
Event = Mapping[str, Any]


@dataclass(slots=True)
class History:
    """What a journal says."""

    token: str  # in the names of the run's unfinished files
    plan: str  # digest of the plan
    steps: tuple[Step, ...]
    events: dict[int, dict[str, Any]] = field(default_factory=dict)  # step -> everything known, later events last
    size: int = 0  # bytes of whole lines

    @property
    def taken_back(self) -> bool:
        """Whether all that was done has been undone: then the file may be used for another plan."""
        return bool(self.events) and all(event.get("state") == "undone" for event in self.events.values())

    def event(self, step: int) -> Event:
        """Everything known of the step; empty: not begun as far as the journal knows."""
        return self.events.get(step, {})

    def state(self, step: int) -> str | None:
        """The step's last state; None: not begun as far as the journal knows."""
        return self.event(step).get("state")


class Journal:
    """An open journal: every event is on disk when `note` returns. Use as a context manager."""

    def __init__(self, path: Path, file: BinaryIO, history: History) -> None:
        self.path = path
        self.history = history
        self._file = file

    @classmethod
    def create(cls, path: Path, token: str, plan: str, steps: tuple[Step, ...]) -> Journal:
        """Write down all steps, in a new file or one of a run that was killed at this point. Raises OutputError."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("r+b" if path.exists() else "xb")
            file.truncate()
        except OSError as error:
            raise _cannot_write(path, error) from error
        journal = cls(path, file, History(token, plan, steps))
        head = {"kind": _KIND, "version": _VERSION, "token": token, "plan": plan, "steps": len(steps)}
        journal._write([head, *map(step_to_dict, steps)])
        return journal

    @classmethod
    def resume(cls, path: Path) -> Journal:
        """Open a journal to go on writing; a line that was cut off is dropped. Raises UsageError, OutputError."""
        history = read_journal(path)
        try:
            file = path.open("r+b")
            file.truncate(history.size)
            file.seek(history.size)
        except OSError as error:
            raise _cannot_write(path, error) from error
        return cls(path, file, history)

    def note(self, step: int, state: str, **facts: Any) -> None:
        """Write one event down. Raises OutputError; what it was to announce must not happen then."""
        event = {"step": step, "state": state, **facts}
        self._write([event])
        self.history.events.setdefault(step, {}).update(event)

    def _write(self, records: Iterable[Event]) -> None:
        try:
            self._file.write(b"".join(json.dumps(record).encode() + b"\n" for record in records))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # a line that could not be written is tried again here; all others are on the disk
            self._file.close()


def state_without_undo(event: Event) -> str | None:
    """The step's last state, without regard to its being undone."""
    return event.get("was") if event.get("state") == "undoing" else event.get("state")


def another_plan(path: Path) -> UsageError:
    """The error for a journal whose steps stand, and are not those that are to be taken."""
    return UsageError(f"journal of another plan: {path}", hint="name another --journal, or --undo this one")


def check_journal(path: Path, *, new: bool) -> None:
    """Find out before the work what would stop `Journal.create` or `Journal.resume`. Nothing is made.

    Args:
        path: the journal.
        new: for a plan that is yet to be made, which is none that a journal can know.

    Raises:
        UsageError: it is a folder, a file that is no journal, or one of another plan.
        OutputError: it is read-only, or cannot be made where it is to be.
    """
    if path.is_dir():
        raise UsageError(f"the journal {path} is a folder", hint=f"name a file, such as {path / 'journal.jsonl'}")
    history = read_journal(path) if os.path.lexists(path) else None
    if new and history and history.steps and not history.taken_back:
        raise another_plan(path)
    place = next(filter(os.path.lexists, (path, *path.absolute().parents)))
    code = errno.ENOTDIR if place != path and not place.is_dir() else errno.EACCES
    if code == errno.ENOTDIR or not os.access(place, os.W_OK):
        what = f"journal cannot be written: {path}: {os.strerror(code)}"
        raise OutputError(what, path=path, hint="--journal FILE names another place for it")


def read_journal(path: Path) -> History:
    """What the journal says. Raises UsageError where it cannot be read, or is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the journal {path}: {error.strerror}", hint=_where()) from None
    whole = data[: data.rfind(b"\n") + 1]
    if not whole and OPENING.encode().startswith(data[: len(OPENING)]):
        return History("", "", ())  # killed while the first line was written
    try:
        head, *rest = [json.loads(line) for line in whole.splitlines()]
        if head["kind"] != _KIND or head["version"] != _VERSION:
            raise ValueError("another kind or version")
        count = int(head["steps"])
        if len(rest) < count:  # killed before anything was done
            return History(head["token"], head["plan"], (), size=len(whole))
        steps = tuple(step_from_dict(record) for record in rest[:count])
        history = History(head["token"], head["plan"], steps, size=len(whole))
        for event in rest[count:]:
            if not 0 <= event["step"] < count:
                raise ValueError("an event of no step")
            history.events.setdefault(event["step"], {}).update(event)
        for number, event in history.events.items():
            _check_event(steps[number], event)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(f"no journal of piqa rank, or damaged: {path}", hint=_where()) from None
    return history


def _where() -> str:
    return f"name the file that --apply wrote; without --journal they are kept in {journals()}"


def step_to_dict(step: Step) -> dict[str, Any]:
    """As JSON; bytes of a name that are no UTF-8 survive as lone surrogates."""
    return {
        "do": step.action,
        "target": str(step.target),
        "photo": str(step.photo),
        "source": str(step.source) if step.source else None,
        "marks": asdict(step.marks) if step.marks else None,
    }


def step_from_dict(record: Mapping[str, Any]) -> Step:
    """Raises ValueError, KeyError or TypeError where it is none."""
    if record["do"] not in _ACTIONS or (record["do"] in MOVES and not record["source"]):
        raise ValueError(record["do"])
    if record["do"] == ("embed" if record["target"].lower().endswith(".xmp") else "mark"):
        raise ValueError(record["target"])  # marks go into sidecars, or are embedded in photos
    marks = record["marks"]
    return Step(
        record["do"],
        _absolute(record["target"]),
        _absolute(record["photo"]),
        _absolute(record["source"]) if record["source"] else None,
        Marks(**{**marks, "reasons": tuple(marks["reasons"])}) if marks else None,
    )


def _check_event(step: Step, event: Event) -> None:
    """Raises ValueError for what no run writes: an undo that went by it might take away what it did not bring.

    Only a sidecar can be new; of every other file that was written to, the bytes that were there are known.
    """
    fine = event["state"] in _STATES and isinstance(event.get("content", ""), str)
    if "after" in event:
        before, modified = event["before"], event.get("modified")
        if before is None:
            fine = fine and step.action == "mark"
        else:
            known = isinstance(before, str) and type(modified) is int and abs(modified) < _LATEST_NS
            fine = fine and known and _are_hunks(event["hunks"])
    if not fine:
        raise ValueError(event)


def _are_hunks(value: object) -> bool:
    def is_hunk(hunk: object) -> bool:
        return isinstance(hunk, list) and [type(part) for part in hunk] == [int, int, str]

    return isinstance(value, list) and all(map(is_hunk, value))


def _absolute(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise ValueError(text)
    return path


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(f"journal cannot be written: {path}: {error.strerror}", path=path, hint="nothing more was done")
