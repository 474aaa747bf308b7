"""timm and torchvision come without torch's compiler, and the compiler still works for those who want it."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

COMPILER_WORKS = """
import torch, torchvision.ops
torch.use_deterministic_algorithms(True)
box = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
assert torchvision.ops.roi_align(torch.ones(1, 3, 8, 8), [box], 2).shape == (1, 3, 2, 2)
assert torch.compile(lambda x: 2 * x, backend="eager")(torch.ones(1)).item() == 2
assert torch._dynamo.__file__ and sys.modules["torch._dynamo.utils"].__file__
"""


SERVER = """
import json, os, sys, traceback
import torch
for line in sys.stdin:
    said, code = json.loads(line)
    pid = os.fork()
    if not pid:
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT), 2)
        try:
            exec(code, {"sys": sys})
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def server():
    """A process that has imported torch alone, which takes seconds, and forks one for each program."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", SERVER], **pipes) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def run(server, tmp_path):
    def call(code):
        print(json.dumps([str(tmp_path / "said"), code]), file=server.stdin, flush=True)
        assert (server.stdout.readline(), (tmp_path / "said").read_text()) == ("0\n", "")

    return call


def test_a_network_is_there_without_the_compiler_which_works_afterwards(run):
    run(
        "from piqa_cli.model.liqe import Liqe\n"
        "from piqa_cli.model.unfilled import Unfilled\n"
        "from piqa_cli.faces import detect\n"
        "detect.preload()\n"
        "with Unfilled():\n"
        "    Liqe()\n"
        "assert not [name for name in sys.modules if name.startswith(('torch._dynamo', 'torch._inductor'))]\n"
        f"assert {{'timm', 'torchvision'}} <= set(sys.modules){COMPILER_WORKS}"
    )


def test_versions_that_ask_for_more_are_imported_as_they_are(run):
    run(
        "class Demanding:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'timm.models' and not hasattr(sys.modules.get('torch._dynamo'), '__file__'):\n"
        "            from torch._dynamo import config\n"
        "sys.meta_path.insert(0, Demanding())\n"
        "from piqa_cli.model import backbone\n"
        "import timm\n"
        "assert timm.create_model('resnet18').fc.out_features == 1000\n"
        f"assert sys.modules['torch._dynamo'].__file__{COMPILER_WORKS}"
    )


@pytest.mark.parametrize("first", ["torchvision", "torch._dynamo"])
def test_what_is_imported_already_stays(run, first):
    run(f"import {first}\nkept = {first}\nimport piqa_cli.quick_start\nassert sys.modules['{first}'] is kept")
