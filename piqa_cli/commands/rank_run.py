"""The run behind `piqa rank`: scores from photos or from a table, ranked, shown, and acted on."""

from __future__ import annotations

from piqa_cli.commands.console import note
from piqa_cli.commands.rank_request import Request
from piqa_cli.commands.sources import gather
from piqa_cli.errors import UsageError
from piqa_cli.ranking.options import By


def run_rank(request: Request) -> int:
    """Do what the command line asks for and return the exit code."""
    if request.marking.clear or not request.sources:
        from piqa_cli.commands.rank_act import run_clear, run_plan, run_undo

        if request.acting.undo is not None:
            return run_undo(request)
        return run_plan(request) if request.acting.plan is not None else run_clear(request)
    _tell_what_is_apart(request)
    run, frame = gather(request.sources, request.scoring, verb="rank", quiet=request.delivery.quiet)
    if frame is not None and not any(score.embedding for score in run.scores):
        _do_without_embeddings(request)
    from piqa_cli.commands.rank_output import deliver  # polars: it dislikes being forked, and the workers are gone now

    code = deliver(run, frame, request)
    if run.failure:
        raise run.failure
    return code


def _tell_what_is_apart(request: Request) -> None:
    sources = [path.resolve() for path in request.sources]
    for folder in request.scoring.apart if request.scoring.recursive and not request.delivery.quiet else ():
        inside = not set(sources).isdisjoint(folder.resolve().parents) and folder.resolve() not in sources
        if inside and folder.is_dir():
            note(f"photos in {folder} are left out: it is where copies go")


def _do_without_embeddings(request: Request) -> None:
    if request.grouping.duplicates:
        hint = "rank the photos themselves, without --no-cache"
        raise UsageError("--duplicates goes by the look of photos, and the cache does not know these", hint=hint)
    if By.BURST in request.grouping.by and not request.delivery.quiet:
        note("the cache does not know these photos: bursts are told by capture time alone")
