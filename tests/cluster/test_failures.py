"""What stopped a run, in words: errors of piqa's own come back from other processes wrapped in Ray's."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from piqa_cli.cluster.actor import PartitionScorer, Work
from piqa_cli.cluster.actor_scoring import PhotoScorer
from piqa_cli.cluster.engine import _explained
from piqa_cli.cluster.failure import from_text, to_text
from piqa_cli.cluster.listing import Listing
from piqa_cli.cluster.options import ClusterOptions
from piqa_cli.cluster.photos import NamedPhoto
from piqa_cli.cluster.results import ResultFolder
from piqa_cli.errors import EngineError, ModelError, OutputError, UsageError
from piqa_cli.scoring.prepare import PhotoDataset
from tests.model import tiny


class Wrapped(Exception):
    """As Ray wraps what a task raised."""

    def __init__(self, cause):
        super().__init__("a long story\nwith many lines")
        self.cause = cause


def test_an_error_of_piqas_own_is_found_in_what_ray_raises():
    own = OutputError("the disk is full", hint="free it")
    outer = Wrapped(None)
    outer.__cause__ = Wrapped(Wrapped(own))
    assert _explained(outer) is own


def test_copies_under_way_end_before_their_folder_is_removed(monkeypatch):
    """Otherwise one that is finished meanwhile makes the removal fail, and that is what the user would hear of."""
    fs = fsspec.filesystem("memory")
    for number in range(9):
        fs.pipe_file(f"/slow/{number}.jpg", b"no photo")
    under_way, left = set(), []

    def get_file(_, key, target, **__):
        under_way.add(key)
        time.sleep(0 if key.endswith("0.jpg") else 0.2)
        Path(target).write_bytes(b"no photo")
        under_way.discard(key)

    class Folder(tempfile.TemporaryDirectory):
        def cleanup(self):
            left.append(set(under_way))
            super().cleanup()

        def __exit__(self, *_):
            self.cleanup()

    class Broken:
        def score(self, batch):
            raise RuntimeError("the device failed")

    monkeypatch.setattr(MemoryFileSystem, "get_file", get_file)
    monkeypatch.setattr(tempfile, "TemporaryDirectory", Folder)
    scorer = object.__new__(PhotoScorer)
    scorer._base, scorer._pool, scorer._size, scorer._ahead = Path.cwd(), None, 1, 1
    scorer._dataset, scorer._scorer = PhotoDataset(tiny.LITE, 10_000_000), Broken()
    try:
        with pytest.raises(RuntimeError, match="the device failed"):
            scorer.table([NamedPhoto(f"memory://slow/{number}.jpg") for number in range(9)])
    finally:
        fs.store.clear()
    assert left == [set()]


def test_another_error_is_one_line():
    said = _explained(Wrapped(ValueError("x")))
    assert isinstance(said, EngineError)
    assert said.message == "the cluster gave up: with many lines"
    assert "finished partitions are kept" in said.hint


@pytest.mark.parametrize("kind", [UsageError, ModelError, OutputError, EngineError])
def test_an_error_travels_as_text(kind):
    there = from_text(to_text(kind("no such thing: \u00fc", hint="look")))
    assert (type(there), there.message, there.hint) == (kind, "no such thing: \u00fc", "look")


def test_an_error_of_another_kind_ends_the_run_all_the_same():
    assert type(from_text('{"kind": "Path", "message": "odd", "hint": null}')) is EngineError


def test_another_version_on_a_machine_is_named(tmp_path):
    work = Work(ResultFolder(str(tmp_path)), ClusterOptions(), tmp_path, version="0.0.1")
    row = PartitionScorer(work, None)({"number": [0], "listing": ["[]"]})
    assert "not 0.0.1" in from_text(row["failure"][0]).message


def test_an_error_of_the_listing_comes_through_an_actor(tmp_path):
    """Raised where it is found, Ray would print where that is, on 50 lines."""
    source = pytest.importorskip("piqa_cli.cluster.ray_source")
    (task,) = source.PartitionSource(Listing((str(tmp_path), "gone")), 10, tmp_path).get_read_tasks(1)
    (found,) = (table.to_pylist()[0] for table in task())
    work = Work(ResultFolder(str(tmp_path)), ClusterOptions(), tmp_path)
    row = PartitionScorer(work, None)({name: [value] for name, value in found.items()})
    error = from_text(row["failure"][0])
    assert isinstance(error, UsageError)
    assert error.message == "no such file or folder: gone"
