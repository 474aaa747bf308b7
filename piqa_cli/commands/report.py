"""`piqa report`: photos or a score table as one HTML page, and a verdict for pipelines."""

from __future__ import annotations

import typer

from piqa_cli.commands import gate_options as gates
from piqa_cli.commands import options
from piqa_cli.commands import report_options as own
from piqa_cli.commands.gate_request import make_request
from piqa_cli.commands.given import given_options
from piqa_cli.commands.named_along import sort_out
from piqa_cli.commands.rank_alone import check_table
from piqa_cli.commands.report_request import ReportRequest
from piqa_cli.commands.scoring import Scoring
from piqa_cli.model.store import DEFAULT_MODEL
from piqa_cli.scoring.options import FILE_TIMEOUT_S, EngineOptions, Precision


def report(
    ctx: typer.Context,
    paths: own.Sources,
    output: own.Page = None,
    assets: own.Assets = None,
    title: own.Title = None,
    group: own.Group = None,
    open_page: own.Open = False,
    force: own.Force = False,
    gate: gates.Gate = None,
    fail_under: gates.FailUnder = None,
    max_bad_pct: gates.MaxBadPct = None,
    bad_below: gates.BadBelow = None,
    max_errors: gates.MaxErrors = None,
    min_face_px: gates.MinFacePx = None,
    max_no_face_pct: gates.MaxNoFacePct = None,
    require_single_face: gates.RequireSingleFace = False,
    require_open_eyes: gates.RequireOpenEyes = False,
    min_resolution: gates.MinResolution = None,
    max_duplicates: gates.MaxDuplicates = None,
    max_near_duplicates: gates.MaxNearDuplicates = None,
    baseline: gates.Baseline = None,
    junit: gates.Junit = None,
    markdown: gates.Markdown = None,
    json: gates.Json = None,
    sarif: gates.Sarif = None,
    code_quality: gates.CodeQuality = None,
    annotations: gates.WantedAnnotations = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
    recursive: options.Recursive = True,
    include: options.Include = [],  # noqa: B006 - Typer's way to say repeatable
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
    """Make an HTML page to look through: contact sheet, faces, comparison, charts.

    Photos are scored as by `piqa score`, or taken from a table that it or `piqa rank` wrote; they are only read. The
    page opens from disk and needs no network; choices made in it are exported for `piqa rank --plan`.

    Exit codes: 0 fine, 1 a gate is broken, 2 wrong usage, 3 with --strict: a photo could not be scored, 130
    interrupted.
    """
    judging = make_request(
        gate=gate,
        fail_under=fail_under,
        max_bad_pct=max_bad_pct,
        bad_below=bad_below,
        max_errors=max_errors,
        min_face_px=min_face_px,
        max_no_face_pct=max_no_face_pct,
        require_single_face=require_single_face,
        require_open_eyes=require_open_eyes,
        min_resolution=min_resolution,
        max_duplicates=max_duplicates,
        max_near_duplicates=max_near_duplicates,
        baseline=baseline,
        junit=junit,
        markdown=markdown,
        json=json,
        sarif=sarif,
        code_quality=code_quality,
        annotations=annotations,
    )
    sources, along = sort_out(paths, takes_tables=True)
    request = ReportRequest(
        sources=tuple(sources),
        output=output,
        assets=assets,
        title=title,
        group=group,
        force=force,
        open=open_page,
        strict=strict,
        quiet=quiet,
        scoring=Scoring(
            recursive=recursive,
            include=tuple(include),
            exclude=tuple(exclude),
            along=along,
            model=model,
            models_dir=models_dir,
            engine=EngineOptions(device, batch_size, workers, max_megapixels, crops, precision, file_timeout),
            no_cache=no_cache,
            cache_dir=cache_dir,
        ),
        gates=judging,
    )
    check_table(given_options(ctx), request.sources)
    request.check()
    from piqa_cli.commands.report_run import run_report  # rich

    raise typer.Exit(run_report(request))
