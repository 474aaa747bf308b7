"""The ranking benchmark: its figures on made scores, its scenes, and the whole command on a real photo."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps
from skimage import data

from benchmarks import ranking, ranking_ladders, ranking_peers, ranking_stability
from benchmarks.ranking_opinions import judge_opinions
from benchmarks.ranking_photos import Photo, gather, spread
from benchmarks.ranking_portraits import judge_portraits
from benchmarks.ranking_scoring import Measured, Version, measure
from benchmarks.ranking_stability import judge_stability, render_stability
from benchmarks.ranking_table import number, percent
from benchmarks.ranking_undegraded import judge_undegraded, show_undegraded
from benchmarks.recipes import FAMILIES, LEVELS, LISTED, SETS
from piqa_cli.errors import UsageError
from piqa_cli.model.store import find_model
from piqa_cli.records import PhotoScore
from piqa_cli.scoring.options import EngineOptions
from piqa_training.sources import Source, split_of


def made(version, score, reasons=(), **peers):
    return Measured(version, PhotoScore(Path("x.png"), "ok", score=score, reasons=reasons), peers)


def ladder(family, levels, photo="a", **peers):
    """One photo's scores from level 0 on."""
    return [
        made(Version("ladder", photo, family if level else "undegraded", level), score, **peers)
        for level, score in enumerate(levels)
    ]


def score_of(measured):
    return measured.score


@pytest.mark.parametrize(
    ("scores", "pairs", "apart"),
    [
        pytest.param([90, 80, 70, 60, 50, 40], 1.0, 1.0, id="in order"),
        pytest.param([40, 50, 60, 70, 80, 90], 0.0, 0.0, id="reversed"),
        pytest.param([50] * 6, 0.5, 0.5, id="ties are half right"),
        pytest.param([90, 91, 70, 60, 50, 40], 14 / 15, 1.0, id="neighbours exchanged"),
    ],
)
def test_right_order(scores, pairs, apart):
    own = ladder("noise", scores)
    assert ranking_ladders.right_order(own, score_of, 1) == pytest.approx(pairs)
    assert ranking_ladders.right_order(own, score_of, 2) == pytest.approx(apart)


def test_only_pairs_of_one_photo_count():
    both = ladder("noise", [90, 80, 70, 60, 50, 40], "a") + ladder("noise", [9, 8, 7, 6, 5, 4], "b")
    assert ranking_ladders.right_order(both, score_of, 1) == 1.0
    assert 0.3 < ranking_ladders.correlation(both, score_of) < 0.7


def test_correlation_without_the_undegraded():
    own = ladder("noise", [10, 80, 70, 60, 50, 40])
    assert ranking_ladders.correlation(own, score_of, lowest=1) == pytest.approx(1.0)
    assert ranking_ladders.correlation(own, score_of) < 0.5
    assert ranking_ladders.correlation(ladder("noise", [50] * 6), score_of) == 0.0


def full_ladders(score, reason="photo: noise"):
    found = [made(Version("ladder", p, "undegraded"), 85.0) for p in "ab"]
    for family in FAMILIES:
        for level in range(1, LEVELS + 1):
            found += [made(Version("ladder", p, family, level), score(level), (reason,)) for p in "ab"]
    return found


def test_the_table_marks_what_misses_and_names_the_right_family():
    good = ranking_ladders.judge_ladders(full_ladders(lambda level: 85 - 16 * level))
    assert good["families"]["noise"]["named_first_at_level_3"] == 1.0
    assert good["families"]["jpeg"]["named_first_at_level_3"] == 0.0
    assert good["families"]["posterisation"]["named_first_at_level_3"] is None
    assert good["originals"]["without_reason"] == 1.0
    assert good["originals"]["median_drop_at_level_2"] == pytest.approx(32)
    lines = ranking_ladders.show_ladders(good).splitlines()
    assert "*" not in next(line for line in lines if line.startswith("noise"))
    assert "0.0%*" in next(line for line in lines if line.startswith("jpeg"))
    bad = ranking_ladders.show_ladders(ranking_ladders.judge_ladders(full_ladders(lambda level: 85 + level)))
    assert "0.0%*" in next(line for line in bad.splitlines() if line.startswith("noise"))


@pytest.mark.parametrize(
    ("reasons", "first"),
    [
        ((), None),
        (("face: eyes closed", "face: motion blur", "photo: noise"), "motion_blur"),
        (("photo: low contrast or haze",), "low_contrast"),
    ],
)
def test_the_first_reason_is_the_first_defect(reasons, first):
    assert made(Version("ladder", "a", "noise"), 1.0, reasons).first_reason == first


def test_marks():
    assert (percent(0.96, 0.97), percent(0.97, 0.97), percent(None)) == ("96.0%*", "97.0% ", "-")
    assert (number(3.1, 1, most=3), number(85, 0, least=80, most=90), number(None, 1)) == ("3.1*", "85 ", "-")


def test_portrait_figures():
    regions = [
        made(Version("portraits", photo, "noise", 3, place=place), score)
        for photo, face, background in (("a", 40.0, 80.0), ("b", 60.0, 50.0))
        for place, score in (("face", face), ("background", background))
    ]
    depth = [made(Version("depth", "s", case), s) for case, s in (("all sharp", 80.0), ("shallow", 78.0))]
    group = [made(Version("group", "g", case), s) for case, s in (("all sharp", 80.0), ("one face", 50.0))]
    missed = [made(Version("focus missed", "s", case), s) for case, s in (("person", 70.0), ("everything", 50.0))]
    found = judge_portraits(regions + depth + group + missed)
    assert [found["focus_missed"][case]["median_loss"] for case in ("person", "everything")] == [10.0, 30.0]
    assert found["regions"]["portraits: noise"] == {
        "photos": 2,
        "face_lower": 0.5,
        "median_face": 50.0,
        "median_background": 65.0,
    }
    assert found["depth"]["shallow"]["median_loss"] == 2.0
    assert found["depth"]["shallow"]["within_3_points"] == 1.0
    assert found["group"]["one face"]["median_loss"] == 30.0
    assert found["group"]["bystander"]["photos"] == 0


def test_stability_figures():
    cases = {
        "as it is": 80,
        "JPEG 95": 79,
        "mirrored": 82,
        "EXIF rotation": 79,
        "24 megapixels": 70,
        "6 megapixels": 73,
    }
    looks = {"greyscale": 80, "sepia": 78, "small crop": 60}
    found = judge_stability([made(Version("stability", "a", c), s) for c, s in {**cases, **looks}.items()])
    assert found["EXIF rotation"]["mean_absolute"] == 0
    assert found["24 to 6 megapixels"]["mean"] == 3
    assert found["small crop"]["largest"] == 20


def test_stability_files_show_the_same_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(ranking_stability, "LARGE", 2.4e6)  # as 24 megapixels would be, ten times faster
    files = {}
    for one in render_stability([Photo("astronaut", "portrait")]):
        path = tmp_path / f"{one.version.case}{one.suffix}"
        one.image.save(path, **one.options)
        with Image.open(path) as opened:
            files[one.version.case] = ImageOps.exif_transpose(opened).convert("RGB")
    original = data.astronaut().astype(int)
    assert np.array_equal(np.asarray(files["as it is"]), original)
    assert np.abs(np.asarray(files["EXIF rotation"]) - original).mean() < 3
    assert np.array_equal(np.asarray(files["mirrored"])[:, ::-1], original)
    assert files["24 megapixels"].width * files["24 megapixels"].height == pytest.approx(2.4e6, rel=0.01)
    assert files["6 megapixels"].width * files["6 megapixels"].height == pytest.approx(0.6e6, rel=0.01)


def test_photos_without_data():
    photos = gather(None, 3).photos
    assert [photo.name for photo in photos] == ["astronaut", "coffee", "chelsea"]
    assert all(photo.load().dtype == np.uint8 for photo in photos)
    assert photos[0].seed == Photo("astronaut", "scene").seed != photos[1].seed


def test_photos_of_a_data_folder_are_the_held_out_ones(tmp_path):
    (tmp_path / "photos").mkdir()
    names = [f"neutral_{n:03}.jpg" for n in range(40)]
    for name in names:
        Image.fromarray(data.astronaut()).resize((64, 64)).save(tmp_path / "photos" / name)
    material = gather(tmp_path, 4)
    held_out = {Path(name).stem for name in names if split_of(name.removeprefix("neutral_")) == "val"}
    assert len(material.photos) == 4
    assert {photo.name for photo in material.people} == held_out
    assert {photo.name for photo in material.photos} < held_out
    with pytest.raises(UsageError):
        gather(tmp_path / "photos", 4)


def test_spread_takes_from_everywhere():
    photos = [Photo(str(n), "scene") for n in range(10)]
    assert [photo.name for photo in spread(photos, 3)] == ["1", "5", "8"]
    assert len(spread(photos, 20)) == 10


def test_peers_verdict():
    scores = [90.0, 80, 70, 60, 50, 40]
    found = [made(Version("ladder", "a", "undegraded"), scores[0], good=9.0, blind=1.0)]
    for family in FAMILIES:
        for level in range(1, 6):
            score = scores[level] if family != "noise" else 95.0
            found.append(made(Version("ladder", "a", family, level), score, good=9.0 - level, blind=1.0))
    judged = ranking_peers.judge_peers(found)
    assert judged["verdict"]["more_than_one_point_behind"] == {"noise": {"best": "good", "by": pytest.approx(2 / 3)}}
    assert not judged["verdict"]["ahead_over_all"]
    assert judged["mean"]["blind"]["pairs"] == 0.5
    assert "noise (good by 66.7%)" in ranking_peers.show_peers(judged)


def test_missing_peers_are_named(monkeypatch):
    for package in ("brisque", "cleanvision", "iqa"):
        monkeypatch.setitem(__import__("sys").modules, package, None)
    peers, missing = ranking_peers.available_peers()
    assert len(peers) == 1
    assert [line.split("pip install ")[-1] for line in missing] == ["brisque", "cleanvision", "iqa-torch"]


def test_the_laplacian_knows_blur(tmp_path):
    image = Image.fromarray(data.camera())
    image.save(tmp_path / "sharp.png")
    image.filter(ImageFilter.GaussianBlur(2)).save(tmp_path / "soft.png")
    sharp, soft = ranking_peers.LaplacianVariance().measure([tmp_path / "sharp.png", tmp_path / "soft.png"])
    assert sharp["Laplacian"] > soft["Laplacian"]


def test_opinions_by_the_names_of_files(tmp_path):
    rated = []
    for index, part in enumerate((data.astronaut(), data.coffee(), data.chelsea())):
        path = tmp_path / f"{index}.jpg"
        Image.fromarray(part).resize((200, 200)).save(path)
        rated.append(Source(path, "biq2021", "val", pristine=True, opinion=index / 2))
    found = judge_opinions(rated, find_model(), EngineOptions(workers=0))
    assert found["all"]["photos"] == 3
    assert -1 <= found["all"]["srcc"] <= 1
    assert found["with_a_face"]["photos"] <= 3


def test_good_photos_that_get_a_reason_are_counted(tmp_path):
    astronaut = Image.fromarray(data.astronaut())
    noisy = np.asarray(astronaut) + np.random.default_rng(0).normal(0, 60, (512, 512, 3))
    pictures = (astronaut, Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)), Image.fromarray(data.chelsea()))
    sources = [Source(tmp_path / f"{index}.png", "photos", "val", pristine=True) for index in range(len(pictures))]
    for source, picture in zip(sources, pictures, strict=True):
        picture.save(source.path)
    found = judge_undegraded(sources, find_model(), EngineOptions(workers=0))
    assert [own["photos"] for own in found.values()] == [2, 0, 0, 2, 1]
    assert found["with a face"]["without_reason"] == 0.5
    assert "50.0%*" in show_undegraded(found)


def test_files_are_deleted_when_they_are_scored(tmp_path):
    rendered = ranking_ladders.render_ladders([Photo("astronaut", "portrait")])
    few = [next(rendered) for _ in range(2)]
    measured = list(measure(iter(few), tmp_path, find_model(), options=EngineOptions(workers=0)))
    assert [m.version.level for m in measured] == [0, 1]
    assert measured[0].score > 0
    assert not list(tmp_path.iterdir())


def test_ladders_of_the_listed_set_are_judged_by_their_own_families():
    photos = [Photo("astronaut", "portrait")]
    rendered = ranking_ladders.render_ladders(photos, ["darkened", "white noise"])
    versions = [one.version for one in rendered]
    assert [(v.case, v.level) for v in versions[:3]] == [("undegraded", 0), ("darkened", 1), ("darkened", 2)]
    assert len(versions) == 1 + 2 * LEVELS
    found = [made(v, 85.0 - 10 * v.level, ("photo: noise",) if v.level else ()) for v in versions]
    families = ranking_ladders.judge_ladders(found)["families"]
    assert {name: own["named_first_at_level_3"] for name, own in families.items()} == {"darkened": 0, "white noise": 1}


def test_no_name_stands_for_two_families():
    assert set(SETS) == {"photographic", "listed"}
    assert not set(FAMILIES) & set(LISTED)
    assert all(family.name == name for name, family in {**FAMILIES, **LISTED}.items())


@pytest.mark.slow
def test_the_command_prints_a_table_and_writes_json(tmp_path, monkeypatch, capsys):
    for family in set(FAMILIES) - {"haze", "heif"}:
        monkeypatch.delitem(FAMILIES, family)
    json_file, kept = tmp_path / "found.json", tmp_path / "kept"
    options = ["--photos", "1", "--parts", "ladders", "--workers", "0", "--json", str(json_file), "--keep", str(kept)]
    ranking.main(options)
    out = capsys.readouterr().out
    assert out.startswith("piqa-lite@")
    assert "heif (held out)" in out
    found = json.loads(json_file.read_text())
    assert set(found["ladders"]["families"]) == {"haze", "heif"}
    assert len(found["scores"]) == len(list(kept.iterdir())) == 11
    assert found["scores"][0]["score"] > found["scores"][5]["score"]


def test_a_wrong_model_is_one_line():
    with pytest.raises(SystemExit, match="no model 'nowhere'"):
        ranking.main(["--model", "nowhere"])
