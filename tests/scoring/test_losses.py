import errno
import os
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageFile

from piqa_cli.model.network import NetworkOutput
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.complete import complete
from piqa_cli.scoring.losses import given_up, too_much_memory
from piqa_cli.scoring.prepare import PhotoDataset
from tests.model import tiny


@pytest.fixture
def reason(tmp_path, monkeypatch):
    """The reason of a photo whose decoder raises."""

    def read(error):
        def fail(image):
            raise error

        path = tmp_path / "a.png"
        Image.new("RGB", (8, 8)).save(path)
        monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
        record = PhotoDataset(tiny.LITE, 10_000_000)[PhotoFile(path)].record
        return record.reason, given_up(record)

    return read


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
def test_errors_of_the_disk_are_not_lasting(reason, number):
    assert reason(OSError(number, os.strerror(number))) == (f"cannot be read: {os.strerror(number)}", True)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 2.1 GiB for an array with shape (30000, 25000, 3)"),
        OSError("out of memory error when reading image file"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes. Error code 12"),
    ],
    ids=["plain", "numpy", "pillow", "torch"],
)
def test_a_lack_of_memory_is_not_lasting(reason, error):
    assert reason(error) == (too_much_memory(), True)


def test_a_lack_of_memory_beside_the_decoder_is_not_lasting(tmp_path, monkeypatch):
    def refuse(*args):
        raise MemoryError("Unable to allocate 9 GiB")

    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path)
    monkeypatch.setattr("piqa_cli.scoring.prepare.photo_inputs", refuse)
    assert PhotoDataset(tiny.LITE, 10_000_000)[PhotoFile(path)].record.reason == too_much_memory()


def test_what_fails_beside_the_decoder_is_not_lasting(tmp_path, monkeypatch):
    """Such as the face detector's weights, for which there were too many open files."""

    def fail(*args):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path)
    monkeypatch.setattr("piqa_cli.scoring.prepare.by_importance", fail)
    record = PhotoDataset(tiny.LITE, 10_000_000)[PhotoFile(path)].record
    assert record.reason.startswith("unexpected OSError: ")
    assert given_up(record)


def test_no_finite_score_is_not_lasting():
    """Another --precision, which the cache takes for the same model, may give one."""
    output = NetworkOutput(torch.tensor([torch.nan]), torch.zeros(1, 1), None, None, torch.zeros(1, 4))
    record = complete(PhotoScore(Path("a.png"), "ok"), tiny.network(tiny.LITE), output, 0, [])
    assert record.status == "error"
    assert given_up(record)


@pytest.mark.parametrize("error", [OSError("broken data stream when reading image file"), SyntaxError("bad")])
def test_damage_is_lasting(reason, error):
    text, is_given_up = reason(error)
    assert text.startswith("damaged or truncated: ")
    assert not is_given_up
