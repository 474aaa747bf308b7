"""Writing marks into a sidecar or a photo, and taking them back: whole files, by way of a copy beside them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from os import stat_result
from pathlib import Path

from piqa_cli.errors import PhotoError, UnreadablePhoto
from piqa_cli.photos.embedding import embed_packet
from piqa_cli.photos.metadata import packet_in, sidecar_bytes
from piqa_cli.photos.opening import is_regular
from piqa_cli.ranking.files import is_empty, publish, replace_content, sync_folder, write_part
from piqa_cli.ranking.hunks import apply_hunks, hunks_back
from piqa_cli.ranking.journal import Event, Journal
from piqa_cli.ranking.marks import cleared, marked
from piqa_cli.ranking.steps import ApplyOptions, ChangeHandler, Marks, Step

_GONE = "no longer there, moved or removed: where it was moved, bring it back and undo again"


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file and its content at one time."""

    content: bytes
    status: stat_result


def write_marks(
    step: Step, number: int, journal: Journal, options: ApplyOptions, part: Path, on_change: ChangeHandler
) -> bool:
    """Take a step "mark" or "embed"; what undoing it needs is in the journal first. Raises PhotoError, OSError.

    Returns:
        Whether the file changed: not where it says all of that already.
    """
    event = journal.history.event(number)
    _drop_holder(step.target, event)
    seen = _look(step.target, missing_ok=step.action == "mark")
    if seen is not None and event.get("state") in ("begun", "undoing") and event.get("after") == _digest(seen.content):
        return True  # a crash came between writing and saying so
    new = _marked(step, seen, options)
    if seen is not None and new == seen.content:
        return False
    if seen is None:
        journal.note(number, "begun", before=None, after=_digest(new))
        _write_new(step.target, new, part)
    else:
        facts = {"hunks": hunks_back(seen.content, new), "modified": seen.status.st_mtime_ns}
        journal.note(number, "begun", before=_digest(seen.content), after=_digest(new), **facts)
        keep = step.action == "embed" and options.keep_modified
        modified = seen.status.st_mtime_ns if keep else None
        written = replace_content(step.target, new, seen.status, part, modified)
        on_change(step.target, seen.status, step.target, written)
    return True


def unwrite_marks(step: Step, event: Event, part: Path, on_change: ChangeHandler) -> bool:
    """Undo such a step: byte for byte where nobody wrote since, otherwise as `clear` does.

    A sidecar, or a copy elsewhere, that is gone while its photo is there has no marks any more; where the photo is
    gone, the marks are wherever it was moved. Raises PhotoError then, and otherwise, OSError.

    Returns:
        Whether there were marks to take back.
    """
    _drop_holder(step.target, event)
    seen = _look(step.target, missing_ok=True)
    if "after" not in event:
        return False
    if seen is None:
        inside = step.action == "embed" and step.target.parent == step.photo.parent  # no copy of it elsewhere
        if inside or not os.path.lexists(step.photo):
            raise UnreadablePhoto(_GONE, path=step.target)
        return False
    digest = _digest(seen.content)
    if digest == event["before"]:
        return False
    if digest != event["after"]:
        embedded = step.action == "embed"
        return clear_file(step.target, embedded=embedded, keep_modified=True, part=part, on_change=on_change)
    if event["before"] is None:
        step.target.unlink()
        sync_folder(step.target.parent)
    else:
        try:
            old = apply_hunks(seen.content, event["hunks"])
        except ValueError:  # no base64
            old = seen.content
        if _digest(old) != event["before"]:
            raise PhotoError("the journal does not give back what was there", path=step.target)
        written = replace_content(step.target, old, seen.status, part, event["modified"])
        on_change(step.target, seen.status, step.target, written)
    return True


def clear_file(path: Path, *, embedded: bool, keep_modified: bool, part: Path, on_change: ChangeHandler) -> bool:
    """Take piqa's marks out of one file; False: there were none. A sidecar of piqa's own making goes altogether.

    Raises PhotoError, OSError.
    """
    seen = _look(path, missing_ok=False)
    assert seen is not None
    packet = packet_in(seen.content, path) if embedded else seen.content
    left = cleared(packet, path) if packet else packet
    if left == packet:
        return False
    if not left and not embedded:
        path.unlink()
        sync_folder(path.parent)
        return True
    new = embed_packet(seen.content, left, path) if embedded else left
    modified = seen.status.st_mtime_ns if embedded and keep_modified else None
    on_change(path, seen.status, path, replace_content(path, new, seen.status, part, modified))
    return True


def _marked(step: Step, seen: _Seen | None, options: ApplyOptions) -> bytes:
    marks, target = step.marks or Marks(), step.target
    old = seen.content if seen else b""
    if step.action == "mark":
        return marked(old, marks, target, overwrite=options.overwrite_ratings)
    before = packet_in(old, target)
    packet = marked(before, marks, target, overwrite=options.overwrite_ratings)
    return old if packet == before else embed_packet(old, packet, target)  # a TIFF grows with every packet


def _look(path: Path, *, missing_ok: bool) -> _Seen | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        if missing_ok:
            return None
        raise
    if not is_regular(path):
        raise UnreadablePhoto("no regular file (a symbolic link?): left as it is", path=path)
    content = sidecar_bytes(path) if path.suffix.lower() == ".xmp" else path.read_bytes()
    return _Seen(content, status)


def _write_new(path: Path, content: bytes, part: Path) -> None:
    try:
        write_part(part, content)
        publish(part, path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def _drop_holder(path: Path, event: Event) -> None:
    """Remove the empty file that held the name of a new sidecar when a crash came; see `files.publish`."""
    if "after" in event and event["before"] is None and is_empty(path):
        path.unlink()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
