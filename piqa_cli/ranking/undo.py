"""Taking a run back by its journal, backwards, from wherever it stopped; itself safe to be stopped and run again."""

from __future__ import annotations

from pathlib import Path

from piqa_cli.errors import PhotoError
from piqa_cli.ranking.applying import as_problem, tell_moved
from piqa_cli.ranking.journal import History, Journal, state_without_undo
from piqa_cli.ranking.marking import unwrite_marks
from piqa_cli.ranking.steps import ChangeHandler, Outcome, ProgressHandler, Step, untold
from piqa_cli.ranking.transfers import drop_part, untransfer


def undo(journal: Path, on_progress: ProgressHandler | None = None, on_change: ChangeHandler = untold) -> Outcome:
    """Bring everything back to where the run found it: moves, copies and links, sidecars and photos that it marked.

    What someone changed since is not thrown away: a copy that differs from its original stays and is reported, and
    from a changed sidecar only piqa's own marks are taken. Running it again finishes what was left.

    Raises UsageError where the journal cannot be read or is damaged, OutputError where it cannot be written.
    """
    done: list[Step] = []
    problems: list[PhotoError] = []
    with Journal.resume(journal) as opened:
        numbers = _begun(opened.history)
        for count, number in enumerate(numbers):
            step = opened.history.steps[number]
            was = state_without_undo(opened.history.event(number))
            opened.note(number, "undoing", was=was)
            try:
                changed = _undo_one(step, number, opened, on_change)
            except (PhotoError, OSError) as error:
                problems.append(as_problem(error, step.target))
            else:
                opened.note(number, "undone")
                if changed and was != "failed":
                    done.append(step)
            if on_progress is not None:
                on_progress(count + 1, len(numbers))
    return Outcome(tuple(done), (), tuple(problems), journal)


def _begun(history: History) -> list[int]:
    """Steps to undo, last first: those with an event, and the one that a crash may have caught before its first."""
    count = len(history.steps)
    silent = next((n for n in range(count) if history.state(n) is None), None)
    known = {n for n in range(count) if history.state(n) not in (None, "undone")}
    return sorted(known | ({silent} if silent is not None else set()), reverse=True)


def _undo_one(step: Step, number: int, journal: Journal, on_change: ChangeHandler) -> bool:
    """Whether there was anything to take back."""
    if step.action == "folder":
        try:
            step.target.rmdir()
        except OSError:  # someone put something there, or it was never made
            return False
        return True
    if step.action in ("mark", "embed"):
        part = drop_part(journal, number, step.target.parent)
        return unwrite_marks(step, journal.history.event(number), part, on_change)
    changed = untransfer(step, number, journal)
    if changed and step.action == "move" and step.source is not None:
        tell_moved(step.target, step.source, on_change)
    return changed
