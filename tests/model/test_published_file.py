import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from piqa_cli.errors import ModelError
from piqa_cli.model.published_file import read_state_dict

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2, dtype=torch.float16)}


def saved(path, content, **options):
    torch.save(content, path, **options)
    return path


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {f"module.{name}": tensor for name, tensor in STATE.items()},
        {"state_dict": STATE, "epoch": 3},
        {"model": {f"module.{name}": tensor for name, tensor in STATE.items()}, "lr": 0.1},
    ],
    ids=["plain", "data parallel", "in a record", "both"],
)
@pytest.mark.parametrize("modern", [True, False], ids=["zip", "before torch 1.6"])
def test_a_state_dict_is_read_as_it_is(content, modern, tmp_path):
    read = read_state_dict(saved(tmp_path / "a.pth", content, _use_new_zipfile_serialization=modern))
    assert read.keys() == STATE.keys()
    assert all(torch.equal(read[name], STATE[name]) and read[name].dtype == STATE[name].dtype for name in STATE)


class Trap:
    """Pickled, it would make a folder when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_a_file_that_would_run_code_is_refused_and_does_not(tmp_path):
    mark = tmp_path / "it ran"
    for name, modern in (("new.pth", True), ("old.pth", False)):
        path = saved(tmp_path / name, {"trap": Trap(mark)}, _use_new_zipfile_serialization=modern)
        with pytest.raises(ModelError, match="refused") as caught:
            read_state_dict(path)
        assert str(path) in caught.value.message
        assert "mkdir" in caught.value.message
        assert "\n" not in caught.value.message
    assert not mark.exists()


def test_a_whole_pickled_network_is_refused(tmp_path):
    with pytest.raises(ModelError, match="refused") as caught:
        read_state_dict(saved(tmp_path / "net.pth", torch.nn.Linear(2, 2)))
    assert "Linear" in caught.value.message
    assert "state dict" in caught.value.hint


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_torchscript_archive_is_refused(tmp_path):
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), tmp_path / "clip.pt")
    with pytest.raises(ModelError, match="TorchScript archive holds a program"):
        read_state_dict(tmp_path / "clip.pt")


def damaged_zip(path):
    saved(path, STATE)
    path.write_bytes(path.read_bytes()[:-200])


def other_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no weights")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: None, "no such file"),
        (lambda p: p.mkdir(), "no such file"),
        (lambda p: p.write_bytes(b""), "not a PyTorch checkpoint"),
        (lambda p: p.write_bytes(b"\xff\xd8\xff" * 100), "not a PyTorch checkpoint"),
        (lambda p: p.write_text("<html>Quota exceeded</html>"), "not a PyTorch checkpoint"),
        (damaged_zip, "not a PyTorch checkpoint, or damaged"),
        (other_zip, "not readable as a checkpoint"),
        (lambda p: saved(p, {}), "holds no state dict"),
        (lambda p: saved(p, [torch.zeros(1)]), "holds no state dict"),
        (lambda p: saved(p, {"epoch": 1}), "holds no state dict"),
        (lambda p: p.write_bytes(pickle.dumps({"a": 1})), "refused"),
        (lambda p: saved(p, {"a": torch.zeros(1), "b": torch.eye(2).to_sparse()}), "b is a sparse tensor"),
        (lambda p: saved(p, {"a": torch.zeros(1, device="meta")}), "a is a sparse tensor or one without values"),
    ],
    ids=[
        "missing",
        "folder",
        "empty",
        "jpeg",
        "html",
        "truncated",
        "zip",
        "nothing",
        "list",
        "numbers",
        "pickle",
        "sparse",
        "meta",
    ],
)
def test_what_is_no_checkpoint_is_one_line(make, message, tmp_path):
    make(tmp_path / "a.pth")
    with pytest.raises(ModelError) as caught:
        read_state_dict(tmp_path / "a.pth")
    assert message in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("modern", [True, False], ids=["zip", "before torch 1.6"])
def test_a_file_with_one_wrong_byte_is_read_or_one_line(modern, tmp_path):
    whole = saved(tmp_path / "a.pth", STATE, _use_new_zipfile_serialization=modern).read_bytes()
    damaged = tmp_path / "damaged.pth"
    refused = 0
    for at in range(0, len(whole), max(1, len(whole) // 400)):
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read_state_dict(damaged)
        except ModelError as error:
            refused += 1
            assert "\n" not in error.message
    assert refused > 10


def test_a_file_that_cannot_be_looked_at_is_named():
    with pytest.raises(ModelError, match=r"not readable as a checkpoint: .*File name too long"):
        read_state_dict(Path("a" * 300))
