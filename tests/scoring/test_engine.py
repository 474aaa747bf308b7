import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from skimage import data

from piqa_cli.errors import EngineError, ModelError, UsageError
from piqa_cli.model.checkpoint import save_model
from piqa_cli.model.config import ScoreMapConfig
from piqa_cli.model.store import find_model
from piqa_cli.records import PhotoFile
from piqa_cli.scoring import devices, halving
from piqa_cli.scoring.complete import to_score
from piqa_cli.scoring.devices import choose_device, share_out
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.prepare import PhotoDataset
from tests.model import tiny

ALONE = EngineOptions(device="cpu", workers=0, batch_size=2)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(tiny.network(tiny.LITE), folder)
    return find_model(str(folder))


@pytest.fixture(scope="module")
def cropping_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny-crops"
    save_model(tiny.network(tiny.CROPPED), folder)
    return find_model(str(folder))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A large face and a smaller one."""
    portrait = Image.fromarray(data.astronaut())
    photo = Image.new("RGB", (1024, 512))
    photo.paste(portrait, (0, 0))
    photo.paste(portrait.resize((400, 400)), (560, 100))
    path = tmp_path_factory.mktemp("photos") / "pair.png"
    photo.save(path)
    return path


def one(path, model, options=ALONE):
    ((score,),) = score_files([PhotoFile(path)], model, options)
    return score


@pytest.mark.parametrize("kind", ["model", "cropping_model"])
def test_every_main_face_is_scored(pair, kind, request):
    score = one(pair, request.getfixturevalue(kind))
    assert score.status == "ok"
    assert len(score.faces) == 2
    assert score.faces[0].box[2] < 512 < score.faces[1].box[0]
    assert 0 <= score.worst_face_score <= score.face_score <= 100


@pytest.mark.parametrize("limit", [70.0, 1.0])
def test_a_poor_face_that_pulls_a_group_down_is_a_reason(pair, tmp_path, limit, monkeypatch):
    """Of one that scores well nothing is said, however dark skin may look to the network."""
    photo = Image.open(pair)
    photo.paste(photo.crop((560, 100, 960, 500)).filter(ImageFilter.GaussianBlur(5)), (560, 100))
    photo.save(tmp_path / "pair.png")
    monkeypatch.setattr("piqa_cli.scoring.complete.WANTS_A_REASON", limit)
    score = one(tmp_path / "pair.png", find_model("piqa-lite"))
    assert 1 < score.worst_face_score < score.score < score.face_score
    assert score.reasons == (("another face: out of focus",) if limit == 70 else ())


def test_each_face_has_its_own_findings(pair, model):
    score = one(pair, model)
    assert min(face.score for face in score.faces) == score.worst_face_score
    assert score.faces[0].score == score.face_score
    assert score.faces[0].defects == score.face_defects
    assert all(len(face.defects.values) == 9 for face in score.faces)
    assert all((face.pose, face.cut) == ("frontal", False) for face in score.faces)
    assert all(abs(face.roll) < 15 for face in score.faces)
    assert score.eyes == "open"
    assert score.eyes_open == min(face.eyes_open for face in score.faces) > 0.8


def test_workers_change_nothing(pair, model):
    here, elsewhere = one(pair, model), one(pair, model, replace(ALONE, workers=1))
    assert [face.box for face in elsewhere.faces] == [face.box for face in here.faces]
    assert told(elsewhere) == pytest.approx(told(here), abs=1e-5)


def test_the_number_of_cores_changes_nothing(tmp_path, pair, monkeypatch):
    """Of the first photo the faces differed, of the second what is measured of its pixels."""
    for number, pixels in enumerate((data.astronaut(), data.retina())):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    photos, shipped = [pair, *sorted(tmp_path.iterdir())], find_model("piqa-lite")

    def scored(cores):
        monkeypatch.setattr(devices, "available_cores", lambda: cores)
        return [score for batch in score_files(map(PhotoFile, photos), shipped, ALONE) for score in batch]

    for here, elsewhere in zip(scored(1), scored(8), strict=True):
        assert [face.box for face in elsewhere.faces] == [face.box for face in here.faces]
        assert told(elsewhere) == pytest.approx(told(here), abs=1e-5)


def told(score):
    """Every number that a network gave, those of the faces last."""
    faces = [value for face in score.faces for value in (face.score, face.eyes_open) if value is not None]
    return [score.raw_score, score.score, *score.photo_defects.values, *faces]


def test_without_a_face_there_is_no_face_score(tmp_path, model):
    Image.fromarray(data.coffee()).save(tmp_path / "coffee.png")
    score = one(tmp_path / "coffee.png", model)
    assert (score.status, score.faces) == ("no_face", ())
    assert score.score is not None
    assert (score.face_score, score.worst_face_score, score.face_defects) == (None, None, None)
    assert "whole photo" in score.reason
    assert (score.eyes, score.eyes_open) == (None, None)


def test_boxes_are_in_pixels_of_the_full_photo(tmp_path, model):
    large = Image.fromarray(data.astronaut()).resize((3000, 3000))
    large.save(tmp_path / "large.jpg")
    score = one(tmp_path / "large.jpg", model)
    box = np.array(score.faces[0].box) / 3000 * 512
    assert np.abs(box - (177, 62, 272, 191)).max() < 25
    assert (score.width, score.height) == (3000, 3000)


def test_a_box_ends_where_the_photo_does(tmp_path):
    """Half of 751 rows is 376 of them, and twice that one more than there are."""
    Image.fromarray(data.astronaut()).crop((50, 0, 276, 170)).resize((1000, 751)).save(tmp_path / "cut.jpg")
    config = replace(tiny.LITE, preprocess=replace(tiny.LITE.preprocess, working_side=500))
    record = PhotoDataset(config, 10_000_000)[PhotoFile(tmp_path / "cut.jpg")].record
    assert [(face.box[2:], face.cut) for face in record.faces] == [((1000.0, 751.0), True)]


def test_batches_keep_the_order_and_a_bad_photo_its_place(tmp_path, model):
    paths = [tmp_path / f"{n}.png" for n in range(5)]
    for n, path in enumerate(paths):
        Image.fromarray(data.astronaut()[:, : 300 + 40 * n]).save(path)
    paths[2].write_bytes(b"")
    batches = list(score_files(map(PhotoFile, paths), model, ALONE))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    scores = [score for batch in batches for score in batch]
    assert [score.path for score in scores] == paths
    assert [score.status == "error" for score in scores] == [False, False, True, False, False]
    assert all(score.model == model.id for score in scores)


def test_a_batch_of_nothing_but_bad_photos(tmp_path, model):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_text("no photo")
    (scores,) = score_files([PhotoFile(tmp_path / n) for n in ("a.jpg", "b.jpg")], model, ALONE)
    assert [score.status for score in scores] == ["error", "error"]


def test_a_stream_is_consumed_as_it_is_scored(pair, model):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield PhotoFile(pair)

    results = score_files(endless(), model, ALONE)
    next(results)
    assert len(taken) <= 2 * ALONE.batch_size
    results.close()


def test_the_score_map_is_monotone_and_bounded():
    wide = ScoreMapConfig(center=-3.0, scale=2.0)
    values = [to_score(raw, wide) for raw in (-1e9, -10.0, -3.0, 0.0, 5.0, 1e9)]
    assert values == sorted(values)
    assert (values[0], values[2], values[-1]) == (pytest.approx(0), 50.0, pytest.approx(100))
    assert to_score(0.0, wide) == pytest.approx(100 / (1 + math.exp(-1.5)))


def test_a_model_that_gives_no_number_is_an_error_row(pair, tmp_path):
    network = tiny.network(tiny.LITE)
    with torch.no_grad():
        network.head[3].bias.fill_(float("nan"))
    save_model(network, tmp_path / "broken")
    score = one(pair, find_model(str(tmp_path / "broken")))
    assert (score.status, score.score) == ("error", None)
    assert "finite" in score.reason


@pytest.mark.parametrize("name", ["warp", "cuda:99", "cpu:x"])
def test_an_unknown_device_is_refused(name):
    with pytest.raises(UsageError, match="cannot be used"):
        choose_device(name)


def test_a_failing_device_is_an_engine_error(pair, model, monkeypatch):
    def fail(*_):
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(halving, "score_batch", fail)
    with pytest.raises(EngineError, match="out of memory"):
        one(pair, model)


def test_a_model_that_needs_liqe_features_is_refused(tmp_path, pair):
    save_model(tiny.network(replace(tiny.CROPPED, auxiliary="liqe")), tmp_path / "liqe")
    with pytest.raises(ModelError, match="LIQE"):
        one(pair, find_model(str(tmp_path / "liqe")))


@pytest.mark.parametrize(
    ("cores", "asked", "threads", "workers"),
    [(1, None, 1, 1), (2, None, 1, 2), (8, None, 4, 5), (64, None, 32, 16), (8, 3, 4, 3), (8, 0, 8, 0)],
)
def test_cores_are_shared_between_network_and_workers(cores, asked, threads, workers, monkeypatch):
    monkeypatch.setattr(devices, "available_cores", lambda: cores)
    given = []
    monkeypatch.setattr(devices.torch, "set_num_threads", given.append)
    assert share_out(EngineOptions(workers=asked), torch.device("cpu"), heavy=False) == workers
    assert given == [threads]
