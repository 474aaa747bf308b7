"""`piqa evaluate`: how well scores agree with people's labels."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from piqa_cli.commands import options
from piqa_cli.commands.given import given_options
from piqa_cli.model.store import DEFAULT_MODEL
from piqa_cli.scoring.options import EngineOptions, Precision

_LABELS, _RESULTS = "Labels", "Results"


class Part(StrEnum):
    """What `--part` takes."""

    TEST = "test"
    VAL = "val"
    TRAIN = "train"
    ALL = "all"


Dataset = Annotated[
    str | None,
    typer.Option(help="piq23, gfiqa or lsvq, as published.", metavar="NAME", rich_help_panel=_LABELS),
]
Root = Annotated[
    Path | None, typer.Option(help="The data set's folder.", metavar="DIR", rich_help_panel=_LABELS, show_default=False)
]
Attribute = Annotated[
    str | None,
    typer.Option(
        help="PIQ23: Overall, Details or Exposure.", metavar="NAME", rich_help_panel=_LABELS, show_default="Overall"
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        help="PIQ23: its device or its scene split.", metavar="NAME", rich_help_panel=_LABELS, show_default="device"
    ),
]
ManifestFile = Annotated[
    Path | None,
    typer.Option(
        "--manifest",
        help="One's own labels: CSV or Parquet with image, score (higher is better), and maybe scene and split.",
        metavar="FILE",
        rich_help_panel=_LABELS,
        show_default=False,
    ),
]
TestShare = Annotated[
    float | None,
    typer.Option(
        help="As training had it: share held out for the test where there is no split (0.2).",
        metavar="SHARE",
        rich_help_panel=_LABELS,
        show_default=False,
    ),
]
ChosenPart = Annotated[
    Part, typer.Option("--part", help="test, val, train or all.", metavar="PART", rich_help_panel=_LABELS)
]
Scores = Annotated[
    Path | None,
    typer.Option(
        help="Take scores from this table instead of a model: made by piqa score, or with label, predicted and scene.",
        metavar="FILE",
        rich_help_panel="Model",
        show_default=False,
    ),
]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", help="Write everything as JSON.", metavar="FILE", rich_help_panel=_RESULTS),
]
CsvFile = Annotated[
    Path | None, typer.Option("--csv", help="Write one row a scene.", metavar="FILE", rich_help_panel=_RESULTS)
]
MarkdownFile = Annotated[
    Path | None,
    typer.Option("--markdown", help="Write a table for a paper.", metavar="FILE", rich_help_panel=_RESULTS),
]
Bootstrap = Annotated[
    int,
    typer.Option(min=0, help="Resamples for intervals, 40 or more; 0: none.", metavar="N", rich_help_panel=_RESULTS),
]
Seed = Annotated[int, typer.Option(min=0, help="Of the resamples.", metavar="N", rich_help_panel=_RESULTS)]


def evaluate(
    ctx: typer.Context,
    dataset: Dataset = None,
    root: Root = None,
    attribute: Attribute = None,
    split: Split = None,
    manifest: ManifestFile = None,
    test_share: TestShare = None,
    part: ChosenPart = Part.TEST,
    scores: Scores = None,
    model: options.Model = DEFAULT_MODEL,
    models_dir: options.ModelsDir = None,
    device: options.Device = "auto",
    batch_size: options.BatchSize = None,
    workers: options.Workers = None,
    crops: options.Crops = None,
    precision: options.ChosenPrecision = Precision.AUTO,
    max_megapixels: options.MaxMegapixels = 200.0,
    json: JsonFile = None,
    csv: CsvFile = None,
    markdown: MarkdownFile = None,
    bootstrap: Bootstrap = 1000,
    seed: Seed = 0,
    quiet: options.Quiet = False,
    no_cache: options.NoCache = False,
    cache_dir: options.CacheDir = None,
) -> None:
    """Compare a model's scores, or a score table's, with labels: SRCC, PLCC, KRCC, RMSE, MAE and pair accuracy.

    Scene by scene, since labels of different scenes are on scales of their own; then mean and median over scenes with
    bootstrap intervals. PLCC, RMSE and MAE are taken after the usual 4-parameter logistic fit.

    Exit codes: 0 fine, 2 wrong usage or nothing to compare, 130 interrupted.
    """
    from piqa_cli.commands.evaluate_output import Report, deliver  # rich
    from piqa_cli.commands.evaluate_run import Labels, Scorer, bring_together

    labels = Labels(dataset, root, attribute, split, manifest, test_share, part.value)
    report = Report(json, csv, markdown, bootstrap, seed)
    report.check(read=(manifest, scores))
    engine = EngineOptions(
        device=device,
        batch_size=batch_size,
        workers=workers,
        max_megapixels=max_megapixels,
        crops=crops,
        precision=precision,
    )
    scorer = Scorer(scores, model, models_dir, engine, cache_dir, no_cache=no_cache, quiet=quiet)
    table, scored_by, of_part = bring_together(labels, scorer, given_options(ctx))
    deliver(table, report, labels, scored_by, of_part)
