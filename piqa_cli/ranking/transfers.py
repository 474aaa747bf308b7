"""The steps that bring a file to another place, and their undoing; each can be told from what is on disk.

Whatever a crash left half done is recognised here: one file under both names, a copy that has its name while the
original has not gone, an unfinished copy, an empty file that holds a name.
"""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

from piqa_cli.errors import PhotoError
from piqa_cli.photos.opening import is_regular
from piqa_cli.ranking.files import (
    copy_file,
    is_empty,
    move_file,
    remove_twin,
    same_content,
    same_file,
    sha256_of,
    sync_folder,
)
from piqa_cli.ranking.journal import Event, Journal, state_without_undo
from piqa_cli.ranking.steps import Step
from piqa_cli.ranking.twins import differ_in_marks_only

_EMPTY = hashlib.sha256().hexdigest()


def transfer(step: Step, number: int, journal: Journal) -> None:
    """Take the step, or finish it. Raises FileExistsError where the target is taken, other OSErrors, PhotoError."""
    source, target = ends(step)
    event = journal.history.event(number)
    part = part_name(journal, number, target.parent)
    part.unlink(missing_ok=True)
    _drop_holders(step, event)
    if step.action == "symlink":
        if not _links_to(target, source):
            target.symlink_to(source)
    elif step.action == "hardlink":
        if not same_file(source.resolve(), target):
            _hardlink(source, target)
    elif not _finished(step, event):
        bring = move_file if step.action == "move" else copy_file
        bring(source, target, part, lambda content: journal.note(number, "begun", content=content))
    sync_folder(target.parent)


def untransfer(step: Step, number: int, journal: Journal) -> bool:
    """Undo the step as far as it went. Raises PhotoError where that would lose something, OSError.

    Returns:
        Whether something has gone from the target.
    """
    source, target = ends(step)
    there = os.path.lexists(target)
    event = journal.history.event(number)
    for folder in (source.parent, target.parent):
        drop_part(journal, number, folder)
    _drop_holders(step, event)
    if step.action == "symlink":
        if _links_to(target, source):
            target.unlink()
    elif step.action == "hardlink":
        if is_regular(target) and (_was_done(event) or same_file(source.resolve(), target)):
            remove_twin(target, source.resolve())  # marks put into either since have parted them
    elif step.action == "copy":
        _uncopy(source, target, event)
    else:
        _unmove(source, target, number, journal)
    sync_folder(target.parent)
    return there and not os.path.lexists(target)


def ends(step: Step) -> tuple[Path, Path]:
    """Source and target of a transfer."""
    if step.source is None:
        raise ValueError(step.action)
    return step.source, step.target


def part_name(journal: Journal, number: int, folder: Path) -> Path:
    """The unfinished file of a step; the name is the run's own."""
    return folder / f".piqa-{journal.history.token}-{number}.part"


def drop_part(journal: Journal, number: int, folder: Path) -> Path:
    """Remove what an interrupted step has left of its unfinished file -> the file's name."""
    part = part_name(journal, number, folder)
    if os.path.lexists(part):  # a read-only disk refuses to remove even what is not there
        part.unlink()
    return part


def _finished(step: Step, event: Event) -> bool:
    """Did a crash come after the work? Finishes a move whose file is under both names."""
    source, target = ends(step)
    if not is_regular(target):
        return False
    if step.action == "move" and not os.path.lexists(source):
        return event.get("state") not in ("undone", "failed")
    twins = same_file(source, target) or _has_content(target, event)
    if twins and step.action == "move":
        remove_twin(source, target, event.get("content") if not same_file(source, target) else None)
    return twins


def _hardlink(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.ENOTSUP):
            raise
        reason = f"hard links to {target.parent} are not possible"
        raise PhotoError(reason, path=source, hint="use --copy-to or --symlink-to") from None


def _uncopy(source: Path, target: Path, event: Event) -> None:
    if "content" not in event or not is_regular(target) or _is_foreign(target, event):
        return
    if _is_marked_otherwise(target, source):
        target.unlink()
        return
    if not source.is_file():
        raise PhotoError("the original is gone; its copy stays", path=target)
    remove_twin(target, source.resolve())  # of a linked photo, what it leads to was copied


def _is_marked_otherwise(copy: Path, source: Path) -> bool:
    """Does a copied sidecar say nothing that the original does not, but for piqa's marks, which another run wrote?

    Where that was undone first, the original may be gone, and the copy holds marks alone.
    """
    sidecar = copy.suffix.lower() == ".xmp" and not same_content(copy, source)
    return sidecar and differ_in_marks_only(copy, source)


def _unmove(source: Path, target: Path, number: int, journal: Journal) -> None:
    event = journal.history.event(number)
    if not os.path.lexists(target):
        if _was_done(event) and not os.path.lexists(source):
            raise PhotoError(f"is gone; it was moved there from {source}", path=target)
        return
    if not os.path.lexists(source):
        if _is_foreign(target, event):
            return
        source.parent.mkdir(parents=True, exist_ok=True)
        part = part_name(journal, number, source.parent)
        move_file(target, source, part, lambda content: journal.note(number, "undoing", content=content))
    elif same_file(source, target):
        remove_twin(target, source)
    elif _has_content(target, event) and _has_content(source, event):
        remove_twin(target, source, event["content"])
    elif _was_done(event):
        raise PhotoError(f"stays: another file is at {source} now", path=target)


def _has_content(path: Path, event: Event) -> bool:
    return "content" in event and is_regular(path) and sha256_of(path) == event["content"]


def _is_foreign(target: Path, event: Event) -> bool:
    """Did somebody else put the file there? The step failed, and this is not the content that it brought."""
    return state_without_undo(event) == "failed" and not _has_content(target, event)


def _was_done(event: Event) -> bool:
    """Had the step been taken in full before it was being undone?"""
    return state_without_undo(event) == "done"


def _drop_holders(step: Step, event: Event) -> None:
    """Remove the empty file that held a name when a crash came (`files.publish`); the content is at the other end."""
    source, target = ends(step)
    for path, other in ((target, source), *([(source, target)] if step.action == "move" else [])):
        if event.get("content", _EMPTY) != _EMPTY and is_empty(path) and _has_content(other, event):
            path.unlink()


def _links_to(link: Path, source: Path) -> bool:
    return link.is_symlink() and link.readlink() == source
