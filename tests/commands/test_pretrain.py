import errno
import json
import sys

import numpy as np
import pytest
import typer
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from piqa_cli.commands import pretrain_run
from piqa_cli.commands.pretrain import app
from piqa_cli.errors import OutputError, PiqaError
from tests.training.made_videos import make_video

TINY = [
    "--backbone",
    "test_efficientnet",
    "--pooling",
    "stages",
    "--size",
    "64",
    "--pretrained",
    "none",
    "--workers",
    "0",
]


def call(*arguments, code=0):
    """Run `piqa pretrain` -> its output; errors come as themselves, since only `piqa` itself reports them."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    for index in range(6):
        left = 20 * index
        Image.fromarray(data.astronaut()).crop((left, 0, left + 300, 300)).resize((160, 160)).save(
            folder / f"{index}.png"
        )
    return folder


@pytest.fixture(scope="module")
def gfiqa(tmp_path_factory):
    root = tmp_path_factory.mktemp("gfiqa")
    (root / "image").mkdir()
    lines = ["img_name,mos"]
    for index in range(10):
        side = 160 - 14 * index
        image = Image.fromarray(data.astronaut()).crop((100, 0, 400, 300)).resize((side, side)).resize((160, 160))
        image.save(root / f"image/{index}.png")
        lines.append(f"{index}.png,{1 - index / 10}")
    (root / "mos.csv").write_text("\n".join(lines) + "\n")
    return root


def test_help_names_the_three_commands():
    output = call("--help")
    assert all(name in output for name in ("synthetic", "lsvq", "gfiqa"))
    assert isinstance(app, typer.Typer)
    assert call() == output  # as of `piqa models` alone


def test_synthetic_makes_a_model_and_refuses_to_overwrite_it(good, tmp_path):
    run, options = tmp_path / "run", ["--versions", "5", "--epochs", "3", "--cache-dir", tmp_path / "cache"]
    output = call("synthetic", good, "--output", run, *TINY, *options)
    assert "held out" in output
    assert [line.split()[2] for line in output.splitlines() if line.startswith("piqa: epoch")] == ["1", "2", "3"]
    assert json.loads((run / "model/config.json").read_text())["auxiliary"] == "defects"
    log = json.loads((run / "log.json").read_text(), parse_constant=pytest.fail)  # other programs read no NaN
    assert log["final"]["opinion"] is None
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 3
    assert f"report: {run / 'report.html'}" in output
    before = (run / "model/model.safetensors").read_bytes()
    with pytest.raises(PiqaError, match="not empty"):
        call("synthetic", good, "--output", run, *TINY)
    with pytest.raises(PiqaError, match="finished"):
        call("synthetic", "--resume", run)
    assert (run / "model/model.safetensors").read_bytes() == before
    (run / "log.json").unlink()
    call("synthetic", "--resume", run, "-q")
    assert (run / "model/model.safetensors").read_bytes() == before


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"folder": 1, "cache_dir": null}', "[" * 100_000])
def test_a_synthetic_run_that_forgot_its_options_is_named(tmp_path, content):
    (tmp_path / "synthetic.json").write_text(content)
    with pytest.raises(PiqaError, match=r"synthetic\.json: damaged") as refused:
        call("synthetic", "--resume", tmp_path)
    assert refused.value.hint == "start it anew"


@pytest.mark.parametrize(
    ("option", "name"), [("--workers", "data.workers"), ("--epochs", "run.epochs"), ("--seed", "run.seed")]
)
def test_a_number_out_of_its_range_is_no_traceback_and_no_untrained_model(good, tmp_path, option, name):
    with pytest.raises(PiqaError, match=f"{name} = -1: it must be"):
        call("synthetic", good, "--output", tmp_path / "run", *TINY, option, "-1")
    assert not (tmp_path / "run").exists()


def test_no_epochs_are_none(good, tmp_path, monkeypatch):
    """They were taken for the default, fourteen."""
    run, asked = tmp_path / "run", []

    def stopped(network, originals, rated, faces, settings, *more):
        asked.append(settings.heads.epochs)
        raise KeyboardInterrupt

    monkeypatch.setattr(pretrain_run, "pretrain_synthetic", stopped)
    options = ["--cache-dir", tmp_path / "cache", "--epochs", "0"]
    call("synthetic", good, "--output", run, *TINY, *options, code=130)
    assert asked == [0]


def test_a_stopped_synthetic_run_says_how_to_go_on(good, tmp_path, monkeypatch):
    def stopped(*_):
        raise stop

    monkeypatch.setattr(pretrain_run, "pretrain_synthetic", stopped)
    run, stop = tmp_path / "my run", KeyboardInterrupt()
    command = ["synthetic", good, *TINY, "--cache-dir", tmp_path / "cache", "--output"]
    again = f"piqa pretrain synthetic --resume '{run}'"
    assert call(*command, run, code=130).splitlines()[-1] == f"piqa: interrupted; to go on: {again}"
    with pytest.raises(PiqaError, match="not empty") as refused:
        call(*command, run)
    assert refused.value.hint == again
    stop = MemoryError("out of memory")
    with pytest.raises(PiqaError, match="too little memory") as refused:
        call(*command, tmp_path / "other")
    assert refused.value.hint == "fewer --workers take less"  # it has no --pairs


def test_a_full_disk_does_not_take_the_options_of_a_stopped_run(tmp_path, monkeypatch):
    (tmp_path / "synthetic.json").write_text('{"kept": 1}')

    def fill(path, text, **_):
        path.write_bytes(text[:5].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", fill)
    with pytest.raises(OutputError, match=r"synthetic\.json: cannot be written: No space"):
        pretrain_run._remember({"pretrained": None, "folder": tmp_path}, tmp_path)
    assert (tmp_path / "synthetic.json").read_bytes() == b'{"kept": 1}'


def test_a_synthetic_run_knows_its_weights_in_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.pth").touch()
    for source, kept in (("weights.pth", str(tmp_path / "weights.pth")), ("timm", "timm"), (None, None)):
        pretrain_run._remember({"folder": tmp_path, "pretrained": source}, tmp_path / "run")
        assert json.loads((tmp_path / "run" / "synthetic.json").read_text())["pretrained"] == kept


def test_too_little_memory_names_options_that_there_are(gfiqa, tmp_path, monkeypatch):
    def lacking(*_):
        raise MemoryError("out of memory")

    monkeypatch.setattr(pretrain_run, "pretrain_branch", lacking)
    with pytest.raises(PiqaError, match="too little memory") as refused:
        call("gfiqa", "--root", gfiqa, "--output", tmp_path / "run")
    offered = call("gfiqa", "--help")
    assert all(word in offered for word in refused.value.hint.split() if word.startswith("--"))
    assert "--set run.checkpoint_activations=true" in refused.value.hint


def test_check_trains_nothing(good, gfiqa, tmp_path):
    call("synthetic", good, "--check")
    output = call("gfiqa", "--root", gfiqa, "--check")
    assert output.splitlines()[-1].split() == ["all", "1", "scene", "6", "1", "3"]
    assert not list(tmp_path.iterdir())


def test_several_processes_check_once_and_none_ranks_degradations(good, gfiqa, tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert call("gfiqa", "--root", gfiqa, "--check") == ""
    monkeypatch.setitem(sys.modules, "piqa_cli.commands.pretrain_run", None)  # as where a package is missing
    with pytest.raises(PiqaError, match="computes in one process"):
        call("synthetic", good, "--output", tmp_path / "run", *TINY)
    assert not list(tmp_path.iterdir())


def test_gfiqa_makes_a_model_of_the_face_branch(gfiqa, tmp_path):
    run = tmp_path / "run"
    options = ["--epochs", "1", "--pairs", "2", "--cache-dir", tmp_path / "cache", "--device", "cpu"]
    output = call("gfiqa", "--root", gfiqa, "--output", run, *TINY, *options)
    assert "test photos" in output
    views = json.loads((run / "model/config.json").read_text())["preprocess"]["views"]
    assert [view["cut"] for view in views] == ["face"]
    with pytest.raises(PiqaError, match="finished"):
        call("gfiqa", "--resume", run)
    with pytest.raises(PiqaError, match="another architecture") as caught:
        call("gfiqa", "--root", gfiqa, "--from", run, "--output", tmp_path / "next", "--workers", "0")
    assert "--backbone test_efficientnet --pooling stages" in caught.value.hint
    (run / "result.json").unlink()  # as if it had been stopped
    with pytest.raises(PiqaError, match="not empty") as caught:
        call("gfiqa", "--root", gfiqa, "--output", run, *TINY)
    assert caught.value.hint == f"piqa pretrain gfiqa --resume {run}"


def test_lsvq_reads_motion_and_its_branch_starts_gfiqa_and_training(gfiqa, tmp_path):
    from piqa_cli.commands.train import train

    root, motion = tmp_path / "lsvq", tmp_path / "motion"
    motion.mkdir()
    lines = ["name,height,width,mos,frame_number"]
    for index in range(6):
        make_video(root / f"clips/{index}.mp4", frames=8, size=(96, 64), shift=10 * index)
        np.save(motion / f"{index}.npy", np.full(256, index / 6, dtype=np.float32))
        lines.append(f"clips/{index},64,96,{20 + 10 * index},8")
    (root / "labels_train_test.csv").write_text("\n".join(lines) + "\n")
    run = ["--cache-dir", tmp_path / "cache", "--device", "cpu", "--epochs", "1", "--workers", "0", "-q"]
    network = ["--backbone", "test_efficientnet", "--pooling", "stages", "--size", "64", "--pairs", "2"]
    videos = ["--root", root, "--motion-features", motion, "--frames", "2", "--output", tmp_path / "first"]
    call("lsvq", *videos, *network, "--pretrained", "none", *run)
    config = json.loads((tmp_path / "first/model/config.json").read_text())
    assert config["auxiliary"] == "none"
    assert [view["cut"] for view in config["preprocess"]["views"]] == ["frame"]
    call("gfiqa", "--root", gfiqa, "--from", tmp_path / "first", "--output", tmp_path / "second", *network, *run)

    both = typer.Typer()
    both.command()(train)

    def views_trained(name, *options):
        own = ["--dataset", "gfiqa", "--root", gfiqa, "--output", tmp_path / name, *options, *run]
        result = CliRunner().invoke(both, [str(option) for option in own], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return [
            v["cut"] for v in json.loads((tmp_path / name / "model/config.json").read_text())["preprocess"]["views"]
        ]

    branches = ["--full-from", tmp_path / "first/model", "--face-from", tmp_path / "second/model"]
    plain = ["--preset", "dn-piqa", "--auxiliary", "none", "--pretrained", "none"]
    assert views_trained("both", *plain, *branches, *network) == ["frame", "face"]
    assert views_trained("more", "--pretrained", tmp_path / "second/model", "--pairs", "4") == ["face"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["synthetic"], "DIR is missing"),
        (["gfiqa", "--output", "run"], "--root is missing"),
        (["lsvq", "--root", "nowhere"], "--output is missing"),
        (["gfiqa", "--root", "nowhere", "--output", "run"], "no such folder: nowhere"),
        (["gfiqa", "--root", "x", "--from", "a", "--pretrained", "b", "--check"], "leave one out"),
        (["gfiqa", "--resume", "run", "--epochs", "3"], "leave out --epochs"),
        (["lsvq", "--resume", "run", "--seed", "0", "--frames", "8"], "leave out --frames, --seed"),
        (["synthetic", "--resume", "nowhere"], "no run to resume here"),
    ],
    ids=lambda value: None if isinstance(value, list) else value,
)
def test_wrong_usage_is_said_in_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PiqaError, match=message) as caught:
        call(*arguments)
    assert "\n" not in caught.value.message
    assert not list(tmp_path.iterdir())
