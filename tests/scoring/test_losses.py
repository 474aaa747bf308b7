import errno
import os

import pytest
from PIL import Image, ImageFile

from piqa_cli.records import PhotoFile
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


@pytest.mark.parametrize("error", [OSError("broken data stream when reading image file"), SyntaxError("bad")])
def test_damage_is_lasting(reason, error):
    text, is_given_up = reason(error)
    assert text.startswith("damaged or truncated: ")
    assert not is_given_up
