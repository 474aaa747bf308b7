from dataclasses import replace

import pytest
import torch
from PIL import Image
from skimage import data

from piqa_cli.errors import EngineError, ModelError, NotAPhoto, UsageError
from piqa_cli.model.checkpoint import save_model
from piqa_cli.model.config import load_config
from piqa_cli.model.prompts import DISTORTIONS, QUALITIES, SCENES
from piqa_cli.model.store import find_model
from piqa_cli.records import Face, PhotoFile
from piqa_cli.scoring import explain, scorer
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.explain import CROP_PLACES, MOST_FACES_HEAVY, explain_photo
from piqa_cli.scoring.liqe_words import verdict
from piqa_cli.scoring.options import EngineOptions
from tests.model import tiny
from tests.scoring.test_engine_liqe import CONFIG, TinyLiqe

ALONE = EngineOptions(device="cpu", workers=0, batch_size=1)
BOX = (177.0, 62.0, 272.0, 191.0)
CROPPED = replace(CONFIG, auxiliary="none")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, config in {"lite": tiny.LITE, "crops": CROPPED, "liqe": CONFIG}.items():
        save_model(tiny.network(config), folder / name, half=False)
    return folder


@pytest.fixture
def model(folder, request, monkeypatch):
    monkeypatch.setattr(scorer, "load_liqe", lambda folder: TinyLiqe())
    return find_model(request.param, folder)


every_model = pytest.mark.parametrize("model", ["lite", "crops", "liqe"], indirect=True)
liqe_model = pytest.mark.parametrize("model", ["liqe"], indirect=True)
lite_model = pytest.mark.parametrize("model", ["lite"], indirect=True)


@pytest.fixture(scope="module")
def portrait(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "portrait.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


@pytest.fixture(scope="module")
def coffee(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "coffee.png"
    Image.fromarray(data.coffee()).save(path)
    return path


def scored(path, model, options=ALONE):
    ((score,),) = score_files([PhotoFile(path)], model, options)
    return score


@every_model
def test_it_explains_the_score_that_a_run_gives(portrait, model):
    run, found = scored(portrait, model), explain_photo(portrait, model, ALONE)
    assert found.photo.raw_score == pytest.approx(run.raw_score, abs=1e-5)
    assert [face.box for face in found.photo.faces] == [face.box for face in run.faces]
    assert found.photo.faces[0].eyes_open == pytest.approx(run.faces[0].eyes_open, abs=1e-4)
    assert (found.photo.status, found.photo.eyes) == ("ok", run.eyes)
    if run.face_score is not None:
        assert found.faces[0].mark.score == pytest.approx(run.face_score, abs=1e-3)
    crops = [mark.raw_score for mark in found.crops.values()]
    assert sum(crops) / len(crops) == pytest.approx(found.photo.raw_score, abs=1e-5)
    assert found.photo.face_score == found.faces[0].mark.score


@liqe_model
def test_crops_are_named_by_their_place(portrait, model):
    five = explain_photo(portrait, model, ALONE).crops
    one = explain_photo(portrait, model, replace(ALONE, crops=1)).crops
    assert (tuple(five), tuple(one)) == (CROP_PLACES, ("centre",))
    assert one["centre"].raw_score == pytest.approx(five["centre"].raw_score, abs=1e-5)


@every_model
def test_a_given_face_takes_the_place_of_the_found_ones(portrait, coffee, model):
    found = explain_photo(portrait, model, ALONE, BOX)
    assert [face.box for face in found.faces] == [BOX]
    assert found.face_given
    assert found.photo.raw_score != pytest.approx(explain_photo(portrait, model, ALONE).photo.raw_score, abs=1e-7)
    assert explain_photo(coffee, model, ALONE, (10.0, 20.0, 90.0, 99.0)).photo.status == "ok"


@every_model
def test_the_face_branch_without_the_face_is_a_photo_without_a_face(portrait, model, monkeypatch):
    marks = explain_photo(portrait, model, ALONE, BOX).branches
    monkeypatch.setattr(explain, "_faces", lambda decoded, box: ())
    faceless = explain_photo(portrait, model, ALONE)
    assert marks.without_face.raw_score == pytest.approx(faceless.photo.raw_score, abs=1e-5)
    assert marks.without_photo.raw_score != pytest.approx(marks.without_face.raw_score, abs=1e-6)


@pytest.mark.parametrize("model", ["crops"], indirect=True)
def test_the_full_branch_with_the_face_is_the_face_as_a_photo(portrait, model, tmp_path):
    """Without LIQE the face alone is what both branches say of its crop."""
    found = explain_photo(portrait, model, ALONE, BOX)
    assert found.branches.without_photo.raw_score == pytest.approx(found.faces[0].mark.raw_score, abs=1e-5)
    Image.open(portrait).crop((157, 42, 292, 211)).save(tmp_path / "face.png")
    whole = explain_photo(tmp_path / "face.png", model, ALONE, (20.0, 20.0, 115.0, 149.0))
    assert whole.branches.without_face.raw_score == pytest.approx(found.faces[0].mark.raw_score, abs=1e-5)


@every_model
def test_nothing_is_read_twice(portrait, model, monkeypatch):
    read, features = [], scorer.Scorer.features

    def watching(self, views):
        read.extend((cut, crop.numpy().tobytes()) for cut, pixels in views.items() for crop in pixels.flatten(0, 1))
        return features(self, views)

    monkeypatch.setattr(scorer.Scorer, "features", watching)
    assert explain_photo(portrait, model, ALONE, BOX).branches
    assert len(read) == len(set(read))
    if model.path.name != "lite":
        assert len(read) == 20  # five crops each: both branches read the photo and the face


@every_model
def test_a_photo_without_a_face(coffee, model):
    found = explain_photo(coffee, model, ALONE)
    assert (found.photo.status, found.faces, found.branches) == ("no_face", (), None)
    assert found.photo.face_score is None


@every_model
def test_a_heavy_model_leaves_out_only_faces_that_move_no_score(portrait, model, monkeypatch):
    faces = [Face((60.0 * i, 50.0, 60.0 * i + 55, 110.0), 0.99) for i in range(6)]
    monkeypatch.setattr(explain, "_faces", lambda decoded, box: tuple(faces))
    first = explain_photo(portrait, model, ALONE)
    worst = min(range(6), key=lambda i: first.faces[i].mark.raw_score)
    faces.append(faces.pop(worst))
    light = explain_photo(portrait, model, ALONE)
    monkeypatch.setattr(scorer, "HEAVY_WEIGHTS", 0)
    heavy = explain_photo(portrait, model, ALONE)
    assert heavy.photo.raw_score == pytest.approx(light.photo.raw_score, abs=1e-6)
    assert len(heavy.faces) == (6 if load_config(model.path).face_head else MOST_FACES_HEAVY)


@liqe_model
def test_liqe_speaks_in_words(portrait, model):
    found = explain_photo(portrait, model, ALONE, BOX)
    assert found.liqe.quality.word in QUALITIES
    assert 1 <= found.liqe.mean_quality <= 5
    assert found.photo.photo_defects is None


@pytest.mark.parametrize(("quality", "scene", "distortion"), [("bad", "night", "noise"), ("perfect", "animal", "blur")])
def test_the_verdict_is_the_most_probable_word_of_each_kind(quality, scene, distortion):
    logits = torch.zeros(len(QUALITIES), len(SCENES), len(DISTORTIONS))
    logits[QUALITIES.index(quality), SCENES.index(scene), DISTORTIONS.index(distortion)] = 20.0
    found = verdict(logits.flatten())
    assert (found.quality.word, found.scene.word, found.distortion.word) == (quality, scene, distortion)
    assert found.quality.probability == pytest.approx(1, abs=1e-3)
    assert found.mean_quality == pytest.approx(QUALITIES.index(quality) + 1, abs=1e-2)


def test_a_verdict_without_a_clue_is_even():
    found = verdict(torch.zeros(495))
    assert (found.quality.probability, found.scene.probability) == (pytest.approx(1 / 5), pytest.approx(1 / 9))
    assert found.mean_quality == pytest.approx(3)


@lite_model
@pytest.mark.parametrize("box", [(10.0, 10.0, 10.0, 20.0), (10.0, 30.0, 20.0, 20.0), (600.0, 0.0, 700.0, 50.0)])
def test_a_box_that_is_none_is_refused(portrait, model, box):
    with pytest.raises(UsageError, match="face box"):
        explain_photo(portrait, model, ALONE, box)


@lite_model
def test_a_box_over_the_border_is_clamped(portrait, model):
    (face,) = explain_photo(portrait, model, ALONE, (400.0, -30.0, 600.0, 100.0)).faces
    assert face.box == (400.0, 0.0, 512.0, 100.0)


@lite_model
def test_what_cannot_be_read_is_an_error(model, tmp_path):
    (tmp_path / "a.jpg").write_text("no photo")
    with pytest.raises(NotAPhoto):
        explain_photo(tmp_path / "a.jpg", model, ALONE)


def test_a_model_that_gives_no_number_is_an_error(portrait, tmp_path):
    network = tiny.network(tiny.LITE)
    with torch.no_grad():
        network.head[3].bias.fill_(float("nan"))
    save_model(network, tmp_path / "broken")
    with pytest.raises(ModelError, match="finite"):
        explain_photo(portrait, find_model(str(tmp_path / "broken")), ALONE)


@lite_model
@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory"), MemoryError()], ids=["gpu", "python"])
def test_a_failing_device_is_an_engine_error(portrait, model, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(explain, "_explain", fail)
    with pytest.raises(EngineError, match="out of memory"):
        explain_photo(portrait, model, ALONE)
