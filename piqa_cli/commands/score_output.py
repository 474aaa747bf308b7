"""Where the scores of `piqa score` go: file, stdout, summary, and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import polars as pl

from piqa_cli.commands import console
from piqa_cli.commands.delivery import Delivery
from piqa_cli.commands.failures import INTERRUPTED, SOME_FAILED, unless_gone
from piqa_cli.commands.gate_request import GateRequest
from piqa_cli.commands.options import Format
from piqa_cli.commands.score_run import Run
from piqa_cli.commands.score_view import summary_lines, table_lines
from piqa_cli.gates.policy import Limits, Policy
from piqa_cli.outputs.summary import summarize
from piqa_cli.outputs.tabular import serialize, to_stream, write_table
from piqa_cli.records import counted
from piqa_cli.scoring.positions import with_positions
from piqa_cli.scoring.table import path_cell, to_frame

_LEAST_REASONS, _MOST_REASONS = 24, 44  # columns


def deliver(run: Run, delivery: Delivery) -> int:
    """Write and show the scores, and return the exit code: 130 goes before 1, 1 before 3, then 2 and 141 of stdout."""
    frame = to_frame(run.scores)
    nothing_yet = (run.interrupted or run.failure is not None) and frame.is_empty()
    gone = 0
    if not nothing_yet:
        gone = _save_and_show(with_positions(frame, run.scores) if delivery.with_gps else frame, delivery)
        if not delivery.quiet:
            _sum_up(frame, run, delivery)
    if run.interrupted:
        console.warn(interruption(run, delivery))
        return INTERRUPTED
    if run.failure is not None:
        return 0  # the caller raises it; half a set is not judged
    failed = delivery.strict and some_failed(frame, run.unlisted)
    unlisted = 0 if delivery.strict else run.unlisted
    code = judged(run, frame, delivery.gates, unlisted=unlisted, quiet=delivery.quiet)
    return code or (SOME_FAILED if failed else gone)


def judged(run: Run, frame: pl.DataFrame, gates: GateRequest, *, unlisted: int, quiet: bool) -> int:
    """The exit code that the gates give a run and its table, see `gate_run.judge`; 0 where there are none."""
    if not gates.asks:
        return 0
    from piqa_cli.commands.gate_run import judge  # with all forms of a verdict, and NumPy

    return judge(frame, gates, embeddings=embeddings_of(run), unlisted=unlisted, quiet=quiet)


def embeddings_of(run: Run) -> dict[str, bytes]:
    """Path as in the table -> embedding."""
    return {path_cell(score.path): score.embedding for score in run.scores if score.embedding is not None}


def _save_and_show(frame: pl.DataFrame, delivery: Delivery) -> int:
    if delivery.output is not None:
        write_table(frame, delivery.output)
    return unless_gone(partial(print_frame, frame, delivery.printed, partial(_lines, frame, delivery.show)))


def print_frame(frame: pl.DataFrame, form: Format | None, lines: Callable[[], list[console.Line]]) -> None:
    """Print a table as `Delivery.printed` says; `lines` makes those of `Format.TABLE`."""
    if form is Format.TABLE:
        console.print_table(lines())
    elif form is not None and sys.stdout.isatty():  # never Parquet, see Delivery.check
        sys.stdout.write(console.safe_data(serialize(frame, form).decode()))
    elif form is not None:
        to_stream(frame, form, sys.stdout.buffer)


def _lines(frame: pl.DataFrame, show: int) -> list[console.Line]:
    if not console.is_terminal():
        return table_lines(frame)
    reasons_width = min(max(console.columns() // 3, _LEAST_REASONS), _MOST_REASONS)
    return table_lines(frame, show=show, reasons_width=reasons_width, draw=console.can_draw())


def _sum_up(frame: pl.DataFrame, run: Run, delivery: Delivery) -> None:
    lines = summary_lines(
        summarize(frame),
        seconds=run.seconds,
        scored=run.progress.scored,
        cached=run.progress.cached,
        saved=str(delivery.output) if delivery.output else None,
    )
    console.say(*lines)


def interruption(run: Run, delivery: Delivery) -> str:
    """What an interrupted run has come to, in words."""
    found = "those found so far" if run.progress.searching else f"{run.progress.found:,}"
    saved = f" and saved in {delivery.output}" if delivery.output and run.scores else ""
    on = "; the next run goes on from there" if run.kept and run.scores else ""
    return f"interrupted: {len(run.scores):,} of {found} photos are done{saved}{on}"


def gate_fails(frame: pl.DataFrame, limit: float, unlisted: int = 0) -> bool:
    """Whether a photo scores below the limit; if so, say which. Raises UsageError, see `judge`."""
    from piqa_cli.commands.gate_run import judge

    limits = Limits(fail_under=limit)
    return judge(frame, GateRequest(limits=limits, policy=Policy(limits=limits)), unlisted=unlisted) != 0


def some_failed(frame: pl.DataFrame, unlisted: int = 0) -> bool:
    """Whether a photo could not be scored, or a folder not be listed; if so, say how many."""
    return any_failed(frame.filter(pl.col("status") == "error").height, frame.height, unlisted)


def any_failed(failed: int, photos: int, unlisted: int = 0) -> bool:
    """Whether there are any; if so, say how many of how many photos, and how many folders."""
    if failed:
        console.warn(f"{failed:,} of {photos:,} photos could not be scored (--strict)")
    if unlisted:
        console.warn(f"{counted(unlisted, 'folder')} could not be listed (--strict)")
    return failed + unlisted > 0
