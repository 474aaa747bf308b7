"""`piqa rank` on real photos with EXIF, with a small model so that it stays quick: as a real process, then in this."""

from __future__ import annotations

import csv
import hashlib
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance, ImageFilter
from PIL.TiffImagePlugin import IFDRational
from skimage import data

PIQA = [sys.executable, "-m", "piqa_cli"]
PATIENCE_S = 180
START = datetime(2024, 6, 1, 10)
SIDECAR = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>
</x:xmpmeta>"""


def save(image, path, seconds, *, bias=0.0):
    taken = START + timedelta(seconds=seconds)
    block = Image.Exif()
    block[0x0110] = "Camera"
    block.get_ifd(0x8769).update(
        {
            0x9003: f"{taken:%Y:%m:%d %H:%M:%S}",
            0x9291: f"{taken.microsecond // 10000:02}",
            0x9011: "+02:00",
            0x9204: IFDRational(round(3 * bias), 3),
            0x829A: IFDRational(1, 250),
        }
    )
    image.save(path, quality=92, exif=block)


@pytest.fixture(scope="module")
def original(tmp_path_factory, model):
    """Two bursts of three, an exposure bracket, a photo alone; scored once, for all tests."""
    folder = tmp_path_factory.mktemp("shoot")
    face, cat, cup = (Image.fromarray(make()) for make in (data.astronaut, data.chelsea, data.coffee))
    for n in range(3):
        sharp = face.crop((4 * n, 3 * n, 480 + 4 * n, 480 + 3 * n))
        save(sharp if n != 1 else sharp.filter(ImageFilter.GaussianBlur(1)), folder / f"IMG_{n + 8:04}.JPG", 0.2 * n)
        save(cat.crop((5 * n, 0, 400 + 5 * n, 300)), folder / f"IMG_{n + 20:04}.JPG", 30.1 + 0.3 * n)
    for n, bias in enumerate((0, -2, 2)):
        darker = ImageEnhance.Brightness(cup).enhance(2.0 ** (bias / 2))
        save(darker, folder / f"IMG_{n + 30:04}.JPG", 60 + 0.4 * n, bias=bias)
    save(face.transpose(Image.Transpose.FLIP_LEFT_RIGHT), folder / "IMG_0040.JPG", 100)
    return folder


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture
def place(workplace):
    """The same empty folder for every test, so that the cache, which goes by path, knows the photos."""
    for entry in workplace.iterdir():
        if entry.is_dir() and entry.name != "cache":
            shutil.rmtree(entry)
        elif entry.is_file():
            entry.unlink()
    return workplace


@pytest.fixture
def shoot(original, place):
    """A copy of its own, with RAW mates and a sidecar that someone else wrote."""
    folder = place / "DIR"
    shutil.copytree(original, folder)
    (folder / "IMG_0008.CR2").write_bytes(b"raw file" * 100)
    (folder / "IMG_0008.CR2.xmp").write_text(SIDECAR)
    return folder


@pytest.fixture
def piqa(here, place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setenv("XDG_STATE_HOME", str(place / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    return here


@pytest.fixture
def rank(piqa, model):
    return lambda *arguments: piqa("rank", *arguments, "--model", model)


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def digests(*folders):
    return Counter(hashlib.sha256(data).hexdigest() for folder in folders for data in files(folder).values())


def test_every_command_works_as_written(rank, piqa, shoot, place, model):
    before = files(shoot)
    command = [*PIQA, "rank", "DIR", "--by", "burst", "--per-group", "1", "--model", model]
    table = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE_S)
    assert table.returncode == 0
    assert table.stdout.count(b"\n") == 11
    assert b"2 bursts" in table.stderr
    assert b"1 exposure bracket" in table.stderr

    assert rank("DIR", "--top", "10", "--copy-to", "OUT", "--apply").code == 0
    assert {name: content for name, content in files(shoot).items() if name in before} == before
    copied = files(place / "OUT")
    assert {Path(name).name for name in copied} == set(before)  # the RAW mate and the sidecar, too
    assert Counter(copied.values()) == Counter(before.values())

    moved = rank("DIR", "--reject-below", "100", "--move-to", "OUT2", "--apply", "--journal", "J")
    assert moved.code == 0, moved.err
    rejects = {Path(name).name for name in files(place / "OUT2")}
    assert "IMG_0040.JPG" in rejects
    assert "IMG_0008.CR2" in rejects
    assert not {"IMG_0030.JPG", "IMG_0031.JPG", "IMG_0032.JPG"} & rejects  # the bracket is never rejected
    assert piqa("rank", "--undo", "J").code == 0
    assert files(shoot) == before

    marked = rank("DIR", "--top", "20%", "--write-xmp", "--apply")
    assert marked.code == 0, marked.err
    assert {name: content for name, content in files(shoot).items() if name.endswith(("JPG", "CR2"))} == {
        name: content for name, content in before.items() if name.endswith(("JPG", "CR2"))
    }
    assert len(list(shoot.glob("*.xmp"))) > 1


def test_a_table_is_ranked_as_its_photos_are(rank, piqa, shoot, place, model):
    assert piqa("score", "DIR", "-o", "scores.parquet", "--model", model).code == 0
    assert piqa("rank", "scores.parquet", "-o", "ranked.csv").code == 0
    assert rank("DIR", "-o", "direct.csv").code == 0
    assert (place / "ranked.csv").read_bytes() == (place / "direct.csv").read_bytes()
    with (place / "ranked.csv").open(newline="") as stream:
        groups = {Path(row["path"]).name: row["group"] for row in csv.DictReader(stream)}
    assert groups["IMG_0030.JPG"] == groups["IMG_0031.JPG"] == groups["IMG_0032.JPG"] == "bracket-001"
    assert groups["IMG_0020.JPG"] == groups["IMG_0022.JPG"] != groups["IMG_0008.JPG"]
    assert groups["IMG_0040.JPG"] == ""


def test_list0_feeds_xargs(rank, shoot):
    done = rank("DIR", "--per-group", "1", "--list0", "-q")
    names = done.out.split("\0")
    assert names[-1] == ""
    assert all((shoot.parent / name).is_file() for name in names[:-1])
    assert len(names) - 1 == 1 + 1 + 3 + 1  # two bursts, the bracket whole, the photo alone


def test_killed_in_the_middle_undo_restores(piqa, place):
    folder, out, journal = place / "many", place / "OUT", place / "J"
    folder.mkdir()
    for n in range(60):
        (folder / f"{n:02}.jpg").write_bytes(bytes([n]) * 100_000)
    table = place / "scores.csv"
    table.write_text("path,score,status\n" + "".join(f"{folder}/{n:02}.jpg,{n},ok\n" for n in range(60)))
    before, everything = files(folder), digests(folder)
    options = ["--top", "100%", "--move-to", out, "--apply", "--journal", journal, "-q", "-o", place / "x.csv"]
    process = subprocess.Popen([*PIQA, "rank", str(table), *map(str, options)])
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline and not any(out.rglob("*.jpg")):
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert any(out.rglob("*.jpg"))
    assert not everything - digests(folder, out)  # no byte is lost, whatever the moment
    assert piqa("rank", "--undo", journal).code == 0
    assert files(folder) == before
