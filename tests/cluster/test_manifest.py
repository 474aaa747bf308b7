"""What is finished, and what a later run may do with it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from piqa_cli.cluster.manifest import TRIES, Entry, Job, Manifest
from piqa_cli.cluster.photos import NamedPhoto, cut
from piqa_cli.cluster.results import ResultFolder
from piqa_cli.errors import EngineError, OutputError

JOB = Job("tiny@0123456789ab", 200.0, 2)
FIRST, SECOND = cut([NamedPhoto(f"{n}.jpg") for n in range(3)], 2)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "scores"


@pytest.fixture
def manifest(folder):
    begun = Manifest(ResultFolder(str(folder)))
    begun.begin(JOB)
    return begun


def test_a_finished_partition_is_known_by_its_list_of_photos(manifest):
    assert manifest.finished(FIRST) is None
    entry = manifest.store(FIRST, b"table", 2, 1)
    assert manifest.finished(FIRST) == entry == Entry(0, FIRST.digest, 2, 1)
    assert manifest.finished(replace(FIRST, listing=SECOND.listing)) is None


def test_a_part_that_went_away_is_not_finished(manifest, folder):
    manifest.store(FIRST, b"table", 2, 0)
    (folder / "part-00000.parquet").unlink()
    assert manifest.finished(FIRST) is None


@pytest.mark.parametrize("changed", [{"rows": None}, {"errors": "1"}, {"more": 1}])
def test_an_entry_that_is_damaged_is_none(manifest, folder, changed):
    manifest.store(FIRST, b"table", 2, 1)
    file = folder / "_manifest" / "part-00000.json"
    fields = json.loads(file.read_text()) | changed
    file.write_text(json.dumps({name: value for name, value in fields.items() if value is not None}))
    assert manifest.finished(FIRST) is None


def test_an_entry_goes_before_its_part_is_written_anew(manifest, folder, monkeypatch):
    manifest.store(FIRST, b"old", 2, 0)

    def fail(self, name, data):
        raise OutputError("the store is gone")

    monkeypatch.setattr(ResultFolder, "write", fail)
    with pytest.raises(OutputError):
        manifest.store(FIRST, b"new", 2, 0)
    assert manifest.finished(FIRST) is None


def test_tries_without_a_result_are_counted_and_end_the_run(manifest, folder):
    for _ in range(TRIES):
        manifest.begin_try(FIRST)
    manifest.begin_try(SECOND)
    with pytest.raises(EngineError, match=r"5 tries at partition 0 \(0\.jpg to 1\.jpg\) have ended"):
        manifest.begin_try(FIRST)
    manifest.begin_try(FIRST)  # whoever repeats the command has changed something
    manifest.store(FIRST, b"table", 2, 0)
    assert [path.name for path in (folder / "_manifest").glob("*.tries")] == ["part-00001.tries"]
    manifest.finish(1, 2, 0)
    assert not list((folder / "_manifest").glob("*.tries"))


def test_what_a_longer_listing_left_behind_is_removed_at_the_end(manifest, folder):
    manifest.store(FIRST, b"a", 2, 0)
    manifest.store(SECOND, b"b", 1, 0)
    manifest.finish(1, 2, 0)
    assert sorted(path.name for path in folder.glob("part-*")) == ["part-00000.parquet"]
    assert sorted(path.name for path in (folder / "_manifest").iterdir()) == [
        "done.json",
        "job.json",
        "part-00000.json",
    ]
    assert json.loads((folder / "_manifest/done.json").read_text()) == {"partitions": 1, "rows": 2, "errors": 0}


def test_the_same_job_goes_on_and_is_not_done_meanwhile(manifest, folder):
    manifest.store(FIRST, b"a", 2, 0)
    manifest.finish(1, 2, 0)
    manifest.begin(JOB)
    assert not (folder / "_manifest/done.json").exists()
    assert manifest.finished(FIRST)


@pytest.mark.parametrize("change", [{"model": "other@0"}, {"block_size": 3}, {"max_megapixels": 1.0}])
def test_another_job_is_refused(manifest, change):
    (name,) = change
    with pytest.raises(OutputError, match=name):
        manifest.begin(replace(JOB, **change))


def test_a_folder_with_other_things_is_refused(folder):
    folder.mkdir()
    (folder / "letter.txt").write_text("keep me")
    with pytest.raises(OutputError, match=r"letter\.txt"):
        Manifest(ResultFolder(str(folder))).begin(JOB)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def test_a_damaged_manifest_is_refused_or_done_again(manifest, folder):
    manifest.store(FIRST, b"a", 2, 0)
    (folder / "_manifest/part-00000.json").write_text("{")
    assert manifest.finished(FIRST) is None
    (folder / "_manifest/job.json").write_text("[]")
    with pytest.raises(OutputError, match=r"another run: its job\.json cannot be read$"):
        manifest.begin(JOB)
