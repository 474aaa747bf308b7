"""`piqa score --engine ray`: photos and results may be in object stores, the work is done by a Ray cluster."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from piqa_cli.cluster.listing import Listing
from piqa_cli.cluster.options import ClusterOptions
from piqa_cli.cluster.places import is_uri
from piqa_cli.cluster.results import ResultFolder
from piqa_cli.commands import console
from piqa_cli.commands.delivery import Delivery
from piqa_cli.commands.failures import INTERRUPTED, SOME_FAILED
from piqa_cli.commands.score_output import any_failed
from piqa_cli.commands.score_parts import judge_folder
from piqa_cli.commands.score_run import STDIN
from piqa_cli.errors import UsageError
from piqa_cli.gates.unanswerable import cannot_check, look_not_kept
from piqa_cli.model.store import ModelFolder
from piqa_cli.outputs.part_files import SLASHES, check_folder, names_folder
from piqa_cli.outputs.tabular import FORMATS
from piqa_cli.records import counted
from piqa_cli.table_parts import MANIFEST

_NEWS_S = 30.0  # between two notes on how far the run is


@dataclass(slots=True)
class _Tally:
    """How far the run is, in photos."""

    rows: int = 0
    errors: int = 0
    known: int = 0  # done by an earlier run


def score_with_ray(
    listing: Listing, target: str | None, model: ModelFolder, options: ClusterOptions, delivery: Delivery
) -> int:
    """Score on a cluster into a folder or an object store -> the exit code.

    Raises:
        PiqaError: see `check` and `cluster.engine.score_on_cluster`.
    """
    results = check(listing, target, options, delivery)
    from piqa_cli.cluster.engine import score_on_cluster

    tally, started = _Tally(), time.perf_counter()
    next_news = started + _NEWS_S
    try:
        for finished in score_on_cluster(listing, results, model, options):
            tally.rows += finished.rows
            tally.errors += finished.errors
            tally.known += finished.rows if finished.skipped else 0
            if not delivery.quiet and time.perf_counter() > next_news:
                next_news = time.perf_counter() + _NEWS_S
                console.note(_news(tally, time.perf_counter() - started))
    except KeyboardInterrupt:
        console.warn(f"interrupted: {counted(tally.rows, 'photo')} done; the same command goes on from there")
        return INTERRUPTED
    if not tally.rows:
        where = ", ".join(listing.sources[:3])
        raise UsageError(f"no photos found in {where}", hint="check the prefix; see also --include and --exclude")
    if not delivery.quiet:
        console.note(f"saved {target}: {_news(tally, time.perf_counter() - started)}")
    return _verdict(results, tally, delivery)


def check(listing: Listing, target: str | None, options: ClusterOptions, delivery: Delivery) -> ResultFolder:
    """See, before the work, that it can be done -> where the results go.

    Raises:
        UsageError: Ray is not installed, or an option does not go with it.
        OutputError: the folder cannot be written, or holds other things.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--engine ray needs the package ray", hint="pip install 'piqa-cli[ray]' brings it")
    if target is None:
        raise UsageError("--engine ray writes a folder of Parquet files", hint="name it: -o FOLDER, -o s3://bucket/x")
    if str(STDIN) in listing.sources:
        raise UsageError("--engine ray takes no list on stdin", hint="name folders, photos or prefixes")
    if "," in options.scoring.device or options.scoring.device == "all":
        raise UsageError("an actor has one device", hint="--actors and --gpus-per-actor use several")
    _check_delivery(listing.sources, target, delivery)
    return _result_folder(target)


def _check_delivery(sources: Sequence[str], target: str, delivery: Delivery) -> None:
    if delivery.format is not None or delivery.with_gps:
        option = "--with-gps" if delivery.with_gps else "--format"
        raise UsageError(f"{option} and --engine ray do not go together", hint="read the Parquet files it writes")
    if delivery.gates.asks and is_uri(target):
        raise UsageError("gates judge a table on this machine", hint="score without them, or with -o FOLDER")
    if not is_uri(target):
        delivery.gates.check_outside(Path(target))
    policy, away = delivery.gates.policy, any(map(is_uri, sources))
    hint = "limits such as --fail-under need the table alone"
    if delivery.gates.checks_dataset and away:
        raise UsageError("a policy or result files read the photos, which are not on this machine", hint=hint)
    if policy.asks("max_duplicates") and away:
        raise cannot_check("max_duplicates", "it reads the photos, which are not on this machine", hint)
    if policy.asks("max_near_duplicates"):
        raise look_not_kept("leave out --engine ray, and name a file with -o")


def _result_folder(target: str) -> ResultFolder:
    name = target.rstrip("/")
    folder = is_uri(name) or target.endswith(SLASHES) or names_folder(Path(name))
    if name.lower().endswith(tuple(f".{form}" for form in FORMATS)) or not folder:
        raise UsageError(
            f"{target} names a file", hint="--engine ray writes a folder of Parquet files: leave out the suffix"
        )
    if is_uri(name):
        return ResultFolder(name)
    place = Path(target).absolute()  # with its links, and with `..`, which behind a link leads where the link does
    if not (place / MANIFEST).is_dir():
        check_folder(place)
    return ResultFolder(str(place))


def _news(tally: _Tally, seconds: float) -> str:
    known = f", {tally.known:,} of them in an earlier run" if tally.known else ""
    errors = f", {tally.errors:,} could not be scored" if tally.errors else ""
    return f"{counted(tally.rows, 'photo')} in {seconds:.1f} s{known}{errors}"


def _verdict(results: ResultFolder, tally: _Tally, delivery: Delivery) -> int:
    strictly = SOME_FAILED if delivery.strict and any_failed(tally.errors, tally.rows) else 0
    return judge_folder(Path(results.place), delivery) or strictly
