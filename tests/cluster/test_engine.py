"""Runs on a real cluster of several nodes, from and to a real S3 server, also with processes and machines lost."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from piqa_cli.cluster import engine
from piqa_cli.cluster.actor import PartitionScorer
from piqa_cli.cluster.engine import Finished, score_on_cluster
from piqa_cli.cluster.failure import from_text
from piqa_cli.cluster.listing import Listing
from piqa_cli.cluster.manifest import TRIES
from piqa_cli.cluster.options import ClusterOptions
from piqa_cli.cluster.photos import cut
from piqa_cli.cluster.results import ResultFolder
from piqa_cli.errors import EngineError, OutputError, UsageError
from piqa_cli.photos.discover import discover
from piqa_cli.ranking.score_file import read_score_file
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.table import SCHEMA, to_frame
from tests.cluster.services import actor_processes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),  # of its own defaults
]

SCORING = EngineOptions(device="cpu", workers=0)
OPTIONS = ClusterOptions(block_size=3, least_actors=2, most_actors=2, scoring=SCORING)
ONE_ACTOR = replace(OPTIONS, least_actors=1, most_actors=1)  # each imports torch
CLOSE = 1e-5


@pytest.fixture(scope="module")
def uploaded(store, shoot):
    for name, content in shoot.items():
        store.put(f"photos/shoot/{name}", content)
    store.put("photos/shoot/0/frozen.jpg", shoot["0/IMG_00.jpg"], StorageClass="GLACIER")
    store.put("photos/shoot/0/readme.txt", b"no photo by its name")
    return "s3://photos/shoot"


@pytest.fixture(scope="module")
def local(shoot, tiny_model, tmp_path_factory):
    """The table of the local engine for the same files, with the names that they have in the store."""
    folder = tmp_path_factory.mktemp("shoot")
    for name, content in shoot.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    table = to_frame(score for batch in score_files(discover([folder]), tiny_model, SCORING) for score in batch)
    renamed = [
        pl.col(column).str.replace(str(folder), "s3://photos/shoot", literal=True) for column in ("path", "raw_mate")
    ]
    return table.with_columns(renamed)


@pytest.fixture
def without_ray(monkeypatch):
    """Let the actor's own code do what follows in this process, since every run on the cluster starts processes."""

    def scored_here(listing, work, parcel):
        scorer = PartitionScorer(work, parcel)
        for partition in cut(listing.photos(), work.options.block_size):
            row = scorer({"number": [partition.number], "listing": [partition.listing]})
            if row["failure"][0]:
                raise from_text(row["failure"][0])
            yield Finished(row["number"][0], row["rows"][0], row["errors"][0], bool(row["skipped"][0]))

    def begin():
        monkeypatch.setattr("ray.get", lambda parcel: parcel)
        monkeypatch.setattr(engine, "_run", scored_here)

    yield begin
    torch.set_num_threads(1)


def read(store, place):
    parts = store.fs.glob(f"{place.removeprefix('s3://')}/part-*.parquet")
    return pl.concat([pl.read_parquet(store.fs.cat_file(part)) for part in parts])


def same(table, local):
    frozen = pl.col("path").str.ends_with("frozen.jpg")
    assert dict(table.schema) == {name: kind() for name, kind in SCHEMA.items()}
    assert_frame_equal(table.filter(~frozen), local, check_row_order=False, rel_tol=0, abs_tol=CLOSE)
    (lost,) = table.filter(frozen).iter_rows(named=True)
    assert (lost["status"], lost["score"]) == ("error", None)
    assert "cannot be read" in lost["reason"]


def test_processes_and_machines_come_and_go_and_every_photo_is_there_once(
    cluster, store, uploaded, local, tiny_model, without_ray
):
    target = ResultFolder("s3://scores/faults")
    done = []
    for finished in score_on_cluster(Listing((uploaded,)), target, tiny_model, OPTIONS):
        done.append(finished)
        if len(done) == 1:
            os.kill(actor_processes()[0].pid, signal.SIGKILL)
        if len(done) == 3:
            cluster.lose_one()
            cluster.add()
    assert sorted(finished.number for finished in done) == list(range(len(done)))
    assert sum(finished.rows for finished in done) == local.height + 1
    assert not any(finished.skipped for finished in done)
    same(read(store, target.place), local)

    store.fs.rm_file("scores/faults/_manifest/part-00001.json")
    store.put("scores/faults/_manifest/part-00001.tries", b"." * TRIES)  # as if every process had died of it
    with pytest.raises(EngineError, match=r"5 tries at partition 1 \(s3://photos/shoot/.* without a result"):
        list(score_on_cluster(Listing((uploaded,)), target, tiny_model, ONE_ACTOR))

    without_ray()
    store.fs.rm_file("scores/faults/_manifest/part-00002.json")  # as if a run had been stopped before it
    again = list(score_on_cluster(Listing((uploaded,)), target, tiny_model, ONE_ACTOR))
    assert sorted(finished.number for finished in again if not finished.skipped) == [1, 2]
    same(read(store, target.place), local)
    assert not store.fs.glob("scores/faults/_manifest/*.tries")


def test_photos_that_come_and_go_between_two_runs(store, shoot, tiny_model, without_ray):
    without_ray()
    target, listing = ResultFolder("s3://scores/changed"), Listing(("s3://photos/changing",))
    for number in range(7):
        store.put(f"photos/changing/{number}.jpg", shoot["0/IMG_00.jpg"])
    assert sum(f.rows for f in score_on_cluster(listing, target, tiny_model, ONE_ACTOR)) == 7
    store.fs.rm_file("photos/changing/6.jpg")
    store.fs.rm_file("photos/changing/4.jpg")
    again = list(score_on_cluster(listing, target, tiny_model, ONE_ACTOR))
    assert {f.number: f.skipped for f in again} == {0: True, 1: False}
    assert sorted(read(store, target.place)["path"]) == [f"s3://photos/changing/{n}.jpg" for n in (0, 1, 2, 3, 5)]


def test_paths_and_worker_processes_on_a_shared_disk(cluster, shoot, tiny_model, local, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("0/IMG_00.jpg", "1/damaged.jpg", "2/IMG_02.jpg", "2/IMG_02.dng"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(shoot[name])
    options = ClusterOptions(block_size=2, most_actors=1, scoring=EngineOptions(device="cpu", workers=1))
    target = ResultFolder(str(tmp_path / "scores"))
    assert sum(f.rows for f in score_on_cluster(Listing(("in",)), target, tiny_model, options)) == 3
    table = pl.read_parquet(tmp_path / "scores" / "part-*.parquet")
    names = ["in/0/IMG_00.jpg", "in/1/damaged.jpg", "in/2/IMG_02.jpg"]
    assert sorted(table["path"]) == names
    assert table.filter(pl.col("raw_mate").is_not_null())["raw_mate"].to_list() == ["in/2/IMG_02.dng"]
    expected = local.filter(pl.col("path").is_in([f"s3://photos/shoot/{name[3:]}" for name in names]))
    assert sorted(table["raw_score"].drop_nulls()) == pytest.approx(
        sorted(expected["raw_score"].drop_nulls()), abs=CLOSE
    )


def test_a_place_that_takes_no_results_ends_the_run(cluster, store, uploaded, tiny_model):
    with pytest.raises(OutputError, match="no-such-bucket"):
        list(score_on_cluster(Listing((uploaded,)), ResultFolder("s3://no-such-bucket/x"), tiny_model, ONE_ACTOR))


def test_a_store_that_is_not_there_is_wrong_usage(store, tiny_model):
    with pytest.raises(UsageError, match="no-such-bucket"):
        list(
            score_on_cluster(Listing(("s3://no-such-bucket/x",)), ResultFolder("s3://scores/x"), tiny_model, ONE_ACTOR)
        )


def test_the_command_from_a_store_into_a_folder_with_gates(
    score, cluster, store, shoot, tiny_model, tmp_path, without_ray
):
    for name in ("1/damaged.jpg", "0/IMG_00.jpg"):
        store.put(f"photos/few/{name}", shoot[name])
    here = ("--model", tiny_model.path, "--device", "cpu", "--workers", "0")
    asked = ("--engine", "ray", "s3://photos/few", "-o", "out [1]", *here)
    code, said = score(*asked, "--fail-under", "101", "--strict")
    assert (code, "is not a score" in said) == (2, True)
    code, said = score(*asked, "--fail-under", "0", "--strict")
    assert code == 3
    assert "2 photos" in said
    table = read_score_file(tmp_path / "out [1]")
    assert sorted(table["path"]) == ["s3://photos/few/0/IMG_00.jpg", "s3://photos/few/1/damaged.jpg"]
    without_ray()
    code, said = score(*asked)
    assert (code, "in an earlier run" in said) == (0, True)
    code, said = score(*asked, "--block-size", "1")
    assert (code, "block_size" in said) == (2, True)
