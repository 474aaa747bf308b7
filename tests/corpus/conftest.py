from __future__ import annotations

from pathlib import Path

import pytest

from piqa_cli.model.checkpoint import save_model
from tests.model import tiny


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(tiny.network(tiny.LITE), folder)
    return folder
