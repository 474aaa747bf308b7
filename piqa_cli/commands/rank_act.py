"""Carrying out: the plan shown first, then done, undone, or taken back. All words go to stderr."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from piqa_cli.commands import console
from piqa_cli.commands.console_steps import StepBar
from piqa_cli.commands.failures import SOME_FAILED
from piqa_cli.commands.rank_alone import check_no_table
from piqa_cli.commands.rank_plan_view import NOTHING_YET, outcome_lines, preview_lines
from piqa_cli.commands.rank_request import Request
from piqa_cli.commands.score_run import find_photos, nothing_found, open_cache
from piqa_cli.outputs.tabular import write_bytes
from piqa_cli.photos.sidecars import SidecarNaming
from piqa_cli.photos.suffixes import FOREIGN_RAW_SUFFIXES, RAW_SUFFIXES
from piqa_cli.ranking.actions import ApplyOptions, Outcome, Preview, apply_plan, clear, default_journal, preview, undo
from piqa_cli.ranking.leftovers import find_leftovers
from piqa_cli.ranking.options import By
from piqa_cli.ranking.plan import Plan, PlanItem
from piqa_cli.ranking.plan_file import load_plan, plan_to_json
from piqa_cli.ranking.planning import Filing, make_plan
from piqa_cli.ranking.ranked import RankedPhoto
from piqa_cli.ranking.steps import ChangeHandler
from piqa_cli.records import counted
from piqa_cli.scoring.cache import Change
from piqa_cli.shell_words import shell_word

_SIDECAR_IGNORED = frozenset({".jpg", ".jpeg", ".tif", ".tiff", ".dng", ".png"})  # by Lightroom, see its manual
_SIDECAR_READ = (RAW_SUFFIXES | FOREIGN_RAW_SUFFIXES) - _SIDECAR_IGNORED


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """What came of a plan."""

    code: int = 0  # the exit code
    moved: Mapping[Path, Path] = field(default_factory=dict)  # where a file was -> where it is now, both absolute


def carry_out(ranked: Sequence[RankedPhoto], request: Request) -> CarriedOut:
    """Make the plan that the command line asks for, write it, show it, and with --apply do it."""
    move, folder = next(iter(request.targets.items()), (None, None))
    outer = folder.resolve().parents if folder else ()
    sinking = By.FOLDER in request.grouping.by and any(path.resolve() in outer for path in request.sources)
    filing = Filing(
        request.marking.marks, move, folder, request.layout, everything=not request.choice.chooses, sinking=sinking
    )
    plan = make_plan(ranked, filing, " ".join(map(str, request.sources)))
    options = _options(request)
    if not request.delivery.quiet:
        _tell_leftovers(find_leftovers(ranked, filing, plan))
    if request.acting.plan_out is not None:
        write_bytes(plan_to_json(plan, options).encode(), request.acting.plan_out)
    return _execute(plan, options, request)


def _tell_leftovers(found: Sequence[Path]) -> None:
    if found:
        such = f"{counted(len(found), 'photo')} of an earlier run, such as {console.safe_text(str(found[0]))}"
        console.note(f"{such}, would not go there now: they stay, and --undo takes that run back")


def run_plan(request: Request) -> int:
    """`--plan FILE`: show a plan made earlier, and with --apply do it."""
    assert request.acting.plan is not None
    return _execute(*load_plan(request.acting.plan, _options(request)), request).code


def run_undo(request: Request) -> int:
    """`--undo JOURNAL`: at once, for it only restores what was there."""
    assert request.acting.undo is not None
    with _followed(request) as on_change, StepBar("working", quiet=request.delivery.quiet) as bar:
        outcome = undo(request.acting.undo, bar.update, on_change)
    return _report(outcome, request, "undone")


def run_clear(request: Request) -> int:
    """`--clear`: take back the marks of the photos named; without --apply only say of how many."""
    files = list(find_photos(request.sources, request.scoring, quiet=request.delivery.quiet))
    if not files:
        raise nothing_found(request.sources)
    check_no_table(file.path for file in files)
    if not request.acting.apply:
        count = counted(len(files), "photo")
        console.say(
            (("plan  ", "bold"), (f"take piqa's marks out of {count} and their sidecars, where there are any", ""))
        )
        console.say(NOTHING_YET)
        return 0
    with _followed(request) as on_change, StepBar("working", quiet=request.delivery.quiet) as bar:
        outcome = clear(files, _options(request), bar.update, on_change)
    return _report(outcome, request, "cleared")


def _execute(plan: Plan, options: ApplyOptions, request: Request) -> CarriedOut:
    journal = request.acting.journal or default_journal()
    shown = None
    if not request.delivery.quiet or not request.acting.apply:
        shown = _show_plan(plan, options, request, journal)
    if not request.acting.apply:
        return CarriedOut()
    try:
        with _followed(request) as on_change, StepBar("working", quiet=request.delivery.quiet) as bar:
            outcome = apply_plan(plan, options, journal, bar.update, shown, on_change)
    except KeyboardInterrupt:
        if journal.exists():
            console.warn(f"interrupted: piqa rank --undo {shell_word(journal)} takes back what was done")
        raise
    moved = {step.source: step.target for step in outcome.done if step.action == "move" and step.source}
    return CarriedOut(_report(outcome, request, "done"), moved)


@contextmanager
def _followed(request: Request) -> Iterator[ChangeHandler]:
    """Scores in the cache follow the photos that are moved or written into, also when the work is stopped half way."""
    changes: list[Change] = []
    try:
        yield lambda *change: changes.append(change)
    finally:
        if any(path.suffix.lower() != ".xmp" for _, _, path, _ in changes) and not request.scoring.no_cache:
            with closing(open_cache(request.scoring.cache_dir, quiet=request.delivery.quiet)) as cache:
                cache.follow(changes)


def _show_plan(plan: Plan, options: ApplyOptions, request: Request, journal: Path) -> Preview:
    found = preview(plan, options)
    kept = request.acting.plan is not None or request.acting.plan_out is not None
    console.say(*preview_lines(found, applied=request.acting.apply, kept=kept))
    if not request.delivery.quiet:
        _hint_at_embedding(plan, options)
        if request.acting.apply and (found.steps or journal.exists()):  # else none is written
            console.say(((" journal  ", "bold"), (console.safe_text(str(journal)), "")))
    return found


def _hint_at_embedding(plan: Plan, options: ApplyOptions) -> None:
    if options.embed or options.xmp_naming == "darktable":  # nobody's who has Lightroom
        return
    if any(item.mark and _is_unheard(item) for item in plan.items):
        console.note("Lightroom reads no sidecar beside a JPEG, TIFF, DNG or PNG: --embed writes into the photo itself")


def _is_unheard(item: PlanItem) -> bool:
    """Whether Lightroom passes the sidecar over: a JPEG beside its RAW file is a part of that to it."""
    alone = not any(mate.suffix.lower() in _SIDECAR_READ for mate in item.mates)
    return alone and item.photo.suffix.lower() in _SIDECAR_IGNORED


def _options(request: Request) -> ApplyOptions:
    marking = request.marking
    return ApplyOptions(
        xmp_naming=cast("SidecarNaming", marking.naming),
        embed=marking.embed,
        overwrite_ratings=marking.overwrite_ratings,
        keep_modified=marking.keep_modified,
    )


def _report(outcome: Outcome, request: Request, what: str) -> int:
    if not request.delivery.quiet:
        console.say(*outcome_lines(outcome, what))
    else:
        for problem in outcome.problems:
            console.warn(f"{problem.path}: {problem.message}")
    return SOME_FAILED if outcome.problems else 0
