"""What a person sees of a ranking and of a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from piqa_cli.commands.console import Line, width_of
from piqa_cli.commands.rank_plan_view import outcome_lines, preview_lines
from piqa_cli.commands.rank_view import ranking_lines, ranking_summary
from piqa_cli.commands.score_run import Run
from piqa_cli.errors import PhotoError
from piqa_cli.ranking.options import By, Choice, GroupOptions, Top
from piqa_cli.ranking.ranked import RankedPhoto, rank_shoot
from piqa_cli.ranking.steps import Marks, Outcome, Preview, Skipped, Step
from tests.ranking.made_scores import blind, photo


def text(lines: list[Line]) -> list[str]:
    return ["".join(part for part, _ in line).rstrip() for line in lines]


@pytest.fixture
def ranked() -> list[RankedPhoto]:
    shoot = [
        photo("alone.jpg", 95, at=50),
        photo("a.jpg", 90, at=0),
        photo("b.jpg", 12.34, at=1),
        *(photo(f"x{n}.jpg", 60 - n, at=90 + n * 0.3, exposure_bias=float(bias)) for n, bias in enumerate((0, -1, 1))),
        photo("bad\x1b[31m.jpg", None),
    ]
    return rank_shoot(shoot, GroupOptions(), Choice(top=Top(count=2), reject_below=20), None, blind)


def test_groups_are_separated_and_headed(ranked) -> None:
    lines = text(ranking_lines(ranked, draw=True, separate=True, why_width=40))
    assert lines[0].split() == ["score", "decision", "stars", "rank", "why", "photo"]
    assert [line.split()[0] for line in lines[1:]] == [
        "95.0",
        "──",
        "90.0",
        "12.3",
        "──",
        "60.0",
        "59.0",
        "58.0",
        "─" * 72,
        "-",
    ]
    assert "burst-001 · 2 photos" in lines[2]
    assert "bracket-001 · 3 photos · exposure bracket, kept whole" in lines[5]
    assert "━━━━━━━━━━━─  pick      ★★★★★" in lines[1]
    assert "✗" in lines[4]
    assert all("burst-001" not in line for line in lines[3:5])  # the heading says it


def test_a_folder_is_no_burst_whatever_it_is_called() -> None:
    shoot = [photo("burst-1/a.jpg", 90), photo("bracket-2/b.jpg", 80)]
    ranked = rank_shoot(shoot, GroupOptions((By.FOLDER,)), Choice(), None, blind)
    assert " groups    2 groups" in text(ranking_summary(ranked, Run(), None))


def test_photos_line_up_and_are_never_cut(ranked) -> None:
    for separate in (True, False):
        lines = text(ranking_lines(ranked, draw=separate, separate=separate, why_width=20))
        photos = [line for line in lines if line.endswith(".jpg")]
        assert len(photos) == len(ranked)
        assert len({width_of(line[: line.rindex("  ")]) for line in photos}) == 1
        assert r"bad\x1b[31m.jpg" in "\n".join(lines)


def test_show_keeps_the_best_groups(ranked) -> None:
    lines = text(ranking_lines(ranked, show=2, separate=True))
    assert sum(line.endswith(".jpg") for line in lines) == 2
    assert lines[-1] == " … and 5 more: -o FILE keeps all of them, --show N shows more"


def test_faults_come_first_where_a_photo_was_not_picked() -> None:
    from dataclasses import replace

    shoot = [replace(photo(n, s, at=9 * s), reasons=("face: noise",)) for n, s in (("a.jpg", 90.0), ("b.jpg", 10.0))]
    lines = text(ranking_lines(rank_shoot(shoot, GroupOptions((By.NONE,)), Choice(top=Top(count=1)), None, blind)))
    assert "rank 1; face: noise" in lines[1]
    assert "face: noise; rank 2" in lines[2]


def test_the_summary_counts(ranked) -> None:
    lines = text(ranking_summary(ranked, Run(seconds=2.0), Path("r.csv")))
    assert lines[1:6] == [
        " 7 photos  2 picked · 3 kept · 1 rejected · 1 failed",
        " groups    1 exposure bracket · 1 burst · 2 on their own",
        " time      2.0 s",
        " saved     r.csv",
        r" failed    bad\x1b[31m.jpg: truncated",
    ]


def test_failures_are_named_once_and_the_rest_is_counted() -> None:
    shoot = [photo(f"{n}.jpg", None) for n in range(7)]
    lines = text(ranking_summary(rank_shoot(shoot, GroupOptions(), Choice(), None, blind), Run(), None))
    assert [line[:10].strip() for line in lines[4:]] == ["failed", "", "", "", "", ""]
    assert lines[-1].strip() == "and 2 more"


def test_a_plan_is_summed_up() -> None:
    photo_path = Path("/p/a.jpg")
    steps = (
        Step("folder", Path("/o/picks"), photo_path),
        Step("mark", Path("/p/a.xmp"), photo_path, marks=Marks(rating=4, label="Green")),
        Step("mark", Path("/p/b.xmp"), photo_path, marks=Marks(rating=-1)),
        *(Step("move", Path(f"/o/picks/{n}"), photo_path, source=Path(f"/p/{n}")) for n in range(20)),
    )
    found = Preview(
        steps, (Skipped(Path("/p/c.jpg"), "rated by hand: 4 stars"),), (PhotoError("bad XMP", path=photo_path),)
    )
    lines = text(preview_lines(found, applied=False))
    assert lines[1] == " plan     mark 2 files · move 20 files"
    assert lines[2].split() == ["mark", "/p/a.xmp", "4", "stars", "Green"]
    assert lines[3].split() == ["mark", "/p/b.xmp", "rejected"]
    assert lines[4].split() == ["move", "/p/0", "->", "/o/picks/0"]
    assert lines[-4:] == [
        "          and 10 more: --plan-out FILE keeps all of them",
        " left     /p/c.jpg: rated by hand: 4 stars",
        " wrong    /p/a.jpg: bad XMP",
        " Nothing is changed yet: --apply does it.",
    ]
    for lines in (preview_lines(found, applied=True), preview_lines(found, applied=False, kept=True)):
        assert "          and 10 more" in text(lines)
    assert text(preview_lines(Preview(()), applied=False))[1] == " plan     nothing to do"


def test_what_was_done_says_how_to_take_it_back() -> None:
    step = Step("copy", Path("/o/a.jpg"), Path("/p/a.jpg"), source=Path("/p/a.jpg"))
    assert text(outcome_lines(Outcome((step,), journal=Path("/j")))) == [
        " done     copied 1 file",
        " undo     piqa rank --undo /j",
    ]
    assert text(outcome_lines(Outcome((step,), journal=Path("/j")), "undone")) == [" undone   copied 1 file"]
    assert text(outcome_lines(Outcome())) == [" done     nothing"]
    assert text(outcome_lines(Outcome((step,), already=(step,))))[0].endswith("1 file · 1 file had its marks already")
