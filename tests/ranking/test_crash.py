"""Killed at any point of an apply or an undo, nothing is lost, and undo or the same apply again puts all right."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import pytest

from piqa_cli.errors import OutputError
from piqa_cli.ranking import applying, files, rename
from piqa_cli.ranking.actions import ApplyOptions, apply_plan, undo
from piqa_cli.ranking.journal import Journal, read_journal
from piqa_cli.ranking.plan import MOVES, Plan
from piqa_cli.ranking.steps import Step
from piqa_cli.ranking.transfers import transfer
from tests.killed import killed_at, skip_fsync
from tests.photos.photo_makers import corners, encoded
from tests.ranking.shoots import DARKTABLE, LIGHTROOM, item, plan, tree

OPTIONS = ApplyOptions(embed=True)
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", skip_fsync)


def make_shoot(root: Path) -> Path:
    """Two shots with mates and sidecars, one of them as JPEG that can be marked, and a name that is taken."""
    shoot = root / "shoot"
    shoot.mkdir(parents=True)
    (shoot / "a.jpg").write_bytes(encoded(corners(), "JPEG"))
    (shoot / "a.CR2").write_bytes(b"raw of a" * 1000)
    (shoot / "a.xmp").write_text(LIGHTROOM)
    (shoot / "b.NEF").write_bytes(b"raw of b" * 1000)
    (shoot / "b.NEF.xmp").write_text(DARKTABLE)
    (shoot / "empty.png").write_bytes(b"")
    (root / "out").mkdir()
    (root / "out" / "A.JPG").write_bytes(b"somebody else's")
    return shoot


def make_plan(root: Path, move: str, *, marks: bool) -> Plan:
    shoot, out = root / "shoot", root / "out"
    names = [("a.jpg", out / "a.jpg"), ("b.NEF", out / "new" / "b.NEF"), ("empty.png", out / "empty.png")]
    return plan(*(item(shoot / n, mark=marks and n != "empty.png", move=move, destination=d) for n, d in names))


def no_renames(_source: Path, _target: Path) -> bool:
    return False


SYSTEMS: dict[str, list[tuple[ModuleType, str, object]]] = {
    "native": [],
    "links": [(rename, "_system_rename", lambda: None)],
    "copies": [(rename, "_system_rename", lambda: None), (files, "rename_exclusively", no_renames)],
}
"""What a file system can: exclusive renames, only hard links, or neither; and what is put in their place for that."""

WAYS = [
    *((move, True, "native") for move in MOVES),
    ("move", True, "links"),
    ("move", True, "copies"),
    ("copy", True, "copies"),
    # Where nothing is marked only sidecars fare differently: marked shots have files that are brought as they are, too.
    ("move", False, "native"),
    ("copy", False, "native"),
]


@pytest.fixture(params=WAYS, ids=lambda way: "-".join(map(str, way)))
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, bool, str]:
    """What is done, whether with marks, and what the file system can."""
    move, marks, system = request.param
    for module, name, value in SYSTEMS[system]:
        monkeypatch.setattr(module, name, value)
    return move, marks, system


def act(action: Callable[[Path], object], root: Path, system: str) -> None:
    for module, name, value in SYSTEMS[system]:
        setattr(module, name, value)
    action(root)


def points(
    action: Callable[[Path], object], tmp_path: Path, prepare: Callable[[Path], object], system: str
) -> Iterator[Path]:
    """Folders in which the action was killed, before its first change, before a later one, and so on to its end."""
    rng, point = random.Random(tmp_path.name), 0
    while point < 400:
        point += rng.randint(1, 3)
        root = tmp_path / str(point)
        prepare(root)
        killed = killed_at(point, act, action, root, system)
        yield root
        if not killed:
            assert point > 10
            return
    raise AssertionError("never came to an end")


def apply_at(root: Path, move: str, *, marks: bool) -> object:
    return apply_plan(make_plan(root, move, marks=marks), OPTIONS, root / "journal")


def undo_at(root: Path) -> object:
    return undo(root / "journal")


def test_killed_while_applying(tmp_path: Path, way: tuple[str, bool, str]) -> None:
    move, marks, system = way
    run = partial(apply_at, move=move, marks=marks)
    reference = tmp_path / "reference"
    make_shoot(reference)
    before = tree(reference)
    the_plan = {}

    def prepare(root: Path) -> None:
        make_shoot(root)
        the_plan[root] = make_plan(root, move, marks=marks)

    run(reference)
    (reference / "journal").unlink()
    after = tree(reference)
    assert after != before
    for number, root in enumerate(points(run, tmp_path, prepare, system)):
        if number % 2:
            outcome = apply_plan(the_plan[root], OPTIONS, root / "journal")
            assert not outcome.problems
            (root / "saved").write_bytes((root / "journal").read_bytes())
            (root / "journal").unlink()
            now = {name: value for name, value in tree(root).items() if name != "saved"}
            assert relative(now, root) == relative(after, reference)
            (root / "saved").rename(root / "journal")
        if (root / "journal").exists():
            assert not undo(root / "journal").problems
            (root / "journal").unlink()
        assert tree(root) == before


def relative(found: dict[str, bytes | str], root: Path) -> dict[str, bytes | str]:
    return {name: value.replace(str(root), "") if isinstance(value, str) else value for name, value in found.items()}


def test_killed_while_undoing(tmp_path: Path, way: tuple[str, bool, str]) -> None:
    move, marks, system = way
    reference = tmp_path / "reference"
    make_shoot(reference)
    before = tree(reference)

    the_plan = {}

    def prepare(root: Path) -> None:
        make_shoot(root)
        the_plan[root] = make_plan(root, move, marks=marks)
        assert not apply_plan(the_plan[root], OPTIONS, root / "journal").problems

    for number, root in enumerate(points(undo_at, tmp_path, prepare, system)):
        if number % 2:
            assert not apply_plan(the_plan[root], OPTIONS, root / "journal").problems
        assert not undo(root / "journal").problems
        (root / "journal").unlink()
        assert tree(root) == before


def test_a_shot_that_fails_after_a_stop_goes_back_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shoot = make_shoot(tmp_path)
    before = {path.name: path.read_bytes() for path in shoot.iterdir()}
    the_plan = make_plan(tmp_path, "move", marks=False)
    moved = []

    def stops(step: Step, number: int, journal: Journal) -> None:
        if moved:
            raise KeyboardInterrupt
        moved.append(step.target)
        transfer(step, number, journal)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(applying, "transfer", stops)
        apply_plan(the_plan, OPTIONS, tmp_path / "journal")
    assert moved[0].exists()
    taken = next(
        s.target for s in read_journal(tmp_path / "journal").steps if s.action == "move" and s.target != moved[0]
    )
    taken.write_bytes(b"somebody else's")
    assert apply_plan(the_plan, OPTIONS, tmp_path / "journal").problems
    a_shot = {name for name in before if name.startswith("a.")}
    assert {path.name: path.read_bytes() for path in shoot.iterdir() if path.name in a_shot} == {
        name: before[name] for name in a_shot
    }
    assert not moved[0].exists() and taken.read_bytes() == b"somebody else's"


def test_journal_cut_off_anywhere(tmp_path: Path) -> None:
    """Power cuts leave half lines: undo takes back what the whole lines say and what is on disk."""
    rng = random.Random(6)
    make_shoot(tmp_path / "reference")
    before = tree(tmp_path / "reference")
    for number in range(40):
        root = tmp_path / str(number)
        make_shoot(root)
        the_plan = make_plan(root, "move", marks=False)
        apply_plan(the_plan, OPTIONS, root / "journal")
        whole = (root / "journal").read_bytes()
        last = whole[:-1].rfind(b"\n") + 1
        (root / "journal").write_bytes(whole[: rng.randint(last, len(whole) - 1)])
        if number % 2:
            assert not apply_plan(the_plan, OPTIONS, root / "journal").problems
        assert not undo(root / "journal").problems
        assert read_journal(root / "journal").state(0) == "undone"
        (root / "journal").unlink()
        assert tree(root) == before


def test_disk_full_for_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_shoot(tmp_path / "reference")
    before = tree(tmp_path / "reference")
    stopped = 0
    for full_at in range(2, 24):
        root = tmp_path / str(full_at)
        make_shoot(root)
        calls = iter(range(1, 1000))

        def fsync(handle: int, calls: Iterator[int] = calls, full_at: int = full_at) -> None:
            if next(calls) == full_at:
                raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            try:
                apply_plan(make_plan(root, "move", marks=False), OPTIONS, root / "journal")
            except OutputError as error:
                assert "journal cannot be written" in error.message
                stopped += 1
        assert not undo(root / "journal").problems
        (root / "journal").unlink()
        assert tree(root) == before
    assert stopped > 5


def test_disk_full_before_a_line_of_the_journal_is_there(tmp_path: Path) -> None:
    """What could not be written stays in the file's buffer, and closing the file tries it once more."""
    make_shoot(tmp_path)
    with (
        pytest.raises(OutputError, match="journal cannot be written"),
        Journal.create(tmp_path / "journal", "t", "p", ()) as journal,
    ):
        journal._file = Full(journal._file)
        journal.note(0, "begun")


class Full:
    """A buffered file on a disk that is full."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        self.file.close()
        self.flush()
