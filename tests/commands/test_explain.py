from __future__ import annotations

import json
from dataclasses import replace

import pytest
from PIL import Image
from skimage import data

from piqa_cli.commands import explain_view
from piqa_cli.model.checkpoint import save_model
from piqa_cli.scoring import scorer
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
def portrait(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "portrait.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


@pytest.fixture
def explain(piqa, folder, portrait, monkeypatch):
    monkeypatch.setattr(scorer, "load_liqe", lambda folder: TinyLiqe())
    return lambda model, *args, photo=portrait: piqa(
        "explain", photo, "--model", model, "--models-dir", folder, "--device", "cpu", *args
    )


def test_json_has_the_outputs_of_every_crop(explain) -> None:
    result = explain("liqe", "--json", "--face-box", BOX)
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.out)
    assert [crop["place"] for crop in found["crops"]] == [
        "top left", "top right", "bottom left", "bottom right", "centre",
    ]  # fmt: skip
    assert sum(crop["raw_score"] for crop in found["crops"]) / 5 == pytest.approx(found["raw_score"], abs=1e-5)
    assert found["face_given"] is True
    assert found["faces"][0]["box"] == [177.0, 62.0, 272.0, 191.0]
    assert (found["faces"][0]["confidence"], found["faces"][0]["eye_line"]) == (None, None)
    assert set(found["branches"]) == {"together", "face_branch_reads_whole_photo", "full_branch_reads_face"}
    assert set(found["liqe"]) == {"quality", "scene", "distortion", "mean_quality"}


def test_json_has_the_defects_of_photo_and_face(explain) -> None:
    found = json.loads(explain("lite", "--json", "--face-box", BOX).out)
    assert len(found["photo_defects"]) == len(found["faces"][0]["defects"]) == 9
    assert found["liqe"] is None
    assert [crop["place"] for crop in found["crops"]] == ["whole photo"]


def test_one_crop(explain) -> None:
    found = json.loads(explain("liqe", "--json", "--face-box", BOX, "--crops", 1).out)
    assert [crop["place"] for crop in found["crops"]] == ["centre"]
    assert found["model"].endswith("-1-crop")


@pytest.mark.parametrize(
    ("model", "headings"),
    [
        ("lite", ["score", "reasons", "faces", "branches", "photo", "face"]),
        ("liqe", ["score", "crops", "faces", "branches", "LIQE"]),
    ],
)
def test_a_person_reads_one_topic_after_the_other(explain, model, headings) -> None:
    result = explain(model)
    assert (result.code, result.err) == (0, "")
    first, *rest = result.out.splitlines()
    assert first.endswith("portrait.png")
    assert [line[1:11].strip() for line in rest if line[1:11].strip()] == headings
    assert "when it reads the whole photo instead of the face" in result.out


def test_a_photo_without_a_face(explain, tmp_path) -> None:
    Image.fromarray(data.coffee()).save(tmp_path / "coffee.png")
    text = explain("lite", photo=tmp_path / "coffee.png").out
    assert "no face found: the whole photo was judged in its place" in text
    assert "both read the whole photo" in text
    found = json.loads(explain("lite", "--json", photo=tmp_path / "coffee.png").out)
    assert (found["status"], found["faces"], found["branches"]) == ("no_face", [], None)


@pytest.mark.parametrize(
    "box",
    ["1,2,3", "1,2,3,4,5", "a,b,c,d", "", "10,10,5,20", "10,10,20,10", "nan,0,5,5", "0,0,inf,5", "900,900,950,950"],
)
def test_a_bad_face_box_is_wrong_usage(explain, box) -> None:
    result = explain("lite", "--face-box", box)
    assert (result.code, result.out) == (2, "")
    assert "face box" in result.err
    assert len(result.err.splitlines()) == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--crops", "1"], "lite reads whole photos and has no crops to choose from"),
        (["--crops", "3"], "3 is neither 1 nor 5"),
        (["--device", "cuda:99"], "cannot be used"),
        (["--max-megapixels", "0.1"], "megapixels, over the limit of 0.1"),
    ],
)
def test_other_wrong_usage(explain, args, message) -> None:
    result = explain("lite", *args)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_a_folder_is_for_score(explain, tmp_path) -> None:
    result = explain("lite", photo=tmp_path)
    assert (result.code, result.out) == (2, "")
    assert f"piqa: error: {tmp_path} is a folder\nhint: explain takes one photo" in result.err


def test_a_photo_that_cannot_be_read_is_named(explain, tmp_path) -> None:
    result = explain("lite", photo=tmp_path / "gone.jpg")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"piqa: error: {tmp_path / 'gone.jpg'}: no such file")


def test_what_is_no_photo_has_a_hint_that_explain_can_follow(explain, tmp_path) -> None:
    (tmp_path / "text.jpg").write_text("hello")
    result = explain("lite", photo=tmp_path / "text.jpg")
    assert "not a supported image" in result.err and "--exclude" not in result.err


def test_people_in_the_background_are_counted(explain, portrait, folder) -> None:
    from piqa_cli.model.store import find_model
    from piqa_cli.scoring.explain import explain_photo
    from piqa_cli.scoring.options import EngineOptions

    found = explain_photo(
        portrait, find_model("lite", folder), EngineOptions(device="cpu"), (177.0, 62.0, 272.0, 191.0)
    )
    face = found.photo.faces[0]
    small = replace(face, box=(0.0, 0.0, 40.0, 50.0))
    for others, words in (
        ((small,) * 5, "and 5 smaller, in the background or at the edge"),
        ((face,) * 3 + (small,), "and 4 more: only the first 1 are judged one by one"),
    ):
        crowd = replace(found, photo=replace(found.photo, faces=(face, *others)))
        text = "\n".join("".join(part for part, _ in line) for line in explain_view.lines(crowd, draw=False))
        assert words in text


def test_the_worst_face_of_a_group_pulls_the_score(explain, portrait, folder, tmp_path) -> None:
    """Two faces, one of them blurred: what the network says of the photo, and what the group costs."""
    from piqa_cli.model.store import find_model
    from piqa_cli.scoring.explain import explain_photo
    from piqa_cli.scoring.options import EngineOptions

    left = Image.fromarray(data.astronaut()).crop((100, 0, 400, 300))
    group = Image.new("RGB", (600, 300))
    group.paste(left, (0, 0))
    group.paste(left.resize((60, 60)).resize((300, 300)), (300, 0))
    group.save(tmp_path / "group.png")
    found = explain_photo(tmp_path / "group.png", find_model("lite", folder), EngineOptions(device="cpu"))
    text = "\n".join("".join(part for part, _ in line) for line in explain_view.lines(found, draw=False))
    raws = [face.mark.raw_score for face in found.faces]
    assert len(raws) == 2
    behind = raws[0] - min(raws)
    assert found.branches.together.raw_score - found.photo.raw_score == pytest.approx(behind / 2, abs=1e-5)
    assert ("worst face" in text) == (behind > 0)


@pytest.mark.parametrize(
    ("roll", "eyes_open", "words"),
    [
        (-7.4, 0.123, "tilted 7 degrees anticlockwise, eyes closed (0.12)"),
        (0.6, 0.5, "tilted 1 degree clockwise, eyes open (0.50)"),
        (-0.4, 0.984, "upright, eyes open (0.98)"),
    ],
)
def test_what_is_known_of_a_face_is_said(explain, portrait, folder, roll, eyes_open, words) -> None:
    from piqa_cli.model.store import find_model
    from piqa_cli.scoring.explain import explain_photo
    from piqa_cli.scoring.options import EngineOptions

    found = explain_photo(portrait, find_model("lite", folder), EngineOptions(device="cpu"), (0.0, 0.0, 256.0, 128.0))
    (face,) = found.faces
    known = replace(face.face, pose="frontal", roll=roll, eyes_open=eyes_open)
    text = "\n".join(
        "".join(part for part, _ in line)
        for line in explain_view.lines(replace(found, faces=(replace(face, face=known),)), draw=False)
    )
    assert f"12.5 % of the photo, cut by the border, frontal, {words}" in text
