"""The runs behind `piqa pretrain`."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from platformdirs import user_cache_path

from piqa_cli.commands.console import note, print_table
from piqa_cli.commands.console_train import TrainView
from piqa_cli.commands.train_run import (
    Request,
    check_resume,
    saying_how_to_go_on,
    settings_of,
    show_counts,
    summarise,
    view_of,
)
from piqa_cli.cores import available_cores
from piqa_cli.errors import UsageError
from piqa_cli.model.config import BRANCHES, Branch, ModelConfig
from piqa_cli.model.network import DualBranchNet
from piqa_cli.records import Box, counted
from piqa_training.datasets.lsvq import ClipOptions
from piqa_training.datasets.open import open_dataset
from piqa_training.facts import photo_facts
from piqa_training.fit.distributed import is_first
from piqa_training.fit.folder import absolute_name, check_new
from piqa_training.fit.run import Overrides
from piqa_training.fit.state import written
from piqa_training.heads import HeadSettings
from piqa_training.manifest import Manifest
from piqa_training.pretrain import pretrain_branch, resume_branch, start_branch
from piqa_training.pretrain_synthetic import LOG_FILE, SyntheticSettings, folder_sources, pretrain_synthetic
from piqa_training.settings import TrainSettings, load_settings
from piqa_training.sources import Source
from piqa_training.starting import configuration

_LESS_MEMORY = "in a new run fewer --pairs or --set run.checkpoint_activations=true take less"
_SYNTHETIC = "piqa pretrain synthetic"
_SYNTHETIC_FILE = "synthetic.json"
_NOT_REMEMBERED = {"resume", "device", "workers", "quiet", "given"}
_NOT_OFFERED = (  # options of `piqa train` that have no use here
    "auxiliary", "full_from", "face_from", "liqe", "validation", "weight_decay", "optimiser", "schedule", "warmup",
    "layer_decay", "ema", "clip_norm", "accumulate", "use_std", "monotone", "freeze_backbone", "frozen_stages",
    "patience", "save_every", "checkpoint_activations", "from_ratings", "models_dir",
)  # fmt: skip


def run_branch(branch: Branch, dataset: str, request: Request) -> None:
    """Pre-train one branch on a published data set, or go on with it, or say what is there."""
    run, command = request["resume"] or request["output"] or Path(), f"piqa pretrain {dataset}"
    with saying_how_to_go_on(run, command, less=_LESS_MEMORY), view_of(request) as view:
        if request["resume"] is not None:
            check_resume(request["given"])
            result = resume_branch(request["resume"], view, Overrides(request["device"], request["workers"]))
        else:
            root, settings = _needed(request, "root", "the data set's folder"), _settings(request)
            if not request["check"]:
                check_new(_needed(request, "output", "the folder that the run is written to"), command)
            manifest = _manifest(dataset, root, request, settings, view)
            if request["check"]:
                if is_first():
                    show_counts(manifest, settings)
                return
            result = pretrain_branch(branch, settings, manifest, request["output"], view)
    summarise(request, result)


def run_synthetic(request: Request) -> None:
    """Degradation ranking on a folder of photos, or go on with it, or say how many there are."""
    if request["resume"] is not None:
        check_resume(request["given"])
        request = _remembered(request)
    folder = _needed(request, "folder", "a folder of good photos", option=False)
    sources = folder_sources(folder)
    held_out = sum(source.split == "val" for source in sources)
    if request["check"]:
        note(f"{counted(len(sources), 'photo')}, {held_out} of them held out")
        return
    run = _needed(request, "output", "the folder that the run is written to")
    if request["resume"] is None:
        check_new(run, _SYNTHETIC, _began)
    with saying_how_to_go_on(run, _SYNTHETIC, _began, "fewer --workers take less"), view_of(request) as view:
        network = _lite_network(request)
        _remember(request, run)
        settings, faces = _synthetic_settings(request), _faces(request, sources, network.config, view)
        log = pretrain_synthetic(network, sources, [], faces, settings, run, view)
    if not request["quiet"]:
        figures = [log["final"][name] for name in ("same_photo", "across")]
        pairs, srcc = ("undefined" if value is None else f"{value:.3f}" for value in figures)
        words = f"pairs of one photo in the right order {pairs}  SRCC {srcc}"
        print_table([(("held out", "dim"), (f" {words}", "bold")), (("model   ", "dim"), (f" {log['model']}", ""))])


def _lite_network(request: Request) -> DualBranchNet:
    """Laid out as piqa-lite, on the backbones that the options name; numbers are in the ranges of `piqa train`."""
    names = ("backbone", "pooling", "size", "pretrained")
    given = {f"network.{name}": request[name] for name in names}
    given |= {"run.epochs": request["epochs"], "run.seed": request["seed"], "data.workers": request["workers"]}
    options = load_settings("piqa-lite", None, {**given, "network.auxiliary": "defects"}).network
    torch.manual_seed(request["seed"] or 0)
    network = DualBranchNet(configuration(options))
    for branch in BRANCHES:
        start_branch(network, branch, options.pretrained or "timm")
    return network


def _faces(request: Request, sources: list[Source], config: ModelConfig, view: TrainView) -> dict[Path, Box | None]:
    facts = photo_facts(
        [str(source.path) for source in sources],
        config,
        request["cache_dir"] or user_cache_path("piqa", appauthor=False) / "training",
        _workers(request),
        on_progress=lambda done, total: view.progress("faces", done, total),
    )
    return {source.path: facts[str(source.path)].face for source in sources}


def _settings(request: Request) -> TrainSettings:
    """As `piqa train` merges them, but the published preset unless another is named."""
    given = {**dict.fromkeys(_NOT_OFFERED), "loss": [], **request}
    if request.get("start_from") is not None:
        if request["pretrained"] is not None:
            raise UsageError("--from and --pretrained both say what to start from: leave one out")
        given["pretrained"] = request["start_from"]
    if request["preset"] is None and request["config"] is None:
        given["preset"] = "dn-piqa"
    return settings_of(given)


def _manifest(dataset: str, root: Path, request: Request, settings: TrainSettings, view: TrainView) -> Manifest:
    clips = None
    if dataset == "lsvq":
        workers = settings.data.workers
        clips = ClipOptions(
            frames=request["frames"],
            workers=max(workers, 1),
            features=request["motion_features"],
            skip_missing=request["skip_missing"],
        )
    return open_dataset(
        dataset,
        root,
        clips=clips,
        dry_run=request["check"],
        on_progress=lambda done, total: view.progress("videos", done, total),
    )


def _synthetic_settings(request: Request) -> SyntheticSettings:
    epochs = HeadSettings().epochs if request["epochs"] is None else request["epochs"]
    heads = HeadSettings(epochs=epochs, seed=request["seed"] or 0)
    return SyntheticSettings(request["passes"], request["versions"], _workers(request), heads)


def _workers(request: Request) -> int:
    return available_cores() if request["workers"] is None else int(request["workers"])


def _remember(request: Request, run: Path) -> None:
    """What a resumed run needs to know."""
    kept = {k: str(v.absolute()) if isinstance(v, Path) else v for k, v in request.items() if k not in _NOT_REMEMBERED}
    kept["pretrained"] = absolute_name(request["pretrained"] or "") or None
    text = json.dumps(kept, indent=1)
    written(run / _SYNTHETIC_FILE, lambda path: path.write_text(text, encoding="utf-8"))


def _began(run: Path) -> bool:
    """Whether a run of degradation ranking began here that is not finished."""
    return (run / _SYNTHETIC_FILE).is_file() and not (run / LOG_FILE).is_file()


def _remembered(request: Request) -> Request:
    run: Path = request["resume"]
    file = run / _SYNTHETIC_FILE
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        paths = {name: Path(kept[name]) for name in ("folder", "cache_dir") if kept[name]}
    except OSError:
        raise UsageError(f"{run}: no run to resume here ({_SYNTHETIC_FILE} is missing)", hint="start it anew") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{file}: damaged, so the run cannot be resumed", hint="start it anew") from error
    if (run / LOG_FILE).is_file():
        raise UsageError(f"{run}: this run is finished; {LOG_FILE} says how", hint="start a new one")
    return {**request, **kept, **paths, "output": run}


def _needed(request: Request, name: str, what: str, *, option: bool = True) -> Path:
    value: Path | None = request[name]
    if value is None:
        raise UsageError(f"{'--' if option else ''}{name if option else 'DIR'} is missing: {what}")
    return value
