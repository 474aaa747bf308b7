"""Finding model folders by name or path, and telling two models apart, without importing torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from piqa_cli.errors import ModelError
from piqa_cli.model.config import CONFIG_FILE

DEFAULT_MODEL = "piqa-lite"
WEIGHTS_FILE = "model.safetensors"
EMBEDDED = Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder with `config.json` and `model.safetensors`."""

    path: Path
    name: str
    fingerprint: str  # 12 hex digits over the configuration and the weights

    @property
    def id(self) -> str:
        """What the score table's `model` column says."""
        return f"{self.name}@{self.fingerprint}"


def default_models_dir() -> Path:
    """Where imported and trained models are kept for use by name."""
    return user_data_path("piqa", appauthor=False) / "models"


def find_model(name_or_folder: str = DEFAULT_MODEL, models_dir: Path | None = None) -> ModelFolder:
    """The model that a name or a folder path means: the user's models first, then the embedded ones, then a path.

    Raises:
        ModelError: nothing by that name, or the folder lacks one of its two files.
    """
    places = [models_dir or default_models_dir(), EMBEDDED]
    candidates = [place / name_or_folder for place in places if _is_bare_name(name_or_folder)]
    folder = next((c for c in candidates if c.is_dir()), Path(name_or_folder).expanduser())
    if not folder.is_dir():
        raise ModelError(
            f"no model {name_or_folder!r}",
            path=folder,
            hint=f"known models: {', '.join(model_names(models_dir))}; or give the path of a model folder",
        )
    return ModelFolder(folder, folder.resolve().name, _fingerprint(folder))


def model_names(models_dir: Path | None = None) -> list[str]:
    """Names that `find_model` knows, sorted."""
    places = [models_dir or default_models_dir(), EMBEDDED]
    return sorted({p.parent.name for place in places if place.is_dir() for p in place.glob(f"*/{CONFIG_FILE}")})


def _is_bare_name(text: str) -> bool:
    return bool(text) and text not in (".", "..") and Path(text).name == text


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        path = folder / name
        try:
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise ModelError(
                f"{path}: {error.strerror or error}",
                path=path,
                hint=f"a model folder holds {CONFIG_FILE} and {WEIGHTS_FILE}",
            ) from error
    return digest.hexdigest()[:12]
