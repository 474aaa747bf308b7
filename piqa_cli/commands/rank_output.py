"""Where a ranking goes: file, stdout, summary, plan, and the exit code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import polars as pl

from piqa_cli.commands import console
from piqa_cli.commands.delivery import Delivery
from piqa_cli.commands.failures import GATE_FAILED, INTERRUPTED, SOME_FAILED, unless_gone
from piqa_cli.commands.options import Format
from piqa_cli.commands.rank_request import Request
from piqa_cli.commands.rank_view import ranking_lines, ranking_summary
from piqa_cli.commands.score_output import gate_fails, interruption, print_frame, some_failed
from piqa_cli.commands.score_run import Run
from piqa_cli.errors import PhotoError
from piqa_cli.outputs.tabular import write_table
from piqa_cli.photos.absolute import absolute
from piqa_cli.photos.ratings import ByHand
from piqa_cli.ranking.by_hand import said_of_shoot
from piqa_cli.ranking.copies import find_copies
from piqa_cli.ranking.ranked import RankedPhoto, rank_shoot
from piqa_cli.ranking.ranked_table import in_order, with_ranking
from piqa_cli.ranking.sweeps import look_at
from piqa_cli.records import counted
from piqa_cli.scoring.table import path_cell, path_text
from piqa_cli.spreadsheets import path_of

_PLACES = ("path", "raw_mate")  # columns
_LEAST_REASONS, _MOST_REASONS = 24, 60  # columns


def deliver(run: Run, table: pl.DataFrame | None, request: Request) -> int:
    """Rank, write, show and act; return the exit code: 130 goes before 1, 1 before 3, then 2 and 141 of stdout.

    An interrupted run is shown but not acted on: another photo may be the best of its burst.
    """
    delivery = request.delivery
    if not run.scores:
        return _stopped(run, request)
    started = time.perf_counter()
    look = look_at(request.scoring.engine.max_megapixels)
    said = _said_by_hand(run, request)
    ranked = rank_shoot(run.scores, request.grouping, request.choice, request.star_cuts, look, said)
    run.seconds += time.perf_counter() - started
    frame = with_ranking(in_order(ranked, run.scores, table), ranked)
    if delivery.output is not None:
        write_table(frame, delivery.output)
    later = request.list0 or _moves_before_data(request)
    gone = 0 if later else unless_gone(partial(_show, frame, ranked, delivery))
    if not delivery.quiet:
        console.say(*ranking_summary(ranked, run, saved=delivery.output))
        if not request.grouping.duplicates:
            _tell_copies(run)
    if run.interrupted or run.failure:
        return _stopped(run, request)
    code, moved = _act(ranked, request) if request.acts else (0, {})
    if moved:
        frame = _as_moved(frame, moved)
        if delivery.output is not None:  # once more: a photo that is moved is listed where it can be found
            write_table(frame, delivery.output)
    if later:
        gone = unless_gone(partial(_list, ranked, moved) if request.list0 else partial(_show, frame, ranked, delivery))
    if request.open_report:
        _hand_over(frame, request)
    failed = delivery.strict and some_failed(frame, run.unlisted)
    unlisted = 0 if delivery.strict else run.unlisted
    if delivery.fail_under is not None and gate_fails(frame, delivery.fail_under, unlisted):
        return GATE_FAILED
    return SOME_FAILED if failed else code or gone


def _said_by_hand(run: Run, request: Request) -> Mapping[int, ByHand]:
    """What bears on what is chosen or filed; sidecars that cannot be read are told, unless writing marks tells them."""
    if not (request.choice.chooses or request.targets) or request.marking.overwrite_ratings:
        return {}
    wrong: list[PhotoError] = []
    said = said_of_shoot(run.scores, wrong.append)
    unread = {error.path: error for error in wrong if os.path.lexists(error.path)}
    if unread and not request.marking.marks and not request.delivery.quiet:
        first = next(iter(unread.values()))
        console.note(
            f"a rating by hand cannot be read in {counted(len(unread), 'file')}: {first.path}: {first.message}"
        )
    return said


def _moves_before_data(request: Request) -> bool:
    """Whether photos are moved, and stdout is for a program, which must find them."""
    data = request.delivery.format not in (None, Format.TABLE)
    return data and request.acting.apply and "move" in request.targets


def _tell_copies(run: Run) -> None:
    """Say of copies that an earlier run has left in the shoot that they are ranked against their originals."""
    if copies := find_copies(run.scores):
        copy, original = map(path_text, copies[0])
        such = "1 photo is" if len(copies) == 1 else f"{len(copies):,} photos are"
        console.note(f"{such} there twice, such as {copy} and {original}: --exclude leaves a folder of copies out")


def _hand_over(frame: pl.DataFrame, request: Request) -> None:
    from piqa_cli.commands.report_output import report_ranking  # Jinja2

    report_ranking(frame, request)


def _as_moved(frame: pl.DataFrame, moved: Mapping[Path, Path]) -> pl.DataFrame:
    """The table with photos and RAW mates where they are now."""
    names = [name for name in _PLACES if name in frame.columns]
    was = {cell: absolute(path_of(cell)) for name in names for cell in frame[name].drop_nulls()}
    now = {cell: path_cell(moved[Path(path)]) for cell, path in was.items() if Path(path) in moved}
    return frame.with_columns(pl.col(names).replace(now))


def _act(ranked: list[RankedPhoto], request: Request) -> tuple[int, Mapping[Path, Path]]:
    from piqa_cli.commands.rank_act import carry_out  # exiv2

    carried_out = carry_out(ranked, request)
    return carried_out.code, carried_out.moved


def _stopped(run: Run, request: Request) -> int:
    if request.list0 and run.scores:
        console.warn("no picks are listed: another photo may be the best of its burst")
    if run.interrupted:
        console.warn(interruption(run, request.delivery))
    return INTERRUPTED


def _list(ranked: list[RankedPhoto], moved: Mapping[Path, Path]) -> None:
    picks = [photo.score.path for photo in ranked if photo.decision == "pick"]
    places = [moved.get(Path(absolute(path)), path) for path in picks]
    sys.stdout.buffer.write(b"".join(os.fsencode(path) + b"\0" for path in places))
    sys.stdout.buffer.flush()


def _show(frame: pl.DataFrame, ranked: list[RankedPhoto], delivery: Delivery) -> None:
    print_frame(frame, delivery.printed, partial(_lines, ranked, delivery.show))


def _lines(ranked: list[RankedPhoto], show: int) -> list[console.Line]:
    if not console.is_terminal():
        return ranking_lines(ranked)
    width = min(max(console.columns() // 3, _LEAST_REASONS), _MOST_REASONS)
    return ranking_lines(ranked, show=show, why_width=width, draw=console.can_draw(), separate=True)
