"""`piqa train`: from labelled photos to a model."""

from __future__ import annotations

import typer

from piqa_cli.commands import train_options as options
from piqa_cli.commands.given import given_options


def train(
    ctx: typer.Context,
    dataset: options.Dataset = None,
    root: options.Root = None,
    attribute: options.Attribute = None,
    split: options.Split = None,
    manifest: options.ManifestFiles = [],  # noqa: B006 - Typer's way to say repeatable
    from_ratings: options.FromRatings = None,
    scenes: options.Scenes = None,
    test_share: options.TestShare = None,
    check: options.Check = False,
    preset: options.Preset = None,
    backbone: options.Backbone = None,
    pooling: options.Pooling = None,
    size: options.Size = None,
    auxiliary: options.Auxiliary = None,
    pretrained: options.Pretrained = None,
    full_from: options.FullFrom = None,
    face_from: options.FaceFrom = None,
    liqe: options.Liqe = None,
    models_dir: options.ModelsDir = None,
    config: options.Config = None,
    settings: options.Set = [],  # noqa: B006
    epochs: options.Epochs = None,
    pairs: options.Pairs = None,
    learning_rate: options.LearningRate = None,
    weight_decay: options.WeightDecay = None,
    optimiser: options.Optimiser = None,
    schedule: options.Schedule = None,
    warmup: options.Warmup = None,
    loss: options.Loss = [],  # noqa: B006
    use_std: options.UseStd = None,
    monotone: options.Monotone = None,
    freeze_backbone: options.FreezeBackbone = None,
    frozen_stages: options.FrozenStages = None,
    layer_decay: options.LayerDecay = None,
    ema: options.Ema = None,
    clip_norm: options.ClipNorm = None,
    accumulate: options.Accumulate = None,
    patience: options.Patience = None,
    validation: options.Validation = None,
    seed: options.Seed = None,
    output: options.Output = None,
    resume: options.Resume = None,
    save_every: options.SaveEvery = None,
    precision: options.Precision = None,
    checkpoint_activations: options.CheckpointActivations = None,
    device: options.Device = None,
    workers: options.Workers = None,
    cache_dir: options.CacheDir = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a model on a published data set, on your own labels, or on the stars you have given.

    RUN/model is a folder that --model takes everywhere. The best epoch is chosen on a part of the training scenes;
    the test split is read once, at the end. A run that was stopped goes on with --resume RUN, as if never stopped.
    Works under torchrun, too: torchrun --nproc-per-node 2 -m piqa_cli train ...

    Exit codes: 0 fine, 2 wrong usage or data that cannot be used, 130 interrupted.
    """
    request = dict(locals())  # every option by its name
    request["given"] = given_options(request.pop("ctx"))

    from piqa_cli.commands.train_run import go_on, say_counts, start  # rich, polars, torch

    if resume is not None:
        go_on(request)
    elif check:
        say_counts(request)
    else:
        start(request)
