"""`piqa rank`: from photos or a score table to picks, and to marks and files that other programs understand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from piqa_cli.commands import options
from piqa_cli.commands import rank_options as own
from piqa_cli.commands.delivery import Delivery
from piqa_cli.commands.given import given_options
from piqa_cli.commands.named_along import sort_out
from piqa_cli.commands.rank_request import Acting, Marking, Request
from piqa_cli.commands.scoring import Scoring
from piqa_cli.model.store import DEFAULT_MODEL
from piqa_cli.ranking.options import FOLDERS, GAP_S, By, Choice, GroupOptions, Layout
from piqa_cli.ranking.plan import MOVES, Move
from piqa_cli.scoring.options import FILE_TIMEOUT_S, EngineOptions, Precision


def rank(
    ctx: typer.Context,
    paths: own.Sources = None,
    by: own.ByKeys = [By.BURST],  # noqa: B006 - Typer's way to say repeatable
    gap: own.Gap = GAP_S,
    similarity: own.Alike = None,
    duplicates: own.Duplicates = False,
    top: own.TopBest = None,
    per_group: own.PerGroup = None,
    min_score: own.MinScore = None,
    max_photos: own.MaxPhotos = None,
    reject_below: own.RejectBelow = None,
    stars: own.StarCuts = None,
    write_xmp: own.WriteXmp = False,
    xmp_naming: own.Naming = own.XmpNaming.ADOBE,
    embed: own.Embed = False,
    keep_modified: own.KeepModified = True,
    overwrite_ratings: own.OverwriteRatings = False,
    clear: own.Clear = False,
    copy_to: own.CopyTo = None,
    hardlink_to: own.HardlinkTo = None,
    symlink_to: own.SymlinkTo = None,
    move_to: own.MoveTo = None,
    into: own.Into = Layout.PICKS,
    apply: own.Apply = False,
    plan_out: own.PlanOut = None,
    plan: own.PlanIn = None,
    journal: own.Journal = None,
    undo: own.Undo = None,
    output: options.Output = None,
    form: options.OutputFormat = None,
    list0: own.List0 = False,
    open_report: own.OpenReport = False,
    show: options.Show = 30,
    fail_under: options.FailUnder = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
    recursive: options.Recursive = True,
    include: options.Include = [],  # noqa: B006
    exclude: options.Exclude = [],  # noqa: B006
    max_megapixels: options.MaxMegapixels = 200.0,
    file_timeout: options.FileTimeout = FILE_TIMEOUT_S,
    model: options.Model = DEFAULT_MODEL,
    models_dir: options.ModelsDir = None,
    device: options.Device = "auto",
    batch_size: options.BatchSize = None,
    workers: options.Workers = None,
    crops: options.Crops = None,
    precision: options.ChosenPrecision = Precision.AUTO,
    no_cache: options.NoCache = False,
    cache_dir: options.CacheDir = None,
) -> None:
    """Group a shoot, rank it, choose the keepers, and mark or file them.

    Photos are scored as by `piqa score`, or taken from a table that it wrote. A pick meets every condition given;
    without one, photos are ranked only. Exposure brackets and panoramas are kept whole and never rejected. What
    somebody rejected by hand is no pick, what somebody gave stars no reject.

    Nothing is touched without --apply, and no photo is ever deleted or overwritten; --undo takes a run back, at once.

    Exit codes: 0 fine, 1 a photo is below --fail-under, 2 wrong usage, 3 something could not be done to a file, or
    with --strict could not be scored, 130 interrupted.
    """
    targets = _targets(copy=copy_to, hardlink=hardlink_to, symlink=symlink_to, move=move_to)
    sources, along = sort_out(paths or (), takes_tables=True)
    request = Request(
        sources=tuple(sources),
        grouping=GroupOptions(tuple(by), gap, similarity, duplicates),
        choice=Choice(top, per_group, min_score, max_photos, reject_below),
        star_cuts=stars,
        marking=Marking(write_xmp, xmp_naming.value, embed, keep_modified, overwrite_ratings, clear),
        targets=targets,
        layout=into,
        acting=Acting(apply, plan_out, plan, journal, undo),
        delivery=Delivery(output, form, show=show, fail_under=fail_under, strict=strict, quiet=quiet),
        scoring=Scoring(
            recursive=recursive,
            include=tuple(include),
            exclude=tuple(exclude),
            apart=tuple(_of_copies(targets, sources, into)),
            along=along,
            model=model,
            models_dir=models_dir,
            engine=EngineOptions(device, batch_size, workers, max_megapixels, crops, precision, file_timeout),
            no_cache=no_cache,
            cache_dir=cache_dir,
        ),
        list0=list0,
        open_report=open_report,
        given=given_options(ctx),
    )
    request.check()
    from piqa_cli.commands.rank_run import run_rank  # rich

    raise typer.Exit(run_rank(request))


def _targets(**folders: Path | None) -> dict[Move, Path]:
    return {move: folder for move in MOVES if (folder := folders[move]) is not None}


def _of_copies(targets: dict[Move, Path], sources: Sequence[Path], layout: Layout) -> Iterator[Path]:
    """Folders whose photos are there twice: inside the shoot they would be ranked against their own originals."""
    shoot = {path.resolve() for path in sources}
    for folder in (folder for move, folder in targets.items() if move != "move"):
        yield from map(folder.joinpath, FOLDERS.get(layout, ())) if folder.resolve() in shoot else (folder,)
