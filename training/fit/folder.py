"""The folder of a run: made once, never over something else, complete enough to go on from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl

from piqa_cli.errors import OutputError, UsageError
from piqa_cli.model.config import CONFIG_FILE, ModelConfig, load_config
from piqa_cli.shell_words import shell_word
from piqa_training.fit.report import RESULT_FILE
from piqa_training.fit.state import FOLDER, STATE_FILE, written
from piqa_training.manifest import MANIFEST_FILE, Manifest
from piqa_training.page import PAGE_FILE
from piqa_training.settings import SETTINGS_FILE, NetworkSettings, TrainSettings, load_settings
from piqa_training.starting import WEIGHT_SUFFIXES


def can_resume(run: Path) -> bool:
    """Whether a run began here that is not finished."""
    began = (run / FOLDER / STATE_FILE).is_file()
    return began and not all((run / name).is_file() for name in (RESULT_FILE, PAGE_FILE))


def check_new(run: Path, command: str = "piqa train", resumable: Callable[[Path], bool] = can_resume) -> None:
    """Raise UsageError where a run must not be written: there is something already.

    Args:
        run: the folder.
        command: what goes on with a run that was stopped, for the hint.
        resumable: whether that can be done.
    """
    if run.is_dir() and any(run.iterdir()):
        hint = f"{command} --resume {shell_word(run)}" if resumable(run) else "name a new folder"
        raise UsageError(f"{run}: is there already and not empty; nothing was changed", hint=hint)
    if run.exists() and not run.is_dir():
        raise UsageError(f"{run}: is a file, wanted a folder for the run")


def make(run: Path) -> None:
    """Make the folder, which stays empty until `begin`: what makes a run impossible is found out before hours of work.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{run}: cannot be made: {error.strerror or error}", path=run) from error


def begin(run: Path, settings: TrainSettings, manifest: Manifest, config: ModelConfig) -> None:
    """Write what a run is about.

    Raises:
        OutputError: the folder cannot be written to.
    """
    written(run / SETTINGS_FILE, lambda path: path.write_text(settings.to_toml(), encoding="utf-8"))
    written(run / MANIFEST_FILE, manifest.frame.write_parquet)
    write_config(run, config)


def write_config(run: Path, config: ModelConfig) -> None:
    """The network's configuration beside its checkpoint."""
    written(run / FOLDER / CONFIG_FILE, lambda path: path.write_text(config.to_json(), encoding="utf-8"))


def reopen(run: Path) -> tuple[TrainSettings, Manifest, ModelConfig]:
    """What `begin` wrote.

    Raises:
        UsageError: this is no folder of a run, or something in it is damaged.
    """
    settings, manifest = run / SETTINGS_FILE, run / MANIFEST_FILE
    for path in (settings, manifest, run / FOLDER / CONFIG_FILE):
        if not path.is_file():
            hint = "start it anew; faces that were found and features stay in the cache"
            raise UsageError(f"{run}: no run to resume here ({path.relative_to(run)} is missing)", hint=hint)
    try:
        photos = Manifest(pl.read_parquet(manifest, glob=False))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError(f"{manifest}: not readable: {error}") from error
    read = load_settings(toml=settings)
    if read.to_toml() != settings.read_text(encoding="utf-8"):
        raise UsageError(f"{settings}: was changed or damaged since the run began", hint="start a new run")
    return read, photos, load_config(run / FOLDER)


def absolute(settings: NetworkSettings) -> NetworkSettings:
    """The same with paths that do not depend on the working folder: a run is resumed from anywhere."""
    return replace(
        settings,
        pretrained=absolute_name(settings.pretrained),
        full_from=absolute_name(settings.full_from),
        face_from=absolute_name(settings.face_from),
        liqe=absolute_name(settings.liqe),
    )


def absolute_name(name: str) -> str:
    """A model's name as it is, but the whole path of a model's folder or of a file of weights."""
    path = Path(name).expanduser()
    named_by_path = "/" in name or path.suffix in WEIGHT_SUFFIXES
    return str(path.resolve()) if named_by_path and path.exists() else name
