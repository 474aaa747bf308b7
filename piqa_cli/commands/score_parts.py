"""`piqa score -o FOLDER`: the table streams into a folder of Parquet files, however many photos there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from piqa_cli.commands import console
from piqa_cli.commands.delivery import Delivery
from piqa_cli.commands.failures import INTERRUPTED, SOME_FAILED
from piqa_cli.commands.score_output import any_failed
from piqa_cli.commands.score_run import Run, collect
from piqa_cli.errors import UsageError
from piqa_cli.gates.needs import columns_needed
from piqa_cli.gates.unanswerable import look_not_kept
from piqa_cli.model.store import ModelFolder
from piqa_cli.outputs.partitions import PartitionedTable, read_outline
from piqa_cli.records import PhotoFile, PhotoScore, counted
from piqa_cli.scoring.cache import ResultCache
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.table import SCHEMA, path_text


def check_parts(delivery: Delivery) -> None:
    """See that nothing is asked for that a streamed table cannot give.

    Raises:
        UsageError: another form on stdout, positions, or near-duplicates.
    """
    if delivery.format is not None or delivery.with_gps:
        option = "--with-gps" if delivery.with_gps else "--format"
        raise UsageError(f"{option} and a folder of Parquet files do not go together", hint="name a file with -o")
    if delivery.gates.policy.asks("max_near_duplicates"):
        raise look_not_kept("name a file with -o")


def score_into_folder(
    photos: Iterable[PhotoFile],
    model: ModelFolder,
    options: EngineOptions,
    cache: ResultCache | None,
    delivery: Delivery,
) -> tuple[Run, int]:
    """Score and write as the scores come -> the run and the exit code, as of `score_output.deliver`."""
    assert delivery.output is not None
    failed = 0
    with PartitionedTable(delivery.output) as table:

        def add(scores: Sequence[PhotoScore]) -> None:
            nonlocal failed
            failed += sum(score.status == "error" for score in scores)
            table.add(scores)

        run = collect(photos, model, options, cache, quiet=delivery.quiet, sink=add)
        if table.rows:
            table.finish()
    if table.rows and not delivery.quiet:
        errors = f", {failed:,} could not be scored" if failed else ""
        count = counted(table.rows, "photo")
        console.note(f"saved {path_text(delivery.output)}: {count} in {run.seconds:.1f} s{errors}")
    if run.interrupted:
        console.warn("interrupted: the photos that are done are saved")
        return run, INTERRUPTED
    if run.failure is not None or not table.rows:
        return run, 0  # the caller raises it
    strictly = SOME_FAILED if delivery.strict and any_failed(failed, table.rows, run.unlisted) else 0
    unlisted = 0 if delivery.strict else run.unlisted
    return run, judge_folder(delivery.output, delivery, unlisted) or strictly


def judge_folder(folder: Path, delivery: Delivery, unlisted: int = 0) -> int:
    """The exit code of the gates on a table in parts; `unlisted` as of `judge`.

    They need few columns; only dataset checks and files for CI take the whole table.
    """
    gates = delivery.gates
    if not gates.asks:
        return 0
    from piqa_cli.commands.gate_run import judge

    columns = SCHEMA if gates.checks_dataset else columns_needed(gates.policy)
    return judge(read_outline(folder, columns), gates, unlisted=unlisted, quiet=delivery.quiet)
