"""`piqa score --engine ray`: what is refused before the work."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
import torch

from piqa_cli.cluster.listing import Listing
from piqa_cli.cluster.options import ClusterOptions
from piqa_cli.commands.delivery import Delivery
from piqa_cli.commands.ray_options import actor_range
from piqa_cli.commands.score_ray import check
from piqa_cli.scoring import devices

RAY = ("--engine", "ray")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["s3://bucket/photos"], "--engine ray"),
        (["in", "-o", "s3://bucket/scores"], "--engine ray"),
        (["file:///in/my%20photo.jpg"], "write the path alone"),
        (["https://example.org/a.jpg"], "download it first"),
        (["in", "--block-size", "5"], "--block-size"),
        (["in", "--gpus-per-actor", "0"], "--gpus-per-actor"),
        ([*RAY, "in"], "-o FOLDER"),
        ([*RAY, "in", "-o", "scores.csv"], "scores.csv"),
        ([*RAY, "in", "-o", "s3://bucket/scores.parquet"], "names a file"),
        ([*RAY, "in", "-o", "out", "--format", "csv"], "--format"),
        ([*RAY, "in", "-o", "out", "--with-gps"], "--with-gps"),
        ([*RAY, "in", "-o", "out", "--cache-dir", "c"], "--cache-dir"),
        ([*RAY, "in", "-o", "out", "--devices", "0,1"], "one device"),
        ([*RAY, "in", "-o", "out", "--actors", "4:2"], "4:2"),
        ([*RAY, "in", "-o", "out", "--cpus-per-actor", "-1"], "-1"),
        ([*RAY, "in", "-o", "nowhere/out"], "nowhere"),
        ([*RAY, "in", "-o", "in"], "a.jpg"),
        ([*RAY, "in", "-o", "in", "--json", "in/r.json"], "in/r.json: in is a table of Parquet parts"),
        ([*RAY, "-", "-o", "out"], "stdin"),
        ([*RAY, "in", "-o", "s3://bucket/x", "--fail-under", "5"], "gates"),
        ([*RAY, "s3://bucket/photos", "-o", "out", "--junit", "j.xml"], "not on this machine"),
        ([*RAY, "s3://bucket/photos", "-o", "out", "--max-duplicates", "0"], "max-duplicates cannot be checked"),
        ([*RAY, "in", "-o", "out", "--max-near-duplicates", "0"], "max-near-duplicates cannot be checked"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_work_is_refused_before_the_work(score, tmp_path, arguments, named):
    pytest.importorskip("ray")
    code, said = score(*arguments)
    assert code == 2
    assert named in said
    assert [path.name for path in tmp_path.iterdir() if path.name in ("out", "scores.csv", "s3:")] == []


def test_results_go_up_from_behind_a_link_as_the_system_does(tmp_path, monkeypatch):
    pytest.importorskip("ray")
    (tmp_path / "far" / "inside").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "inside")
    monkeypatch.chdir(tmp_path)
    results = check(Listing(("link",)), "link/../out", ClusterOptions(), Delivery())
    results.write("_manifest/x.json", b"{}")
    assert (tmp_path / "far" / "out" / "_manifest" / "x.json").read_bytes() == results.read("_manifest/x.json") == b"{}"
    assert results.names() == ["_manifest"]


def test_without_ray_the_extra_is_named(score, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "ray" else found(name, *more))
    code, said = score(*RAY, "in", "-o", "out")
    assert code == 2
    assert "piqa-cli[ray]" in said


def test_the_command_line_loads_nothing_of_it():
    heavy = "{'ray', 'fsspec', 's3fs', 'pyarrow', 'pandas', 'torch', 'polars'}"
    program = (
        "import sys; from piqa_cli.commands.app import command_line; command_line()\n"
        f"sys.exit(bool({heavy} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(("text", "expected"), [("8", (8, 8)), ("2:16", (2, 16)), ("2:", (2, None)), (None, (1, None))])
def test_numbers_of_actors(text, expected):
    assert actor_range(text) == expected


@pytest.mark.parametrize(
    ("cpus", "heavy", "threads", "workers"),
    [(1, False, 1, 1), (4, False, 2, 3), (0.5, False, 1, 1), (16, True, 16, 2)],
)
def test_an_actor_shares_out_its_own_cores(cpus, heavy, threads, workers, monkeypatch):
    given = []
    monkeypatch.setattr(devices.torch, "set_num_threads", given.append)
    options = ClusterOptions(cpus=cpus)
    shared = devices.share_out(options.scoring, torch.device(options.device), heavy=heavy, cores=options.cores)
    assert (given, shared) == ([threads], workers)
