"""`piqa score` on this machine: photos are found and scored, and what comes out is delivered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from piqa_cli.commands.delivery import Delivery
from piqa_cli.commands.score_run import collect, find_photos, nothing_found
from piqa_cli.commands.scoring import Scoring
from piqa_cli.commands.sources import opened_cache
from piqa_cli.model.store import find_model


def score_here(sources: Sequence[Path], scoring: Scoring, delivery: Delivery) -> int:
    """Do what the command line asks for and return the exit code.

    Raises:
        UsageError: a path or the model is not there, no photos, or something that a folder of parts cannot give.
        EngineError: what stopped the run; what was finished before is delivered.
    """
    photos = find_photos(sources, scoring, quiet=delivery.quiet)
    model = find_model(scoring.model, scoring.models_dir)
    cache = opened_cache(scoring, quiet=delivery.quiet)
    if delivery.into_folder:
        from piqa_cli.commands.score_parts import check_parts, score_into_folder  # polars

        check_parts(delivery)
        run, code = score_into_folder(photos, model, scoring.engine, cache, delivery)
    else:
        run, code = collect(photos, model, scoring.engine, cache, quiet=delivery.quiet), 0
    if not run.progress.found and not run.interrupted:
        raise nothing_found(sources)
    if not delivery.into_folder:
        from piqa_cli.commands.score_output import deliver  # polars: it dislikes being forked; the workers are gone now

        code = deliver(run, delivery)
    if run.failure:
        raise run.failure
    return code
