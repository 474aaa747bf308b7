"""Where a report goes: the page, the gates' files, a summary, and the exit code."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from piqa_cli.commands import console
from piqa_cli.commands.console_steps import StepBar
from piqa_cli.commands.failures import SOME_FAILED
from piqa_cli.commands.rank_request import Request
from piqa_cli.commands.report_request import ReportRequest, page_options
from piqa_cli.commands.score_output import judged, some_failed
from piqa_cli.commands.score_run import STDIN, Run
from piqa_cli.commands.scoring import Scoring
from piqa_cli.errors import ModelError
from piqa_cli.model.config import load_config
from piqa_cli.model.store import find_model
from piqa_cli.ranking.sweeps import look_at
from piqa_cli.records import counted
from piqa_cli.report.arrange import arrange, as_ranked, is_ranked
from piqa_cli.report.build import Written, write_report
from piqa_cli.report.data import DEFECT_THRESHOLD, About
from piqa_cli.report.options import DEFAULT_PAGE, Grouping, ReportOptions
from piqa_cli.scoring.table import path_text, to_frame

_OF_TABLE = "table"
_NAMED_IN_HEADING = 3
_LIST = "a list of photos"


def deliver(run: Run, table: pl.DataFrame | None, request: ReportRequest) -> int:
    """Write the page, judge, and return the exit code: 1 goes before 3."""
    if request.wants_page:
        frame, grouping = _arranged(run, table, request)
        about = _about(request.sources, grouping, request.scoring, request.title)
        write_page(frame, about, request.page, quiet=request.quiet)
    frame = to_frame(run.scores) if table is None else table
    failed = request.strict and some_failed(frame, run.unlisted)
    unlisted = 0 if request.strict else run.unlisted
    code = judged(run, frame, request.gates, unlisted=unlisted, quiet=request.quiet)
    if request.open:
        show(request.page.output)
    return code or (SOME_FAILED if failed else 0)


def report_ranking(frame: pl.DataFrame, request: Request) -> None:
    """`piqa rank --open-report`: the ranked table as `report.html`, shown in the browser."""
    options = page_options(DEFAULT_PAGE, request.scoring)
    write_page(frame, _about(request.sources, _OF_TABLE, request.scoring), options, quiet=request.delivery.quiet)
    show(options.output)


def write_page(frame: pl.DataFrame, about: About, options: ReportOptions, *, quiet: bool) -> None:
    """Write the page of a ranked score table, with a progress bar, and say what came of it."""
    try:
        with StepBar("making thumbnails", quiet=quiet) as bar:
            written = write_report(frame, about, options, bar.update)
    except KeyboardInterrupt:
        console.warn(f"interrupted: {path_text(options.output)} is not written")
        raise
    if not quiet:
        _sum_up(written)


def show(page: Path) -> None:
    """Open the page in the browser; where there is none, say where the page is."""
    if not webbrowser.open(page.absolute().as_uri()):
        console.warn(f"no browser was found; open {path_text(page)} in one")


def heading(sources: Sequence[Path]) -> str:
    """The title of a page of these photos or this table."""
    names = [_LIST if path == STDIN else path_text(Path(path.absolute().name)) for path in sources]
    rest = len(names) - _NAMED_IN_HEADING
    return ", ".join(names[:_NAMED_IN_HEADING]) + (f" and {rest} more" if rest > 0 else "")


def in_words(sources: Sequence[Path]) -> str:
    """What was reported."""
    return ", ".join(_LIST if path == STDIN else path_text(path) for path in sources)


def _arranged(run: Run, table: pl.DataFrame | None, request: ReportRequest) -> tuple[pl.DataFrame, str | None]:
    """The table with groups and stars, and what its groups are."""
    if table is not None and request.group is None and is_ranked(table):
        return as_ranked(table), _OF_TABLE
    grouping = request.group or Grouping.BURST
    if grouping is Grouping.BURST and table is not None and not any(score.embedding for score in run.scores):
        _say_how_bursts_are_told(request)
    look = look_at(request.scoring.engine.max_megapixels)
    return arrange(run.scores, table, grouping, look), None if grouping is Grouping.NONE else grouping.value


def _say_how_bursts_are_told(request: ReportRequest) -> None:
    if not request.quiet:
        console.note("the cache does not know these photos: bursts are told by capture time alone")


def _about(sources: Sequence[Path], grouping: str | None, scoring: Scoring, title: str | None = None) -> About:
    created = datetime.now().astimezone().replace(microsecond=0)  # the clock on the wall: a printed sheet shows it
    return About(title or heading(sources), in_words(sources), created, grouping, _threshold(scoring))


def _threshold(scoring: Scoring) -> float:
    """From which severity the model names a defect; a table's model may not be here."""
    try:
        return load_config(find_model(scoring.model, scoring.models_dir).path).reason_threshold
    except ModelError:
        return DEFECT_THRESHOLD


def _sum_up(written: Written) -> None:
    size = f"{written.page_bytes / 1e6:.1f} MB"
    beside = f", pictures in {path_text(written.assets)}" if written.assets else ""
    photos = counted(written.photos, "photo")
    console.note(f"saved {path_text(written.page)}: {photos}, {size}{beside}")
    if written.without_picture:
        verb = "is" if written.without_picture == 1 else "are"
        console.note(f"{written.without_picture:,} of them {verb} gone or unreadable and shown without a picture")
