"""`piqa explain --heatmap`: the file, what it may replace, and the numbers beside it."""

from __future__ import annotations

import io
import json
import os

import numpy as np
import pytest
from PIL import Image
from skimage import data

from piqa_cli.model.checkpoint import save_model
from piqa_cli.outputs import tabular
from piqa_cli.scoring import heatmap, scorer
from tests.model import tiny
from tests.scoring.test_engine_liqe import CONFIG, TinyLiqe

BOX = "177,62,272,191"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    save_model(tiny.network(tiny.LITE), folder / "lite")
    save_model(tiny.network(CONFIG), folder / "liqe")
    return folder


@pytest.fixture(scope="module")
def pixels():
    buffer = io.BytesIO()
    Image.fromarray(data.astronaut()).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def portrait(tmp_path, pixels):
    path = tmp_path / "portrait.png"
    path.write_bytes(pixels)
    return path


@pytest.fixture(autouse=True)
def _few_patches(monkeypatch, request):
    """A coarser grid than people get, to save time, but where the map itself is looked at."""
    if request.node.originalname not in ("test_the_map_is_a_picture_and_numbers", "test_the_picture_is_upright"):
        monkeypatch.setattr(heatmap, "ALONG", 4)


@pytest.fixture
def explain(piqa, folder, portrait, monkeypatch):
    monkeypatch.setattr(scorer, "load_liqe", lambda folder: TinyLiqe())
    return lambda *args, model="lite", photo=portrait: piqa(
        "explain", photo, "--model", model, "--models-dir", folder, "--device", "cpu", "--face-box", BOX, *args
    )


@pytest.mark.parametrize("model", ["lite", "liqe"])
def test_the_map_is_a_picture_and_numbers(explain, portrait, tmp_path, model) -> None:
    before = portrait.read_bytes()
    result = explain("--heatmap", tmp_path / "map.png", "--json", model=model)
    assert (result.code, result.err) == (0, "")
    with Image.open(tmp_path / "map.png") as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        assert picture.width == 1000
    found = json.loads(result.out)["map"]
    assert (found["columns"], found["rows"], len(found["patches"])) == (8, 8, 64)
    for patch in found["patches"]:
        assert 0 <= patch["score"] <= 100
        assert 0 <= patch["structure"] <= 1
        assert (patch["defects"] is None) == (model == "liqe")
    assert portrait.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.png", "portrait.png"]


def test_a_person_reads_where_it_is_weakest(explain, tmp_path) -> None:
    lines = explain("--heatmap", tmp_path / "map.png").out.splitlines()
    (weakest,) = [line for line in lines if line.startswith(" map ")]
    assert "weakest part" in weakest
    best = lines[lines.index(weakest) + 1]
    assert "best part" in best
    low, high = (float(line.split("part")[1].split()[0]) for line in (weakest, best))
    alone = float(next(line for line in lines if " alone " in line).split(" alone ")[0].split()[-1])
    assert low <= alone <= high


def test_a_photo_of_one_part_is_said_once(piqa, folder, tmp_path) -> None:
    photo = tmp_path / "small.png"
    Image.fromarray(np.array([[0, 255], [255, 0]], dtype=np.uint8)).save(photo)
    model = ("--model", "lite", "--models-dir", folder, "--device", "cpu")
    result = piqa("explain", photo, *model, "--heatmap", tmp_path / "map.png")
    assert result.code == 0, result.err
    assert "best part" not in result.out
    assert "only part" in result.out


def test_without_it_there_is_no_map(explain) -> None:
    assert json.loads(explain("--json").out)["map"] is None
    assert " map " not in explain().out


def test_the_picture_is_upright(explain, tmp_path) -> None:
    """A photo taken with the camera on its side: the left half of what is seen is black and white, the right grey."""
    seen = np.full((300, 200, 3), 128, dtype=np.uint8)
    seen[:, :100] = np.random.default_rng(0).integers(0, 2, (300, 100, 1)) * 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(seen).copy()).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    explain("--heatmap", tmp_path / "map.png", "--face-box", "10,10,90,90", photo=tmp_path / "turned.jpg")
    with Image.open(tmp_path / "map.png") as picture:
        pixels = np.asarray(picture, dtype=float)
    shown = pixels[:1000, (pixels.shape[1] - 667) // 2 :][:, :667]  # 200 x 300 enlarged to a height of 1000
    assert shown[600:900, 20:300].std() > 30
    assert shown[600:900, 400:650].std() < 15


def test_an_earlier_map_is_replaced(explain, tmp_path) -> None:
    target = tmp_path / "map.png"
    target.touch()  # as made by mktemp
    assert explain("--heatmap", target).code == 0
    target.chmod(0o640)
    first = target.read_bytes()
    assert explain("--heatmap", target, "--face-box", "10,10,100,100").code == 0
    assert target.read_bytes() != first
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("link", ["portrait.png", "symbolic.png", "hard.png"])
def test_the_photo_itself_is_never_replaced(explain, portrait, tmp_path, link) -> None:
    if link == "symbolic.png":
        (tmp_path / link).symlink_to(portrait)
    if link == "hard.png":
        os.link(portrait, tmp_path / link)
    before = portrait.read_bytes()
    result = explain("--heatmap", tmp_path / link)
    assert (result.code, result.out) == (2, "")
    assert "it is the photo itself" in result.err
    assert portrait.read_bytes() == before


def test_a_map_can_be_explained_but_not_over_itself(explain, tmp_path) -> None:
    target = tmp_path / "map.png"
    assert explain("--heatmap", target).code == 0
    assert "it is the photo itself" in explain("--heatmap", target, photo=target).err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("other.png", "the file is there and no heat map"),
        ("notes.png", "the file is there and no heat map"),
        ("map.jpg", "a heat map is a PNG"),
        ("map", "a heat map is a PNG"),
        ("nowhere/map.png", "no folder"),
        ("folder.png", "it is no plain file"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(explain, tmp_path, monkeypatch, name, message) -> None:
    from piqa_cli.scoring import explain as work

    Image.fromarray(data.coffee()).save(tmp_path / "other.png")
    (tmp_path / "notes.png").write_text("mine")
    (tmp_path / "folder.png").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    monkeypatch.setattr(work, "decode", lambda *_, **__: pytest.fail("it began to work"))
    result = explain("--heatmap", tmp_path / name)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"piqa: error: cannot write {tmp_path / name}: {message}")
    assert len(result.err.splitlines()) == 2
    assert "--format" not in result.err  # explain has none
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_a_full_disk_leaves_the_earlier_map(explain, tmp_path, monkeypatch) -> None:
    target = tmp_path / "map.png"
    explain("--heatmap", target)
    before = target.read_bytes()

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tabular.os, "fsync", fail)
    result = explain("--heatmap", target)
    assert (result.code, result.out) == (2, "")
    assert "No space left on device" in result.err
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.png", "portrait.png"]


def test_a_photo_that_cannot_be_read_leaves_nothing(explain, tmp_path) -> None:
    result = explain("--heatmap", tmp_path / "map.png", photo=tmp_path / "gone.jpg")
    assert result.code == 2
    assert "no such file" in result.err
    assert not (tmp_path / "map.png").exists()
