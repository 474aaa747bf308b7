"""Pre-training of one branch at a time, as DN-PIQA does it: the full one on LSVQ, then the face one on GFIQA-20k.

What comes out is a model of one branch. It scores photos like any other, and `piqa train --full-from` and
`--face-from` take its branch into a network of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from piqa_cli.errors import ModelError, UsageError
from piqa_cli.model.backbone import NO_BACKBONE, Backbone
from piqa_cli.model.checkpoint import load_model
from piqa_cli.model.config import BRANCHES, CONFIG_FILE, BackboneConfig, Branch, ModelConfig
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.store import find_model
from piqa_cli.shell_words import shell_word
from piqa_training.fit.distributed import is_first
from piqa_training.fit.folder import can_resume, check_new, reopen
from piqa_training.fit.observer import Observer
from piqa_training.fit.report import RESULT_FILE
from piqa_training.fit.run import Overrides, resume, train
from piqa_training.initial import load_timm
from piqa_training.manifest import Manifest
from piqa_training.pretrain_motion import drop_motion, has_motion
from piqa_training.settings import TrainSettings
from piqa_training.starting import (
    WEIGHT_SUFFIXES,
    Start,
    configuration,
    load_backbone,
    load_weights,
    options_for,
)


def pretrain_branch(
    branch: Branch, settings: TrainSettings, manifest: Manifest, run: Path, observer: Observer
) -> dict[str, Any]:
    """Train one branch alone on a data set of mean opinions -> the content of `run/result.json`.

    With motion features in the manifest (LSVQ) the head reads them beside the branch, and the released model does
    without: their mean goes into its bias. The test results are those of the network that reads them.

    Args:
        branch: which; it is the only one that the network has.
        settings: `network` says which backbone, and in `pretrained` where it starts from: timm, none, a file, a model.
        manifest: labelled photos or frames.
        run: the folder of the run; must be new or empty.
        observer: is told how it goes.

    Raises:
        UsageError: the output is taken, or the data cannot be used.
        ModelError: the starting weights are missing, damaged or of another architecture.
        OutputError: the folder cannot be written to.
    """
    check_new(run)
    motion = has_motion(manifest)
    torch.manual_seed(settings.run.seed)
    network = DualBranchNet(branch_config(configuration(settings.network), branch, motion=motion))
    start_branch(network, branch, settings.network.pretrained or "timm")
    result = train(settings, manifest, run, observer, start=Start(network, from_model=False))
    _drop_motion(run)
    return result


def resume_branch(run: Path, observer: Observer, overrides: Overrides | None = None) -> dict[str, Any]:
    """Go on with a run of `pretrain_branch`, or of `fit.run.train`, that was stopped.

    Raises:
        UsageError: there is no run, or it is finished.
    """
    reopen(run)
    if (run / RESULT_FILE).is_file() and _drop_motion(run) and not can_resume(run):  # stopped at the last moment
        return {"model": str((run / "model").resolve()), "val": None, "test": None, "before": None}
    result = resume(run, observer, overrides or Overrides())
    _drop_motion(run)
    return result


def _drop_motion(run: Path) -> bool:
    """`drop_motion` with the run's own manifest, which knows its validation part; one of several processes does it."""
    return not is_first() or drop_motion(run / "model", reopen(run)[1])


def branch_config(config: ModelConfig, branch: Branch, *, motion: bool = False) -> ModelConfig:
    """The configuration with one branch only: its views, no severities, no face head.

    With `motion` the slot of LIQE's logits carries motion features during training.
    """
    views = tuple(view for view in config.preprocess.views if view.branch == branch)
    absent = BackboneConfig(NO_BACKBONE)
    return replace(
        config,
        full=config.full if branch == "full" else absent,
        face=config.face if branch == "face" else absent,
        preprocess=replace(config.preprocess, views=views),
        auxiliary="liqe" if motion else "none",
        face_head=False,
    )


def start_branch(network: DualBranchNet, branch: Branch, source: str) -> None:
    """Fill a branch from timm's weights, nothing ("none"), a file, a run of pre-training, or a model.

    Raises:
        ModelError: the weights are missing, damaged or of another architecture.
    """
    backbone: Backbone = getattr(network, branch)
    config: BackboneConfig = getattr(network.config, branch)
    if source == "timm":
        load_timm(backbone, config, max(view.size for view in network.views))
    elif Path(source).suffix in WEIGHT_SUFFIXES and not Path(source).is_dir():
        load_backbone(backbone, load_weights(Path(source).expanduser()), source)
    elif source != "none":
        _take(backbone, config, load_model(_model_folder(source)), source, (branch, *BRANCHES))


def _model_folder(source: str) -> Path:
    """A run's model, or a model by name or path."""
    inside = Path(source).expanduser() / "model"
    if (inside / CONFIG_FILE).is_file():
        return inside
    if (inside.parent / "checkpoint").is_dir():
        raise UsageError(
            f"{source}: this run has no model yet", hint=f"piqa pretrain lsvq --resume {shell_word(source)}"
        )
    return find_model(source).path


def _take(
    backbone: Backbone, config: BackboneConfig, model: DualBranchNet, source: str, branches: Sequence[Branch]
) -> None:
    """The first of the model's branches that it has: after LSVQ, the face branch starts from the full one."""
    found = next(branch for branch in branches if getattr(model.config, branch).name != NO_BACKBONE)
    other: BackboneConfig = getattr(model.config, found)
    if other != config:
        raise ModelError(
            f"model {source!r} is of another architecture: its {found} branch is {other.name} ({other.pooling}),"
            f" wanted {config.name} ({config.pooling})",
            hint=options_for(found, other),
        )
    backbone.load_state_dict(getattr(model, found).state_dict())
