"""Real processes: killed with SIGKILL and resumed, and two with the environment that torchrun gives them."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.training.fitting import make_data, make_start, predictions, same_weights

SCRIPT = Path(__file__).with_name("piqa_killed.py")
PATHS = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
KILLED = -9
WEIGHTS_TOLERANCE = 1e-4  # largest difference of a weight; sums are taken in another order
SCORES_TOLERANCE = 1e-3  # of raw scores, which the released half-precision weights round


@pytest.fixture(scope="module")
def place(scratch):
    make_data(scratch, scenes=7)
    make_start(scratch / "start")
    return scratch


@pytest.fixture(scope="module")
def piqa(scratch):
    """Start `piqa` as one process, or as one for each rank as torchrun does -> exit codes, and all that was printed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": PATHS}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, str(SCRIPT), "serve"], env=environment, **pipes) as server:

        def call(point, number, *arguments, environments=({},)):
            output = scratch / "output"
            output.write_text("")
            words = [point, str(number), *map(str, arguments)]
            request = {"arguments": words, "output": str(output), "environments": environments}
            print(json.dumps(request), file=server.stdin, flush=True)
            return json.loads(server.stdout.readline()), output.read_text()

        yield call
        server.stdin.close()


def arguments(place, run, *more):
    return (
        "train", "--dataset", "piq23", "--root", place / "PIQ23", "--split", "scene", "--pretrained", place / "start",
        "--epochs", 2, "--workers", 0, "--cache-dir", place / "cache", "--learning-rate", 1e-3, "--pairs", 4,
        "--accumulate", 2, "--save-every", 1, "--output", place / run, *more,
    )  # fmt: skip


def ranks():
    """What torchrun tells each of two processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": "2"}
    return [{**meeting, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(2)]


@pytest.fixture(scope="module")
def unkilled(piqa, place):
    codes, output = piqa("never", 0, *arguments(place, "unkilled"))
    assert codes == [0], output
    return place / "unkilled"


@pytest.mark.slow
def test_killed_at_steps_and_while_saving_and_resumed_equals_never_killed(piqa, place, unkilled):
    run = place / "killed"
    assert piqa("step", 2, *arguments(place, "killed"))[0] == [KILLED]
    assert piqa("saving", 2, "train", "--resume", run)[0] == [KILLED]
    assert (run / "checkpoint" / ".state.pt.tmp").exists()  # the half file, beside the whole one
    assert piqa("epoch", 1, "train", "--resume", run)[0] == [KILLED]
    assert not (run / "model").exists()
    codes, output = piqa("never", 0, "train", "--resume", run)
    assert codes == [0], output
    assert same_weights(run, unkilled)
    assert predictions(run).equals(predictions(unkilled))


@pytest.mark.slow
def test_two_processes_train_as_one_does(piqa, place, unkilled):
    codes, output = piqa("never", 0, *arguments(place, "two"), environments=ranks())
    assert codes == [0, 0], output
    assert len(re.findall("^model ", output, re.MULTILINE)) == 1  # one process speaks
    best = next((unkilled / "checkpoint").glob("best-*")).name
    one, two = (load_file(place / run / "checkpoint" / best) for run in ("unkilled", "two"))
    start = load_file(place / "start" / "model.safetensors")
    moved = max(float((one[name] - start[name]).abs().max()) for name in start if one[name].is_floating_point())
    apart = {name: float((one[name].float() - two[name].float()).abs().max()) for name in one}
    # Losses that compare pairs say nothing about the last bias: its gradient is rounding noise, which Adam blows up.
    compared = {name: value for name, value in apart.items() if name not in ("head.3.bias", "face_head.3.bias")}
    assert max(compared.values()) < WEIGHTS_TOLERANCE < moved
    first, second = predictions(unkilled), predictions(place / "two")
    assert first["image"].equals(second["image"])
    first, second = first["predicted"] - first["predicted"].mean(), second["predicted"] - second["predicted"].mean()
    assert (first - second).abs().max() < SCORES_TOLERANCE


def test_torchrun_tells_processes_what_they_are_told_here(tmp_path):
    """Under the real launcher, but without the seconds in which each of its processes would import torch."""
    script = tmp_path / "told.py"
    script.write_text(  # in one write: both have one stdout
        "import json, os, sys\n"
        "told = {name: os.environ[name] for name in sys.argv[1:]}\n"
        "os.write(1, (json.dumps(told) + chr(10)).encode())\n"
    )
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    told_here = ranks()
    done = subprocess.run([*launcher, str(script), *told_here[0]], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[:6000]
    told = sorted(map(json.loads, done.stdout.splitlines()), key=lambda environment: environment["RANK"])
    meeting = {name: told[0][name] for name in ("MASTER_ADDR", "MASTER_PORT")}
    assert told == [one | meeting for one in told_here]


def test_a_mistake_under_torchrun_is_one_message(piqa, place):
    second = {"RANK": "1", "WORLD_SIZE": "2"}
    codes, output = piqa("never", 0, "train", "--output", place / "nothing", environments=[second])
    assert codes == [2]
    assert output.count("piqa: error:") == 1
    assert not (place / "nothing").exists()


@pytest.mark.slow
def test_two_processes_train_heads_as_one_does(piqa, place):
    for run, environments in (("heads one", [{}]), ("heads two", ranks())):
        codes, output = piqa("never", 0, *arguments(place, run, "--freeze-backbone"), environments=environments)
        assert not any(codes), output
    one, two = (predictions(place / run) for run in ("heads one", "heads two"))
    assert one["image"].equals(two["image"])
    # One process predicts from kept features in half precision, two from the photos.
    assert (one["predicted"] - two["predicted"]).abs().max() < 0.01 * one["predicted"].std()
