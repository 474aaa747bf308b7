from __future__ import annotations

import os
from pathlib import Path

import pytest

from piqa_cli.errors import UsageError
from piqa_cli.ranking.hunks import apply_hunks, hunks_back
from piqa_cli.ranking.journal import Journal, read_journal, step_from_dict, step_to_dict
from piqa_cli.ranking.plan_file import load_plan
from piqa_cli.ranking.steps import Marks, Step, default_journal

STEPS = (
    Step("mark", Path("/a/ü.xmp"), Path("/a/ü.jpg"), marks=Marks(4, "Green", 3, "pick", 1.5, "g", ("a", "b"))),
    Step("move", Path("/b/x"), Path("/a/x"), source=Path(os.fsdecode(b"/a/caf\xe9.jpg"))),
    Step("folder", Path("/b"), Path("/a/x")),
)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.action)
def test_steps_survive(step: Step) -> None:
    assert step_from_dict(step_to_dict(step)) == step


def test_events_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal"
    with Journal.create(path, "token", "plan", STEPS) as journal:
        journal.note(1, "begun", content="abc")
        journal.note(1, "done")
    history = read_journal(path)
    assert (history.token, history.plan, history.steps) == ("token", "plan", STEPS)
    assert history.events == {1: {"step": 1, "state": "done", "content": "abc"}}
    assert history.state(0) is None


def test_a_line_cut_off_is_dropped_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal.create(path, "token", "plan", STEPS) as journal:
        journal.note(0, "done")
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        history = read_journal(path)
        assert history.steps in ((), STEPS)
    path.write_bytes(whole[:-4])
    with Journal.resume(path) as journal:
        assert journal.history.state(0) is None
        journal.note(2, "done")
    assert read_journal(path).events == {2: {"step": 2, "state": "done"}}


@pytest.mark.parametrize(
    "content",
    [
        b"no journal\n",
        b'{"kind": "other"}\n',
        b"[]\n",
        b'{"kind": "piqa rank journal", "version": 9, "token": "", "plan": "", "steps": 0}\n',
        b'{"kind": "piqa rank journal", "version": 1, "token": "", "plan": "", "steps": 1}\n{"do": "erase"}\n',
        b'{"kind": "piqa rank journal", "version": 1, "token": "", "plan": "", "steps": 0}\n{"step": 5}\n',
        b'{"kind": "piqa rank journal", "version": 1, "token": "", "plan": "", "steps": 1}\n'
        b'{"do": "move", "target": "relative", "photo": "/a", "source": "/a", "marks": null}\n',
    ],
)
def test_what_is_no_journal(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal").write_bytes(content)
    with pytest.raises(UsageError, match="no journal of piqa rank"):
        read_journal(tmp_path / "journal")
    with pytest.raises(UsageError, match="cannot read the journal") as caught:
        read_journal(tmp_path / "missing")
    assert str(default_journal().parent) in caught.value.hint


def test_a_journal_is_no_plan(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "journal", "token", "plan", ()):
        pass
    with pytest.raises(UsageError, match="is a journal") as caught:
        load_plan(tmp_path / "journal")
    assert caught.value.hint.startswith("--undo takes it")


EMBED = Step("embed", Path("/a/x.jpg"), Path("/a/x.jpg"), marks=Marks(4))
WRITTEN = {"before": "0a", "after": "0b", "hunks": [[21, 827, ""]], "modified": 1}


@pytest.mark.parametrize(
    ("step", "event"),
    [
        (EMBED, {**WRITTEN, "before": None}),  # undone by removing what was new: never a photo
        (EMBED, {**WRITTEN, "hunks": [[21, 827]]}),
        (EMBED, {**WRITTEN, "hunks": None}),
        (EMBED, {**WRITTEN, "modified": "today"}),
        (EMBED, {**WRITTEN, "modified": 10**30}),
        (EMBED, {"after": "0b"}),
        (EMBED, {"state": "lost"}),
        (STEPS[1], {"content": 5}),
    ],
)
def test_events_that_no_run_writes_are_refused(tmp_path: Path, step: Step, event: dict[str, object]) -> None:
    path = tmp_path / "journal"
    with Journal.create(path, "token", "plan", (step,)) as journal:
        journal.note(0, "done", **(WRITTEN if step is EMBED else {}))
    assert read_journal(path).state(0) == "done"
    with Journal.create(path, "token", "plan", (step,)) as journal:
        journal.note(0, **{"state": "done", **event})
    with pytest.raises(UsageError, match="damaged"):
        read_journal(path)


def test_steps_that_no_run_takes_are_refused() -> None:
    for step in (*STEPS, EMBED):
        assert step_from_dict(step_to_dict(step)) == step
    photo, sidecar = {"target": "/a/x.jpg"}, {"target": "/a/x.XMP"}
    for step, change in ((STEPS[0], photo), (EMBED, sidecar), (STEPS[1], {"source": None})):
        with pytest.raises(ValueError, match=r"/a/x|move"):
            step_from_dict({**step_to_dict(step), **change})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"", b""),
        (b"same", b"same"),
        (b"", b"new"),
        (b"0123456789", b"01xx456789"),
        (b"0123456789", b"0123456789 and more"),
        (b"II*\0aaaa0123456789", b"II*\0bbbb0123456789 and more"),
        (b"aaaa", b"aaaaaa"),
        (b"long old text", b"short"),
    ],
)
def test_hunks_lead_back(old: bytes, new: bytes) -> None:
    hunks = hunks_back(old, new)
    assert apply_hunks(new, hunks) == old
    assert sum(len(text) for _, _, text in hunks) < 24
