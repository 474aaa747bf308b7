"""Finding model folders by name or path, and telling two models apart, without importing torch."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from piqa_cli.errors import ModelError, UsageError
from piqa_cli.model.config import CONFIG_FILE
from piqa_cli.spreadsheets import safe_cell

DEFAULT_MODEL = "piqa-lite"
WEIGHTS_FILE = "model.safetensors"
LIQE_FILE = "liqe.safetensors"  # beside the weights, where the configuration asks for LIQE's features
STARTING_FILE = "starting.safetensors"  # in the place of the weights: branches without a trained head
SOURCE_FILE = "source.json"  # which files an imported model was made from; for people
RUN_MODEL, RUN_FILE = "model", "metrics.jsonl"  # the folder of its model and a file that every training run leaves
EMBEDDED = Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder with `config.json` and `model.safetensors`, or `starting.safetensors` where there is no trained head."""

    path: Path
    name: str
    fingerprint: str  # 12 hex digits over the configuration and the weights

    @property
    def id(self) -> str:
        """What the score table's `model` column says; `./` stands before a name that would be a formula there."""
        return safe_cell(f"{self.name}@{self.fingerprint}")


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What a list of models says of one, found without reading its weights."""

    name: str
    path: Path
    size: int  # bytes on disk, all files
    embedded: bool  # comes with piqa and cannot be removed
    starting: bool  # weights to start training from; it cannot score


def default_models_dir() -> Path:
    """Where imported and trained models are kept for use by name."""
    return user_data_path("piqa", appauthor=False) / "models"


def find_model(name_or_folder: str = DEFAULT_MODEL, models_dir: Path | None = None) -> ModelFolder:
    """The model that a name or a folder path means: the user's models first, then the embedded ones, then a path.

    Raises:
        ModelError: nothing by that name, the folder lacks one of its two files, or there is no folder `models_dir`.
    """
    places = [_users(models_dir), EMBEDDED]
    candidates = [place / name_or_folder for place in places if _is_bare_name(name_or_folder)]
    known = next((c for c in candidates if c.is_dir()), None)
    folder = known or Path(name_or_folder).expanduser()
    if not name_or_folder or not folder.is_dir():  # an empty name would be the current folder
        raise ModelError(
            f"no model {name_or_folder!r}",
            path=folder,
            hint=f"known models: {', '.join(model_names(models_dir))}; or give the path of a model folder",
        )
    name = known.name if known and known.is_symlink() else _name_of(folder.resolve())
    return ModelFolder(folder, name, _fingerprint(folder))


def _name_of(folder: Path) -> str:
    """A training run's model goes by the name of the run: in their runs all of them are called `model`."""
    in_run = folder.name == RUN_MODEL and (folder.parent / RUN_FILE).is_file()
    return folder.parent.name if in_run else folder.name


def model_names(models_dir: Path | None = None) -> list[str]:
    """Names that `find_model` knows, sorted."""
    return [entry.name for entry in list_models(models_dir)]


def list_models(models_dir: Path | None = None) -> list[ModelEntry]:
    """Every model that has a name, sorted by it; a model of the user's hides an embedded one of the same name.

    Raises:
        ModelError: there is no folder `models_dir`.
    """
    found = {folder.name: _entry(folder, True) for folder in _folders(EMBEDDED)}
    found |= {folder.name: _entry(folder, False) for folder in _folders(_users(models_dir))}
    return [found[name] for name in sorted(found)]


def is_starting(folder: Path) -> bool:
    """Whether a model folder holds weights to start training from instead of a trained network."""
    return (folder / STARTING_FILE).is_file() and not (folder / WEIGHTS_FILE).exists()


def new_model_folder(name: str, models_dir: Path | None = None) -> Path:
    """Where a model that is about to be made belongs; nothing is created.

    Raises:
        UsageError: the name is none, or belongs to a model that comes with piqa.
    """
    if not _is_bare_name(name) or name.startswith("."):
        raise UsageError(f"{name!r} is no name for a model", hint="letters, digits, - and _ are safe; no slashes")
    if (EMBEDDED / name).is_dir():
        raise UsageError(f"{name!r} is the model that comes with piqa", hint="choose another name")
    return (models_dir or default_models_dir()) / name


def remove_model(name: str, models_dir: Path | None = None) -> Path:
    """Delete a model of the user's by its name; returns the folder that is gone.

    Raises:
        ModelError: no such model in `models_dir`, it comes with piqa, or its folder cannot be deleted.
    """
    folder = _users(models_dir) / name
    if not _is_bare_name(name) or not _is_model(folder):
        if _is_bare_name(name) and (EMBEDDED / name).is_dir():
            raise ModelError(f"{name!r} comes with piqa and stays", path=EMBEDDED / name)
        own = [entry.name for entry in list_models(models_dir) if not entry.embedded]
        hint = f"models that can be removed: {', '.join(own) or 'none'}"
        raise ModelError(f"no model {name!r} in {folder.parent}", path=folder, hint=hint)
    try:
        folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)
    except OSError as error:
        raise ModelError(f"{folder}: cannot be removed: {error.strerror or error}", path=folder) from error
    return folder


def _users(models_dir: Path | None) -> Path:
    """Where the user's models are: the folder given, which must be there, or the default one, which need not."""
    if models_dir is not None and not models_dir.is_dir():
        raise ModelError(f"no such folder: {models_dir}", path=models_dir, hint="check --models-dir")
    return models_dir or default_models_dir()


def _folders(place: Path) -> list[Path]:
    """Model folders in a place; hidden ones are unfinished."""
    found = (path.parent for path in place.glob(f"*/{CONFIG_FILE}"))
    return [folder for folder in found if not folder.name.startswith(".") and _is_model(folder)]


def _is_model(folder: Path) -> bool:
    """Whether a folder holds a model: the checkpoint of a training run has a configuration, too, but no weights."""
    weights = any((folder / name).is_file() for name in (WEIGHTS_FILE, STARTING_FILE))
    return weights and (folder / CONFIG_FILE).is_file()


def _entry(folder: Path, embedded: bool) -> ModelEntry:
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return ModelEntry(folder.name, folder, size, embedded, is_starting(folder))


def _is_bare_name(text: str) -> bool:
    return bool(text) and text not in (".", "..") and Path(text).name == text


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    optional = [LIQE_FILE] if (folder / LIQE_FILE).is_file() else []
    for name in (CONFIG_FILE, STARTING_FILE if is_starting(folder) else WEIGHTS_FILE, *optional):
        path = folder / name
        try:
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            inside = folder / "model"  # of a training run
            holds = f"a model folder holds {CONFIG_FILE} and {WEIGHTS_FILE}"
            hint = f"{holds}, as {inside} does" if (inside / CONFIG_FILE).is_file() else holds
            raise ModelError(f"{path}: {error.strerror or error}", path=path, hint=hint) from error
    return digest.hexdigest()[:12]
