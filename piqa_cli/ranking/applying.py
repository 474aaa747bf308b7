"""Taking the steps of a plan one after the other, with a journal."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from pathlib import Path

from piqa_cli.errors import PhotoError
from piqa_cli.ranking.journal import Journal, another_plan, read_journal
from piqa_cli.ranking.marking import write_marks
from piqa_cli.ranking.plan import MOVES, Plan
from piqa_cli.ranking.plan_file import plan_to_json
from piqa_cli.ranking.preparing import preview
from piqa_cli.ranking.space import check_space
from piqa_cli.ranking.steps import (
    ApplyOptions,
    ChangeHandler,
    Outcome,
    Preview,
    ProgressHandler,
    Step,
    default_journal,
    untold,
)
from piqa_cli.ranking.transfers import part_name, transfer, untransfer

_TRANSFERS = frozenset(MOVES)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)


def apply_plan(
    plan: Plan,
    options: ApplyOptions,
    journal: Path | None = None,
    on_progress: ProgressHandler | None = None,
    prepared: Preview | None = None,
    on_change: ChangeHandler = untold,
) -> Outcome:
    """Take the plan's steps; `journal` None: a new one in the user's state folder.

    `prepared` is what `preview` has just said of this plan, if anyone asked: it reads and compares whole photos.

    A journal that exists already must be of the same plan: its run is finished then; or all that it says must have been
    undone. A step that fails leaves its file as it was; the other files of that shot that have been moved go back, and
    the run goes on with the next shot. A folder that nothing can be put into is one problem, and nothing else is tried
    there; so is one that nothing can be moved out of.

    Raises:
        UsageError: the journal is of another plan or damaged, or there is no room on a disk. Nothing was touched.
        OutputError: the journal cannot be written. What was done until then is in it.
    """
    path = journal or default_journal()
    digest = hashlib.sha256(plan_to_json(plan, options).encode()).hexdigest()
    history = read_journal(path) if path.exists() else None
    if history and history.steps and history.plan != digest and not history.taken_back:
        raise another_plan(path)
    if history and history.steps and history.plan == digest:
        prepared = Preview(history.steps)
        opened = Journal.resume(path)
    else:
        prepared = prepared or preview(plan, options)
        if not prepared.steps:
            return Outcome((), prepared.skipped, prepared.problems)
        check_space(prepared.steps)
        opened = Journal.create(path, secrets.token_hex(4), digest, prepared.steps)
    with opened:
        run = _Run(opened, options, prepared, on_change)
        run.all(on_progress)
    return Outcome(tuple(run.done), prepared.skipped, (*prepared.problems, *run.problems), path, tuple(run.already))


class _Run:
    def __init__(self, journal: Journal, options: ApplyOptions, prepared: Preview, on_change: ChangeHandler) -> None:
        self._journal = journal
        self._options = options
        self._on_change = on_change
        self._steps = prepared.steps
        self._brought: list[tuple[int, Step]] = []  # of the shot at hand
        self._torn: Path | None = None  # the photo of the shot that failed
        self._closed: set[Path] = set()  # folders that could not be made, or written to
        self._keeping: set[Path] = set()  # folders that nothing can be moved out of
        self._unwritten: set[Path] = set()  # sidecars that could not be written
        self.done: list[Step] = []
        self.already: list[Step] = []
        self.problems: list[PhotoError] = []

    def all(self, on_progress: ProgressHandler | None) -> None:
        for number, step in enumerate(self._steps):
            if self._brought and self._brought[0][1].photo != step.photo:
                self._brought = []
            if self._journal.history.state(number) != "done":
                self._one(number, step)
            elif step.action in _TRANSFERS:  # by the run that was stopped
                self._brought.append((number, step))
            if on_progress is not None:
                on_progress(number + 1, len(self._steps))

    def _one(self, number: int, step: Step) -> None:
        if (hindrance := self._hindrance(step)) is not None:
            self._journal.note(number, "failed", reason=hindrance)
            if step.action == "mark":
                self._unwritten.add(step.target)
            return
        try:
            changed = self._take(number, step)
        except (PhotoError, OSError) as error:
            self._fail(number, step, self._of_folder(step, error) or as_problem(error, step.source or step.target))
            return
        self._journal.note(number, "done")
        (self.done if changed else self.already).append(step)
        if step.action in _TRANSFERS:
            self._brought.append((number, step))

    def _hindrance(self, step: Step) -> str | None:
        """Why the step need not be tried, after a failure that has been told."""
        if not self._closed.isdisjoint(step.target.parents):
            return "its folder takes nothing"
        if step.action == "move" and step.source is not None and step.source.parent in self._keeping:
            return "its folder lets nothing go"
        if step.action in _TRANSFERS and step.photo == self._torn:
            return "left with its shot"
        if step.source in self._unwritten and not os.path.lexists(step.source):
            return "it could not be written"
        return None

    def _take(self, number: int, step: Step) -> bool:
        """Whether there was anything to do."""
        if step.action in _TRANSFERS:
            transfer(step, number, self._journal)
            if step.action == "move" and step.source is not None:
                tell_moved(step.source, step.target, self._on_change)
        elif step.action == "folder":
            self._journal.note(number, "begun")
            step.target.mkdir(exist_ok=True)
        else:
            part = part_name(self._journal, number, step.target.parent)
            part.unlink(missing_ok=True)
            return write_marks(step, number, self._journal, self._options, part, self._on_change)
        return True

    def _of_folder(self, step: Step, error: PhotoError | OSError) -> PhotoError | None:
        """The failure as a problem of the folder that the step writes to or moves out of, if it is one."""
        if isinstance(error, PhotoError):
            return None
        folder = step.target if step.action == "folder" else step.target.parent
        reason = error.strerror or type(error).__name__
        if step.action != "folder" and os.access(folder, os.W_OK):
            source = step.source.parent if step.action == "move" and step.source is not None else None
            if source is None or error.errno not in _REFUSED or os.access(source, os.W_OK):
                return None
            self._keeping.add(source)
            return PhotoError(f"nothing can be moved out of it ({reason}): copy instead, or unlock it", path=source)
        self._closed.add(folder)
        return PhotoError(f"nothing can be put there ({reason}): choose another folder or free it", path=folder)

    def _fail(self, number: int, step: Step, problem: PhotoError) -> None:
        self.problems.append(problem)
        self._journal.note(number, "failed", reason=problem.message)
        if step.action == "mark":
            self._unwritten.add(step.target)
        if step.action in _TRANSFERS:
            self._torn = step.photo
            self._take_shot_back([(number, step), *reversed(self._brought)])

    def _take_shot_back(self, steps: list[tuple[int, Step]]) -> None:
        """A shot stays together: what came before the failure goes back to where it was."""
        for number, step in steps:
            try:
                gone = untransfer(step, number, self._journal)
            except (PhotoError, OSError) as error:
                self.problems.append(as_problem(error, step.target))
            else:
                self._journal.note(number, "failed", reason="left with its shot")
                if gone and step.action == "move" and step.source is not None:
                    tell_moved(step.target, step.source, self._on_change)
                if step in self.done:
                    self.done.remove(step)
        self._brought = []


def tell_moved(source: Path, target: Path, on_change: ChangeHandler) -> None:
    """Say that a file is at `target` now, as it was at `source`."""
    with contextlib.suppress(OSError):
        status = target.lstat()
        on_change(source, status, target, status)


def as_problem(error: PhotoError | OSError, path: Path) -> PhotoError:
    """The failure as a problem of one file."""
    if isinstance(error, PhotoError):
        return error
    if isinstance(error, FileExistsError):
        return PhotoError(f"stays: another file is at {error.filename2 or error.filename}", path=path)
    return PhotoError(error.strerror or str(error) or type(error).__name__, path=path)
