"""`piqa pretrain`: synthetic, lsvq, gfiqa: what comes before `piqa train`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from piqa_cli.commands import train_options as options
from piqa_cli.commands.given import given_options
from piqa_cli.errors import UsageError

_DATA, _LEARN = "What to learn from", "How to learn"

app = typer.Typer(
    name="pretrain",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
    help="Prepare a network for training: on degraded photos, on videos, on faces.",
)

Folder = Annotated[Path | None, typer.Argument(help="A folder of good photos.", metavar="DIR", show_default=False)]
PreparedFrom = Annotated[
    str | None,
    typer.Option(
        "--from", help="Run of piqa pretrain lsvq, or a model, to start from.", metavar="RUN", rich_help_panel=_LEARN
    ),
]
MotionFeatures = Annotated[
    Path | None,
    typer.Option(help="Folder with a .npy of 256 numbers for each clip.", metavar="DIR", rich_help_panel=_DATA),
]
Frames = Annotated[int, typer.Option(min=1, help="Frames taken of each clip.", metavar="N", rich_help_panel=_DATA)]
SkipMissing = Annotated[
    bool,
    typer.Option("--skip-missing", help="Leave out videos that are not on disk.", metavar="", rich_help_panel=_DATA),
]
Passes = Annotated[
    int,
    typer.Option(min=1, help="Times through the photos, each with new versions.", metavar="N", rich_help_panel=_LEARN),
]
Versions = Annotated[
    int, typer.Option(min=3, help="Versions of a photo in a pass.", metavar="N", rich_help_panel=_LEARN)
]


@app.callback(invoke_without_command=True)
def pretrain(ctx: typer.Context) -> None:
    """Prepare a network for training: on degraded photos, on videos, on faces."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


@app.command()
def synthetic(
    ctx: typer.Context,
    folder: Folder = None,
    check: options.Check = False,
    backbone: options.Backbone = None,
    pooling: options.Pooling = None,
    size: options.Size = None,
    pretrained: options.Pretrained = None,
    passes: Passes = 1,
    versions: Versions = 11,
    epochs: options.Epochs = None,
    seed: options.Seed = None,
    output: options.Output = None,
    resume: options.Resume = None,
    workers: options.Workers = None,
    cache_dir: options.CacheDir = None,
    quiet: options.Quiet = False,
) -> None:
    """Learn the order of good photos and of degraded copies of them, as the embedded model did.

    Only heads are trained, on features that are computed once and kept in RUN; the embedded model's recipe also
    fine-tunes a backbone and learns people's opinions (python -m piqa_training.piqa_lite). The model is laid out as
    piqa-lite.
    """
    request = dict(locals())
    request["given"] = given_options(request.pop("ctx"))
    _check_alone()  # before a package is missed that would not help

    from piqa_cli.commands.pretrain_run import run_synthetic  # rich, polars, torch

    run_synthetic(request)


@app.command()
def lsvq(
    ctx: typer.Context,
    root: options.Root = None,
    motion_features: MotionFeatures = None,
    frames: Frames = 8,
    skip_missing: SkipMissing = False,
    check: options.Check = False,
    preset: options.PretrainPreset = None,
    backbone: options.Backbone = None,
    pooling: options.Pooling = None,
    size: options.Size = None,
    pretrained: options.Pretrained = None,
    config: options.Config = None,
    settings: options.Set = [],  # noqa: B006 - Typer's way to say repeatable
    epochs: options.Epochs = None,
    pairs: options.Pairs = None,
    learning_rate: options.LearningRate = None,
    seed: options.Seed = None,
    output: options.Output = None,
    resume: options.Resume = None,
    precision: options.Precision = None,
    device: options.Device = None,
    workers: options.Workers = None,
    cache_dir: options.CacheDir = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the full-image branch on the frames of LSVQ's videos.

    RUN/model is a model of this branch alone: piqa pretrain gfiqa --from RUN starts from it, and
    piqa train --full-from RUN/model takes its branch. Motion features are read in training and dropped afterwards.
    """
    request = dict(locals())
    request["given"] = given_options(request.pop("ctx"))

    from piqa_cli.commands.pretrain_run import run_branch

    run_branch("full", "lsvq", request)


@app.command()
def gfiqa(
    ctx: typer.Context,
    root: options.Root = None,
    start_from: PreparedFrom = None,
    check: options.Check = False,
    preset: options.PretrainPreset = None,
    backbone: options.Backbone = None,
    pooling: options.Pooling = None,
    size: options.Size = None,
    pretrained: options.Pretrained = None,
    config: options.Config = None,
    settings: options.Set = [],  # noqa: B006
    epochs: options.Epochs = None,
    pairs: options.Pairs = None,
    learning_rate: options.LearningRate = None,
    seed: options.Seed = None,
    output: options.Output = None,
    resume: options.Resume = None,
    precision: options.Precision = None,
    device: options.Device = None,
    workers: options.Workers = None,
    cache_dir: options.CacheDir = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the face branch on the faces of GFIQA-20k, starting from the branch that LSVQ trained where there is one.

    RUN/model is a model of this branch alone: piqa train --face-from RUN/model takes its branch.
    """
    request = dict(locals())
    request["given"] = given_options(request.pop("ctx"))

    from piqa_cli.commands.pretrain_run import run_branch

    run_branch("face", "gfiqa", request)


def _check_alone() -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        hint = "start it without torchrun; --workers says how many processes render"
        raise UsageError("piqa pretrain synthetic computes in one process", hint=hint)
