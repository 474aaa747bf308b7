"""A model on its way to machines that may share no disk with the one that has it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from piqa_cli.model.config import CONFIG_FILE
from piqa_cli.model.store import LIQE_FILE, WEIGHTS_FILE, ModelFolder


@dataclass(frozen=True, slots=True)
class ModelParcel:
    """The files of a model folder that scoring reads."""

    name: str
    fingerprint: str
    files: dict[str, bytes]

    @classmethod
    def pack(cls, model: ModelFolder) -> ModelParcel:
        """Read the files."""
        paths = [model.path / name for name in (CONFIG_FILE, WEIGHTS_FILE, LIQE_FILE)]
        return cls(model.name, model.fingerprint, {path.name: path.read_bytes() for path in paths if path.is_file()})

    @contextmanager
    def unpacked(self) -> Iterator[ModelFolder]:
        """The model in a temporary folder."""
        with tempfile.TemporaryDirectory(prefix="piqa-model-") as folder:
            for name, data in self.files.items():
                (Path(folder) / name).write_bytes(data)
            yield ModelFolder(Path(folder), self.name, self.fingerprint)
