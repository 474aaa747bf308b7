"""`piqa score`: from photo folders to a score table."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import typer

from piqa_cli.commands import gate_options as gates
from piqa_cli.commands import options, ray_options
from piqa_cli.commands.delivery import Delivery
from piqa_cli.commands.gate_request import make_request
from piqa_cli.commands.named_along import in_words, sort_out
from piqa_cli.commands.scoring import Scoring
from piqa_cli.errors import UsageError
from piqa_cli.model.store import DEFAULT_MODEL, find_model
from piqa_cli.outputs.part_files import SLASHES
from piqa_cli.scoring.options import FILE_TIMEOUT_S, EngineOptions, Precision


def score(
    paths: ray_options.Sources,
    output: ray_options.Target = None,
    form: options.OutputFormat = None,
    show: options.Show = 30,
    strict: options.Strict = False,
    with_gps: options.WithGps = False,
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
    engine: ray_options.ChosenEngine = ray_options.Engine.LOCAL,
    ray_address: ray_options.RayAddress = None,
    block_size: ray_options.BlockSize = None,
    actors: ray_options.Actors = None,
    cpus_per_actor: ray_options.CpusPerActor = None,
    gpus_per_actor: ray_options.GpusPerActor = None,
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
) -> None:
    """Score portrait photos from 0 to 100, higher is better, and say what is wrong with them.

    Photos are only read, never changed. Without -o and --format the result is a table; with both, the file is
    written and stdout gets the other form; -o with a folder's name streams the table into Parquet files in it, for
    millions of photos. Scores are kept, so that the next run does only what is new or changed.

    With --engine ray a cluster scores, from and to object stores as well; repeated, it goes on where it stopped.

    Gates judge the whole set; --gate FILE holds a policy: options go before its gates, and its sections for folders
    before both. With a policy or a file for a CI system the data set is checked, too: copies, wrong extensions, odd
    sizes, EXIF, folders of other quality.

    Exit codes: 0 fine, 1 a gate is broken, 2 wrong usage, 3 with --strict: a photo could not be scored, 130
    interrupted, with everything finished so far saved.
    """
    if output == "":  # it would mean no table at all
        raise UsageError("-o has an empty name", hint="a variable that is not set?")
    request = make_request(
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
    paths, along = sort_out(paths)
    request = replace(request, few=all(map(os.path.isfile, paths)))
    cluster = ray_options.ClusterRequest(
        engine, ray_address, block_size, actors, cpus_per_actor, gpus_per_actor, cache_dir
    )
    cluster.check([*paths, *([output] if output else [])])
    scoring = Scoring(
        recursive=recursive,
        include=tuple(include),
        exclude=tuple(exclude),
        along=along,
        model=model,
        models_dir=models_dir,
        engine=EngineOptions(device, batch_size, workers, max_megapixels, crops, precision, file_timeout),
        no_cache=no_cache,
        cache_dir=cache_dir,
    )
    into = Path(output) if output and not cluster.asked else None
    delivery = Delivery(
        into,
        form,
        show=show,
        strict=strict,
        quiet=quiet,
        with_gps=with_gps,
        gates=request,
        as_folder=output is not None and output.endswith(SLASHES),
    )
    delivery.check()
    if cluster.asked:
        from piqa_cli.cluster.listing import Listing
        from piqa_cli.commands.console import note  # rich
        from piqa_cli.commands.score_ray import score_with_ray

        if along and not quiet:
            note(in_words(along))
        listing = Listing(tuple(paths), scoring.recursive, scoring.include, scoring.exclude)
        chosen = find_model(scoring.model, scoring.models_dir)
        raise typer.Exit(score_with_ray(listing, output, chosen, cluster.options(scoring.engine), delivery))
    from piqa_cli.commands.score_here import score_here  # rich

    raise typer.Exit(score_here([Path(path) for path in paths], scoring, delivery))
