"""The run behind `piqa train`: what the options mean, and what is said at the end."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from piqa_cli.commands.console import note, print_table, warn
from piqa_cli.commands.console_train import TrainView
from piqa_cli.commands.train_view import count_lines, result_lines
from piqa_cli.errors import EngineError, UsageError
from piqa_cli.model.store import find_model, model_names
from piqa_cli.scoring.losses import FEWER_WORKERS, is_lack_of_memory
from piqa_cli.shell_words import shell_word
from piqa_training.datasets.open import open_dataset
from piqa_training.datasets.ratings import read_ratings
from piqa_training.fit.distributed import is_first
from piqa_training.fit.folder import can_resume, check_new
from piqa_training.fit.run import Overrides, check_trainable, train
from piqa_training.manifest import Manifest
from piqa_training.pretrain import resume_branch
from piqa_training.settings import TrainSettings, load_settings

_LOST_WORKER = re.compile(r"DataLoader worker .*(killed by signal|exited unexpectedly)")  # torch's words
_LESS_MEMORY = "in a new run fewer --pairs or --checkpoint-activations take less"
_WITH_RESUME = ("--resume", "--device", "--workers", "--quiet")
_SETTINGS = {
    "backbone": "network.backbone",
    "pooling": "network.pooling",
    "size": "network.size",
    "auxiliary": "network.auxiliary",
    "pretrained": "network.pretrained",
    "full_from": "network.full_from",
    "face_from": "network.face_from",
    "liqe": "network.liqe",
    "pairs": "data.pairs",
    "validation": "data.validation",
    "workers": "data.workers",
    "learning_rate": "optimiser.learning_rate",
    "weight_decay": "optimiser.weight_decay",
    "optimiser": "optimiser.name",
    "schedule": "optimiser.schedule",
    "warmup": "optimiser.warmup",
    "layer_decay": "optimiser.layer_decay",
    "ema": "optimiser.ema",
    "clip_norm": "optimiser.clip_norm",
    "accumulate": "optimiser.accumulate",
    "use_std": "loss.use_std",
    "monotone": "loss.monotone",
    "epochs": "run.epochs",
    "freeze_backbone": "run.freeze_backbone",
    "frozen_stages": "run.frozen_stages",
    "patience": "run.patience",
    "seed": "run.seed",
    "save_every": "run.save_every",
    "precision": "run.precision",
    "checkpoint_activations": "run.checkpoint_activations",
    "device": "run.device",
    "cache_dir": "run.cache_dir",
}
_OF_MODELS = ("pretrained", "full_from", "face_from", "liqe")

# Options by name: None, [] or False where not given; `given`: those of the command line, as written.
Request = dict[str, Any]


def start(request: Request) -> None:
    """Train from the beginning."""
    output: Path | None = request["output"]
    if output is None:
        raise UsageError("--output is missing: the folder that the run is written to")
    check_new(output)  # before anything that takes time
    settings = settings_of(request)
    with saying_how_to_go_on(output, "piqa train"), view_of(request) as view:
        manifest = manifest_of(request, view)
        result = train(settings, manifest, output, view)
    summarise(request, result)


def go_on(request: Request) -> None:
    """Resume, also a run of `piqa pretrain lsvq` or `gfiqa`."""
    check_resume(request["given"])
    with saying_how_to_go_on(request["resume"], "piqa train"), view_of(request) as view:
        result = resume_branch(request["resume"], view, Overrides(request["device"], request["workers"]))
    summarise(request, result)


@contextmanager
def saying_how_to_go_on(
    run: Path, command: str, resumable: Callable[[Path], bool] = can_resume, less: str = _LESS_MEMORY
) -> Iterator[None]:
    """Where somebody interrupts what is inside, say what goes on with the run; where memory runs out, what takes less.

    Args:
        run: its folder.
        command: which goes on with it.
        resumable: whether that can be done.
        less: the options that save memory.

    Raises:
        EngineError: there is too little memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if _LOST_WORKER.search(str(error)):
            raise EngineError("a process that prepares photos is gone", hint=FEWER_WORKERS) from error
        if is_lack_of_memory(error):
            raise EngineError("there is too little memory for this training", hint=less) from error
        raise
    except KeyboardInterrupt:
        if is_first():
            warn(f"interrupted; to go on: {_again(run, command, resumable)}")
        raise


def _again(run: Path, command: str, resumable: Callable[[Path], bool]) -> str:
    if resumable(run):
        return f"{command} --resume {shell_word(run)}"
    taken = run.is_dir() and any(run.iterdir())  # before the first checkpoint, in an unlucky moment
    return "the same command with another folder" if taken else "the same command again"


def check_resume(given: Sequence[str]) -> None:
    """Raise UsageError where the command line gives something that a run has settled already."""
    if foreign := [name for name in given if name not in _WITH_RESUME]:
        raise UsageError(f"--resume takes everything from the run: leave out {', '.join(foreign)}")


def say_counts(request: Request) -> None:
    """What was found, scene by scene, as a table on stdout; nothing is trained."""
    if not is_first():
        return
    settings = settings_of(request)
    with view_of(request) as view:
        manifest = manifest_of(request, view, dry_run=True)
    show_counts(manifest, settings)
    if not request["quiet"]:
        note("no photo was decoded; those that cannot be are named when training begins")


def show_counts(manifest: Manifest, settings: TrainSettings) -> None:
    """Photos by data set, scene and split, as a table on stdout, and what is worth knowing of them on stderr.

    Raises:
        UsageError: nothing can be learnt from them.
    """
    manifest = manifest.with_validation(settings.data.validation, settings.run.seed)
    for warning in manifest.warnings() + manifest.unjudged():
        note(warning)
    print_table(count_lines(manifest))
    check_trainable(manifest)


def settings_of(request: Request) -> TrainSettings:
    """The preset, the file, and what the options say, merged."""
    overrides: dict[str, Any] = {}
    for name, key in _SETTINGS.items():
        value = request[name]
        overrides[key] = str(value) if isinstance(value, Path) else value
    overrides |= {f"loss.{term}": float(weight) for term, weight in _assignments(request["loss"], "--loss", float)}
    overrides |= dict(_assignments(request["settings"], "--set", _toml_value))
    few = request["from_ratings"] is not None  # some hundred photos, which would not suffice for the backbones
    defaults = {"run.freeze_backbone": True} if few else {}
    settings = load_settings(request["preset"], request["config"], overrides, defaults)
    return settings if request["models_dir"] is None else _located(settings, request["models_dir"])


def _check_used(request: Request) -> None:
    """An option of another kind of labels must not look as if it did something."""
    for option in ("attribute", "split"):
        if request[option] is not None and request["dataset"] is None:
            raise UsageError(f"--{option} goes with --dataset", hint="a manifest says the same with its columns")
    if request["scenes"] is not None and request["from_ratings"] is None:
        raise UsageError("--scenes goes with --from-ratings", hint="a manifest says the same with its column scene")


def manifest_of(request: Request, view: TrainView, *, dry_run: bool = False) -> Manifest:
    """All data sets that were named, as one.

    What is held out for the test does not depend on the run's seed: `piqa evaluate` finds the same photos again, and
    runs with different seeds can be compared.
    """
    if (request["dataset"] is None) != (request["root"] is None):
        raise UsageError("--dataset and --root go together: the data set's name and its folder")
    _check_used(request)
    share = {} if request["test_share"] is None else {"test_share": request["test_share"]}
    parts = []
    if request["dataset"] is not None:
        parts.append(
            open_dataset(
                request["dataset"],
                request["root"],
                attribute=request["attribute"],
                split=request["split"],
                dry_run=dry_run,
                on_progress=lambda done, total: view.progress("videos", done, total),
                **share,
            )
        )
    parts += [open_dataset("manifest", path, **share) for path in request["manifest"]]
    if request["from_ratings"] is not None:
        scenes: Literal["day", "folder"] = request["scenes"] or "day"
        parts.append(read_ratings(request["from_ratings"], scenes=scenes, on_note=view.note, **share))
    if not parts:
        raise UsageError(
            "nothing to learn from", hint="--dataset NAME --root DIR, --manifest FILE or --from-ratings DIR"
        )
    return Manifest.join(parts)


def summarise(request: Request, result: dict[str, Any]) -> None:
    """Print what came out, in the first process and unless `--quiet`."""
    if not request["quiet"] and is_first():
        print_table(result_lines(result))


def view_of(request: Request) -> TrainView:
    """Where the run says how far it is: in the first process and unless `--quiet`."""
    return TrainView(quiet=request["quiet"] or not is_first())


def _assignments(texts: list[str], option: str, read: Any) -> list[tuple[str, Any]]:
    found = []
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            if not equals:
                raise ValueError
            found.append((name.strip(), read(value)))
        except ValueError:
            raise UsageError(f"{option} {text!r}: wanted NAME=VALUE") from None
    return found


def _toml_value(text: str) -> Any:
    """A TOML value; bare words are text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text.strip()


def _located(settings: TrainSettings, models_dir: Path) -> TrainSettings:
    """With the paths of models that are named, wherever the settings come from."""
    known, names = model_names(models_dir), {name: getattr(settings.network, name) for name in _OF_MODELS}
    paths: dict[str, Any] = {n: str(find_model(m, models_dir).path.resolve()) for n, m in names.items() if m in known}
    return replace(settings, network=replace(settings.network, **paths))
