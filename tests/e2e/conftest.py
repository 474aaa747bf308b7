"""Shared by the tests that run the installed program."""

import pytest

from piqa_cli.model.checkpoint import save_model
from tests.model import tiny


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The folder of a model so small that a run takes no longer than its imports."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(tiny.network(tiny.LITE), folder)
    return str(folder)
