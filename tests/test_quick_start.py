"""timm and torchvision come without torch's compiler, and the compiler still works for those who want it."""

import subprocess
import sys

import pytest

COMPILER_WORKS = """
import torch, torchvision.ops
torch.use_deterministic_algorithms(True)
box = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
assert torchvision.ops.roi_align(torch.ones(1, 3, 8, 8), [box], 2).shape == (1, 3, 2, 2)
assert torch.compile(lambda x: 2 * x, backend="eager")(torch.ones(1)).item() == 2
assert torch._dynamo.__file__ and sys.modules["torch._dynamo.utils"].__file__
"""


def run(code):
    done = subprocess.run([sys.executable, "-c", f"import sys\n{code}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_network_is_there_without_the_compiler_which_works_afterwards():
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


def test_versions_that_ask_for_more_are_imported_as_they_are():
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
def test_what_is_imported_already_stays(first):
    run(f"import {first}\nkept = {first}\nimport piqa_cli.quick_start\nassert sys.modules['{first}'] is kept")
