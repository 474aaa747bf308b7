"""Any sequence of choose, apply and undo over any tree: no byte of any photo is lost, and undo restores everything."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piqa_cli.ranking.actions import ApplyOptions, apply_plan, clear, preview, undo
from piqa_cli.ranking.plan import MOVES
from piqa_cli.records import PhotoFile
from tests.photos.photo_makers import corners, encoded
from tests.ranking.shoots import SIDECARS, contents, item, plan, rated, tree

JPEG = encoded(corners(), "JPEG")
BODIES = [JPEG, encoded(corners(40, 30), "PNG"), b"", b"one", b"two", b"not a photo at all" * 50]
TEXTS = [*SIDECARS.values(), rated(SIDECARS["lightroom"], 3), "<broken", ""]

stems = st.sampled_from(
    ["a", "A", "b", "IMG_1", "img_1", "Zoë", "Zoe\u0308", "straße", "STRASSE", "a-2", ".hid", "a b\n", "日本"]
)
endings = st.sampled_from([".jpg", ".JPG", ".CR2", ".NEF", ".png", ".heic", ".dng"])
sidecar_endings = st.sampled_from([".xmp", ".XMP", ".jpg.xmp", ".JPG.xmp", ".CR2.xmp", ".CR2.pp3", "_01.CR2.xmp"])
places = st.sampled_from(["", "x", "y/z"])
photo_files = st.tuples(places, stems, endings, st.sampled_from(BODIES))
sidecar_files = st.tuples(places, stems, sidecar_endings, st.sampled_from(TEXTS).map(str.encode))
trees = st.tuples(st.lists(photo_files, min_size=1, max_size=8), st.lists(sidecar_files, max_size=5))


@st.composite
def runs(draw: st.DrawFn) -> dict[str, object]:
    """One run: which photos, in what order, where to, how, and whether it is taken back."""
    return {
        "move": draw(st.sampled_from([None, *MOVES, "move"])),
        "marks": draw(st.booleans()),
        "embed": draw(st.booleans()),
        "naming": draw(st.sampled_from(["adobe", "darktable", "both"])),
        "overwrite": draw(st.booleans()),
        "to": draw(st.sampled_from(["out", "out/picks", "shoot", "shoot/x"])),
        "chosen": draw(st.lists(st.integers(0, 9), min_size=1, max_size=8)),
        "missing": draw(st.integers(0, 9)) == 0,
        "back": draw(st.booleans()),
    }


PHOTOS = (".jpg", ".cr2", ".nef", ".png", ".heic", ".dng")


def build(root: Path, shoot: tuple[list[tuple[str, str, str, bytes]], list[tuple[str, str, str, bytes]]]) -> None:
    for place, stem, ending, body in (*shoot[0], *shoot[1]):
        path = root / "shoot" / place / (stem + ending)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def photos_in(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.name.lower().endswith(PHOTOS))


def photo_contents(root: Path) -> Counter[str]:
    """How often each content occurs among the photos."""
    return contents(root, PHOTOS)


def execute(root: Path, run: dict[str, object], number: int) -> tuple[Path, set[str]]:
    """Apply the run's plan; its journal and the problems."""
    photos = photos_in(root / "shoot")
    chosen = [photos[i % len(photos)] for i in run["chosen"]] if photos else []  # type: ignore[attr-defined]
    to = root / str(run["to"])
    items = [
        item(p, mark=run["marks"], move=run["move"], destination=to / p.name if run["move"] else None)
        for p in dict.fromkeys(chosen)
    ]
    if run["missing"] and photos:
        items[0].photo.unlink(missing_ok=True)  # someone else was faster
    options = ApplyOptions(run["naming"], bool(run["embed"]), bool(run["overwrite"]))  # type: ignore[arg-type]
    journal = root / f"journal-{number}"
    outcome = apply_plan(plan(*items), options, journal)
    return journal, {problem.message for problem in outcome.problems}


many = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@many
@given(trees, st.lists(runs(), min_size=1, max_size=4))
def test_moves_lose_nothing_and_undo_restores_everything(shoot, sequence) -> None:
    """Runs that are never taken back in between, then all of them taken back, last first: as it was, byte for byte."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root, shoot)
        journals, before = [], []
        for number, run in enumerate(sequence):
            run = {**run, "missing": False}
            before.append(without_journals(root))
            photos_before = photo_contents(root)
            journal, _ = execute(root, run, number)
            if not (run["marks"] and run["embed"]):  # embedding changes photos
                assert not photos_before - photo_contents(root)
            journals.append(journal)
        for journal, state in zip(reversed(journals), reversed(before), strict=True):
            if journal.exists():
                assert not undo(journal).problems
                assert not undo(journal).done
            assert without_journals(root) == state


@many
@given(trees, st.lists(runs(), min_size=1, max_size=4))
def test_any_sequence_keeps_every_photo(shoot, sequence) -> None:
    """With files that vanish, plans applied twice, undone or not: every photo's content is still somewhere."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root, shoot)
        for number, run in enumerate(sequence):
            run = {**run, "embed": False}
            if run["missing"] and (photos := photos_in(root / "shoot")):
                photos[0].unlink()
            run["missing"] = False
            kept = set(photo_contents(root))
            journal, _ = execute(root, run, number)
            assert kept <= set(photo_contents(root))
            if run["back"] and journal.exists():
                undo(journal)
                assert kept <= set(photo_contents(root))


@many
@given(trees, runs())
def test_the_preview_tells_what_comes(shoot, run) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root, shoot)
        photos = photos_in(root / "shoot")
        items = [item(p, mark=run["marks"], move="move", destination=root / "out" / p.name) for p in photos]
        options = ApplyOptions(run["naming"], run["embed"])
        told = preview(plan(*items), options)
        untouched = tree(root)
        assert untouched == tree(root)
        targets = [step.target for step in told.steps if step.source]
        assert len({str(t).casefold() for t in targets}) == len(targets)
        outcome = apply_plan(plan(*items), options, root / "journal")
        taken = [step for step in told.steps if step not in outcome.already]
        assert list(outcome.done) == taken or outcome.problems
        assert all(target.exists() for target in targets) or outcome.problems


@many
@given(trees, runs())
def test_clear_takes_back_marks_and_only_those(shoot, run) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root, shoot)
        before = without_journals(root)
        photos = photos_in(root / "shoot")
        options = ApplyOptions(run["naming"], run["embed"], run["overwrite"])
        for stars in (4, 2):
            apply_plan(plan(*(item(p, mark=True, stars=stars) for p in photos)), options, root / f"journal-{stars}")
        clear([PhotoFile(p) for p in photos], options)
        assert without_journals(root) == before


def without_journals(root: Path) -> dict[str, bytes | str]:
    return {name: value for name, value in tree(root).items() if not name.startswith("journal")}
