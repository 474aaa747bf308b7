"""Shared by all tests: caches and settings of their own, and the stand-in for the engine."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import sys
import types
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from piqa_cli.commands.app import run
from piqa_cli.model.store import ModelFolder
from piqa_cli.records import PhotoScore
from tests.fake_engine import FakeEngine, full_score
from tests.here import Piqa, Result

# Networks of tests are so small that a second thread only waits; set before anything imports torch, and for processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # a thread that waits leaves its core to the test beside this one

HOMES = itertools.count()

# The same examples in every run, however busy the machine is.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no process is left with one of them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What the imports leave stays for good: no need to look through it again and again for what is unreachable."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, models or colour settings; processes started by it neither."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)  # scoring in this process took all cores; many tests at once would wait for each other
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(HOMES))  # made by whoever writes there, which is seldom
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    for name in ("FORCE_COLOR", "NO_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


MakeScore = Callable[..., PhotoScore]


@pytest.fixture
def make_score() -> MakeScore:
    """Make a record with every field filled: `make_score(path, score=..., ...)`."""
    return full_score


@pytest.fixture
def here(capfd: pytest.CaptureFixture[str]) -> Piqa:
    """Run `piqa` with these arguments in this process."""

    def call(*args: object) -> Result:
        capfd.readouterr()
        try:
            code = run([str(arg) for arg in args])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capfd.readouterr()
        return Result(code, out, err)

    return call


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for files of hundreds of megabytes, gone with the module's last test."""
    folder = tmp_path_factory.mktemp("scratch")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    """A folder that passes for a model as long as nobody loads it."""
    folder = tmp_path_factory.mktemp("models") / "test"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return ModelFolder(folder, "test", "0123456789ab")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Put the stand-in where the engine is imported from."""
    fake = FakeEngine()
    module = types.ModuleType("piqa_cli.scoring.engine")
    module.score_files = fake.score_files  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "piqa_cli.scoring.engine", module)
    return fake


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with ten files, 00.jpg to 90.jpg, that discovery takes for photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(0, 100, 10):
        (folder / f"{number:02}.jpg").write_bytes(b"x" * (number + 1))
    return folder
