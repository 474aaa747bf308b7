"""The whole of training: `train(settings, manifest, output, observer)`, and `resume(output, observer)`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from platformdirs import user_cache_path

from piqa_cli.errors import UsageError
from piqa_cli.model.config import CONFIG_FILE
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.tensors import differences, summary
from piqa_training.fit import folder
from piqa_training.fit.best import best_weights
from piqa_training.fit.distributed import World, world
from piqa_training.fit.finish import finish, finish_page
from piqa_training.fit.learn import learn
from piqa_training.fit.observer import Observer
from piqa_training.fit.report import RESULT_FILE
from piqa_training.fit.session import Session
from piqa_training.fit.state import FOLDER, STATE_FILE, State, load_state, save_start, save_state, start_weights
from piqa_training.manifest import Manifest
from piqa_training.settings import TrainSettings
from piqa_training.starting import Start, starting_point

LEAST_SPREAD = 1e-5  # of a scene's scores, as a share of the largest: float32 would have fewer than 100 steps for it


@dataclass(frozen=True, slots=True)
class Overrides:
    """What may differ when a run is resumed: nothing that changes its outcome."""

    device: str | None = None
    workers: int | None = None


def train(
    settings: TrainSettings,
    manifest: Manifest,
    output: Path,
    observer: Observer,
    *,
    start: Start | None = None,
) -> dict[str, Any]:
    """Train, choose the best epoch, write `output/model` -> the content of `output/result.json`.

    Works alone or as one of several processes under torchrun.

    Args:
        settings: everything that can be chosen.
        manifest: labelled photos; a validation part is split off its train part where it has none.
        output: the folder of the run; must not exist yet, or be empty.
        observer: is told how it goes.
        start: what to start from; else as `settings.network` says.

    Raises:
        UsageError: the output is taken, nothing can be compared, photos cannot be read, LIQE is missing.
        ModelError: the starting weights cannot be used.
        OutputError: the folder cannot be written to.
        EngineError: the loss is not finite any more.
    """
    folder.check_new(output)
    cache = str(cache_folder(settings)) if settings.run.cache_dir else ""
    run = replace(settings.run, cache_dir=cache)
    settings = replace(settings, network=folder.absolute(settings.network), run=run)  # a run is resumed from anywhere
    manifest = manifest.with_validation(settings.data.validation, settings.run.seed)
    check_trainable(manifest)
    with world(settings.run.device) as here:
        begun = start or starting_point(settings.network, settings.run.seed)
        state = State(begun.network.state_dict(), begun.from_model, str(begun.liqe.resolve()) if begun.liqe else None)
        here.wait()  # nobody writes before everybody has looked
        if here.first:
            folder.make(output)
        session = _session(settings, manifest, output, observer, here, begun.network, state)
        _look(session)  # a run with photos that cannot be read does not begin: to resume it would not help
        if here.first:
            folder.begin(output, settings, manifest, begun.network.config)
            if begun.from_model:
                save_start(state.network, output)
            save_state(state, output)
        return _complete(session)


def resume(output: Path, observer: Observer, overrides: Overrides = Overrides()) -> dict[str, Any]:
    """Go on with a run that was stopped, as if it had never been -> the content of `output/result.json`.

    Raises:
        UsageError: there is no run, it is finished, or a file of it is damaged.
        ModelError: weights that it has kept are missing or damaged.
    """
    settings, manifest, config = folder.reopen(output)
    if (output / RESULT_FILE).is_file():
        if folder.can_resume(output):
            return finish_page(output, observer)
        raise UsageError(f"{output}: this run is finished; {RESULT_FILE} says how", hint="start a new one")
    run, data = settings.run, settings.data
    run = replace(run, device=overrides.device or run.device)
    data = data if overrides.workers is None else replace(data, workers=overrides.workers)
    state, network = load_state(output), DualBranchNet(config)
    _check_weights(network, state, output)
    network.load_state_dict(state.network)
    settings = replace(settings, run=run, data=data)
    with world(settings.run.device) as here:
        session = _session(settings, manifest, output, observer, here, network, state)
        _look(session)
        return _complete(session)


def _check_weights(network: DualBranchNet, state: State, run: Path) -> None:
    """What training reads only at its end must be there before it goes on for hours."""
    if found := differences(network.state_dict(), state.network):
        raise UsageError(
            f"{run / FOLDER / STATE_FILE}: does not fit {CONFIG_FILE}: {summary(found)}",
            hint="start the run anew",
        )
    if state.from_model:
        start_weights(network, run)
    if state.standing.best_epoch is not None:
        best_weights(network, run, state.standing.best_epoch)


def check_trainable(manifest: Manifest) -> None:
    """Raise UsageError where no scene of the train part has two photos with labels that training tells apart."""
    train = manifest.part("train")
    if len(train) < 2:
        count = "one photo only" if len(train) else "no photo"
        hint = "name train in the column split, or leave it out: a fifth is then held out and the rest trained on"
        raise UsageError(f"{count} is in the train split", hint=hint)
    score = pl.col("score")
    scenes = train.frame.group_by("dataset", "scene").agg(spread=score.max() - score.min(), largest=score.abs().max())
    if not (scenes["spread"] > 0).any():
        if train.frame["score"].n_unique() == 1:
            hint = "photos are learnt from by comparing them: give better and worse ones different scores"
            raise UsageError(f"all photos of the train split have the score {train.frame['score'][0]:g}", hint=hint)
        raise UsageError(
            f"none of the {scenes.height} scenes of the train split has two photos with different scores",
            hint="photos are compared within a scene only; leave the scene out to compare all with all",
        )
    if not (scenes["spread"] > LEAST_SPREAD * scenes["largest"]).any():
        raise UsageError(
            "the scores of the train split differ by too little beside their size: training computes with seven digits",
            hint="subtract the same number from all of them, so that they lie around 0",
        )


def cache_folder(settings: TrainSettings) -> Path:
    """Where faces, cut inputs and features are kept."""
    named = settings.run.cache_dir
    return Path(named).expanduser().resolve() if named else user_cache_path("piqa", appauthor=False) / "training"


def _session(
    settings: TrainSettings,
    manifest: Manifest,
    output: Path,
    observer: Observer,
    here: World,
    network: DualBranchNet,
    state: State,
) -> Session:
    heard = observer if here.first else Observer()
    return Session(settings, manifest, output, heard, here, network.to(here.device), state, cache_folder(settings))


def _look(session: Session) -> None:
    for warning in session.manifest.warnings() + session.manifest.unjudged():
        session.observer.note(warning)
    session.look()
    for leak in session.manifest.leaks({image: facts.digest for image, facts in session.facts.items()}):
        session.observer.note(leak)


def _complete(session: Session) -> dict[str, Any]:
    learn(session)
    return finish(session)
