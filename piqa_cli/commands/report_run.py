"""The run behind `piqa report`: scores from photos or a table, then the page and the verdict of the gates."""

from __future__ import annotations

from piqa_cli.commands.console import warn
from piqa_cli.commands.failures import INTERRUPTED
from piqa_cli.commands.report_request import ReportRequest
from piqa_cli.commands.sources import gather
from piqa_cli.records import counted


def run_report(request: ReportRequest) -> int:
    """Do what the command line asks for and return the exit code.

    An interrupted run makes no page: the scores so far are in the cache, and the next run goes on from there.
    """
    run, table = gather(request.sources, request.scoring, verb="report", quiet=request.quiet)
    if run.failure:
        raise run.failure
    if run.interrupted:
        kept = "" if request.scoring.no_cache else "; their scores are kept"
        warn(f"interrupted: {counted(len(run.scores), 'photo')} done{kept}, and there is no report")
        return INTERRUPTED
    from piqa_cli.commands.report_output import deliver  # polars: it dislikes being forked; the workers are gone now

    return deliver(run, table, request)
