"""`piqa evaluate`: what it compares, what it writes, and what it refuses."""

import csv
import json
import shutil

import polars as pl
import pytest
import torch
from scipy.stats import spearmanr

SCENES = {"park": [10, 30, 20, 40], "street": [50, 60, 70], "night": [80, 90]}
LABELS = {10: 1.0, 30: 2.0, 20: 3.0, 40: 4.0, 50: 5.0, 60: 7.0, 70: 6.0, 80: 1.0, 90: 2.0}


@pytest.fixture
def manifest(photos):
    """Labels of nine of the photos 00.jpg to 90.jpg; the stand-in engine scores NN.jpg with NN."""
    path = photos / "labels.csv"
    rows = [
        (f"{number:02}.jpg", LABELS[number], scene, "train" if scene == "night" else "test")
        for scene, numbers in SCENES.items()
        for number in numbers
    ]
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("image", "score", "scene", "split"), *rows])
    return path


@pytest.fixture
def model_dir(model):
    return model.path


def test_a_model_against_a_manifest(piqa, engine, manifest, model_dir, tmp_path):
    out = tmp_path / "out.json"
    result = piqa("evaluate", "--manifest", manifest, "--model", model_dir, "--json", out, "--bootstrap", 40)
    assert result.code == 0, result.err
    data = json.loads(out.read_text())
    park = spearmanr([LABELS[n] for n in SCENES["park"]], SCENES["park"]).statistic
    street = spearmanr([LABELS[n] for n in SCENES["street"]], SCENES["street"]).statistic
    assert {scene["scene"]: scene["srcc"] for scene in data["scenes"]} == pytest.approx(
        {"park": park, "street": street}
    )
    assert data["mean"]["srcc"] == pytest.approx((park + street) / 2)
    assert data["median"]["srcc"] == pytest.approx((park + street) / 2)
    assert data["photos"] == 7
    assert data["part"] == "test"
    assert sorted(path.name for path in engine.seen) == sorted(
        f"{n}.jpg" for s in ("park", "street") for n in SCENES[s]
    )


@pytest.mark.parametrize("quiet", [(), ("-q",)], ids=["", "quiet"])
def test_photos_that_a_model_was_trained_on_are_told(piqa, engine, manifest, photos, model_dir, tmp_path, quiet):
    """Labels that hold other photos out than the run did gave figures far too good, and nothing said so."""
    run = tmp_path / "my run"
    shutil.copytree(model_dir, run / "model")
    ask = ("evaluate", "--manifest", manifest, "--model", run / "model", "--bootstrap", 0, *quiet)
    assert "trained on" not in piqa(*ask).err
    learnt = [str(photos / name) for name in ("10.jpg", "30.jpg", "80.jpg")]
    rows = {"image": [*learnt, str(photos / "20.jpg")], "split": ["train", "train", "train", "test"]}
    pl.DataFrame(rows).write_parquet(run / "manifest.parquet")
    told = piqa(*ask)
    assert told.code == 0
    assert ("this model was trained on 2 of these 7 photos, so that figures flatter" in told.err) is not bool(quiet)
    assert (f"--manifest '{run / 'manifest.parquet'}' asks" in told.err) is not bool(quiet)
    (run / "manifest.parquet").write_bytes(b"PAR1 damaged")
    assert piqa(*ask).code == 0


@pytest.mark.parametrize(("share", "photos_left"), [(None, 3), ("0.5", 4)])
def test_what_is_held_out_without_a_split(piqa, engine, photos, model_dir, tmp_path, share, photos_left):
    path = photos / "unsplit.csv"
    path.write_text("image,score\n" + "".join(f"{number:02}.jpg,{number}\n" for number in range(0, 90, 10)))
    out = tmp_path / "out.json"
    given = [] if share is None else ["--test-share", share]
    result = piqa("evaluate", "--manifest", path, "--model", model_dir, "--json", out, "--bootstrap", 40, *given)
    assert result.code == 0, result.err
    assert json.loads(out.read_text())["photos"] == photos_left


def test_the_table_that_is_printed(piqa, engine, manifest, model_dir):
    result = piqa("evaluate", "--manifest", manifest, "--model", model_dir, "--part", "all", "--bootstrap", 0)
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert [
        line.split()[:2] for line in lines if line.startswith((" night", " park", " street", " median", " mean"))
    ] == [
        ["night", "2"],
        ["park", "4"],
        ["street", "3"],
        ["median", "9"],
        ["mean", "9"],
        ["median", "and"],
    ]
    night = next(line for line in lines if line.startswith(" night"))
    assert night.split()[1:8] == ["2", "-", "-", "-", "-", "-", "1.000"]  # two photos are a pair
    assert night.endswith("fewer than 3 photos")
    assert lines[-1].endswith("over the 2 of 3 scenes that have the number; of pairs over 3")


@pytest.mark.parametrize("name", ["scores.csv", "scores"])
def test_a_score_table_gives_what_its_model_gives(piqa, engine, manifest, photos, model_dir, tmp_path, name):
    table = tmp_path / name
    assert piqa("score", photos, "--model", model_dir, "-o", table, "-q").code == 0
    outputs = []
    for name, source in (("model", ["--model", model_dir]), ("table", ["--scores", table])):
        out = tmp_path / f"{name}.json"
        result = piqa("evaluate", "--manifest", manifest, *source, "--json", out, "--bootstrap", 50)
        assert result.code == 0, result.err
        outputs.append(json.loads(out.read_text()))
    for key in ("mean", "median", "scenes", "intervals"):
        assert outputs[0][key] == outputs[1][key]


@pytest.mark.parametrize("name", ["scores", "scores[1]"])
@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "json"])
def test_a_table_with_labels_of_its_own(piqa, tmp_path, suffix, name):
    table, out = tmp_path / f"{name}.{suffix}", tmp_path / "out.json"
    frame = pl.DataFrame({"label": [1.0, 2, 3, 4], "predicted": [1.0, 3, 2, 4], "scene": ["a"] * 4})
    writers = {
        "csv": frame.write_csv,
        "parquet": frame.write_parquet,
        "jsonl": frame.write_ndjson,
        "json": frame.write_json,
    }
    writers[suffix](table)
    result = piqa("evaluate", "--scores", table, "--json", out, "--bootstrap", 0)
    assert result.code == 0, result.err
    assert json.loads(out.read_text())["median"]["srcc"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("t.csv", "label;Raw Score;Scene\n1;1.5;a\n2;3;a\n\n3;2;a\n4;4;a\n", "utf-8-sig"),
        ("t.csv", "LABEL,PREDICTED\n1,1\n2,3\n3,2\n4,4\n", "utf-16"),
        ("t.tsv", "label\tscore\tname\n1\t1\tÄ\n2\t3\tb\n3\t2\tc\n4\t4\td\n", "cp1252"),
    ],
    ids=["semicolons", "UTF-16 and capitals", "tabs"],
)
def test_a_table_of_any_program(piqa, tmp_path, name, text, encoding):
    table, out = tmp_path / name, tmp_path / "out.json"
    table.write_bytes(text.encode(encoding))
    result = piqa("evaluate", "--scores", table, "--json", out, "--bootstrap", 0)
    assert result.code == 0, result.err
    assert json.loads(out.read_text())["median"]["srcc"] == pytest.approx(0.8)


@pytest.mark.parametrize("words", [("val", "test"), ("Validation", "Testing")])
@pytest.mark.parametrize(("part", "photos"), [("test", 4), ("val", 3), ("all", 7)])
def test_predictions_of_a_run_are_evaluated_by_part(piqa, tmp_path, part, photos, words):
    """Spelled as in a file of labels; a table with `Train` and `Test` was taken whole, and nothing said so."""
    table, out = tmp_path / "predictions.csv", tmp_path / "out.json"
    rows = [f"{n},{n % 3},{words[n >= 3]}" for n in range(7)]
    table.write_text("\n".join(["label,predicted,Split", *rows]))
    result = piqa("evaluate", "--scores", table, "--part", part, "--json", out, "--bootstrap", 0)
    assert result.code == 0
    found = json.loads(out.read_text())
    assert (found["scenes"][0]["n"], found["part"]) == (photos, part)
    assert result.out.splitlines()[0].strip() == ("predictions" if part == "all" else f"predictions, {part} part")


def test_a_part_of_a_table_that_says_of_none(piqa, tmp_path):
    table, out = tmp_path / "scores.csv", tmp_path / "out.json"
    table.write_text("label,score\n1,10\n2,20\n3,15\n4,\n")
    result = piqa("evaluate", "--scores", table, "--part", "val", "--json", out)
    assert (result.code, out.exists()) == (2, False)
    assert "does not say which photos are the val part" in result.err
    assert piqa("evaluate", "--scores", table, "--part", "all", "--json", out).code == 0
    assert json.loads(out.read_text())["part"] is None


@pytest.mark.parametrize("column", ["label", "predicted"])
@pytest.mark.parametrize("cell", [[1, 2], {"value": 1}])
def test_a_column_of_lists_or_objects_is_no_column_of_numbers(piqa, tmp_path, column, cell):
    table = tmp_path / "scores.json"
    table.write_text(json.dumps([{"label": 1, "predicted": 1, column: cell}]))
    result = piqa("evaluate", "--scores", table)
    assert result.code == 2
    assert f"column {column} holds no numbers" in result.err


def test_a_table_without_scenes_is_one_scene(piqa, tmp_path):
    table = tmp_path / "scores.csv"
    table.write_text("label,score\n1,10\n2,20\n3,15\n4,\n")
    result = piqa("evaluate", "--scores", table, "--bootstrap", 0)
    assert result.code == 0, result.err
    assert "left out: 1 photo with a label but without a score" in result.out


def test_a_table_separated_by_semicolons_with_commas_in_numbers(piqa, tmp_path):
    table, out = tmp_path / "scores.csv", tmp_path / "out.json"
    table.write_text("label;score\n1,5;10,25\n2,5;30\n3;20,5\n4;40\n")
    assert piqa("evaluate", "--scores", table, "--json", out, "--bootstrap", 0).code == 0
    assert json.loads(out.read_text())["median"]["srcc"] == pytest.approx(0.8)


def test_relative_paths_lead_from_the_tables_folder(piqa, photos, manifest, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{n}.jpg,{n}\n" for n in LABELS)
    (photos / "scores.csv").write_text(f"path,score\n{rows}")
    result = piqa("evaluate", "--manifest", manifest, "--scores", photos / "scores.csv")
    assert result.code == 0, result.err


def test_photos_that_failed_are_counted_and_told(piqa, engine, manifest, photos, model_dir, tmp_path):
    (photos / "40.jpg").rename(photos / "bad40.jpg")
    manifest.write_text(manifest.read_text().replace("40.jpg", "bad40.jpg"))
    out = tmp_path / "out.json"
    result = piqa("evaluate", "--manifest", manifest, "--model", model_dir, "--json", out)
    assert result.code == 0, result.err
    assert json.loads(out.read_text())["unscored"] == 1
    assert "bad40.jpg: truncated" in result.err


def test_frames_of_one_clip_are_one_label():
    from piqa_training.evaluation_table import with_scores

    labels = pl.DataFrame(
        {
            "image": ["a1", "a2", "b1", "c1"],
            "score": [1.0, 1.0, 2.0, 3.0],
            "scene": ["all"] * 4,
            "dataset": ["lsvq"] * 4,
            "clip": ["a", "a", "b", None],
        }
    )
    table = with_scores(labels, {"a1": 1.0, "a2": 3.0, "b1": 5.0})
    assert table.select("label", "predicted").rows() == [(1.0, 2.0), (2.0, 5.0), (3.0, None)]


def test_a_run_counts_clips_as_evaluate_does():
    from piqa_training.fit.predict import measured
    from piqa_training.manifest import Manifest

    clips = [clip for clip in "abcd" for _ in range(2)]
    frame = pl.DataFrame(
        {
            "image": [f"/{clip}{i % 2}.jpg" for i, clip in enumerate(clips)],
            "score": [float("abcd".index(clip)) for clip in clips],
            "std": pl.Series([None] * 8, dtype=pl.Float64),
            "scene": "all", "split": "test", "dataset": "lsvq", "clip": clips,
        }
    )  # fmt: skip
    found = measured(Manifest(frame), torch.tensor([0.0, 2.0, 1.5, 1.5, 9.0, 0.0, 3.0, 7.0]))  # means 1, 1.5, 4.5, 5
    assert found.photos == 4 and found.mean["srcc"] == pytest.approx(1.0)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_the_predictions_of_a_run_count_clips_as_the_run_does(tmp_path, form):
    from piqa_training.evaluation_table import own_labels, read_scores

    clips = ["a", "a", "b", "b", None]
    frame = pl.DataFrame(
        {
            "dataset": "lsvq", "split": "test", "scene": "all", "image": list("12345"), "clip": clips,
            "label": [1.0, 1.0, 2.0, 2.0, 3.0], "predicted": [1.0, 2.0, 5.0, 6.0, 7.0],
        }
    )  # fmt: skip
    path = tmp_path / f"predictions.{form}"
    getattr(frame, f"write_{form}")(path)
    found = own_labels(read_scores(path), path, "test")
    assert found.select("label", "predicted").rows() == [(1.0, 1.5), (2.0, 5.5), (3.0, 7.0)]
    other = frame.with_columns(clip=pl.lit("0.3"))  # a column of somebody else: these photos share no label
    assert own_labels(other, path, "test").height == 5


@pytest.fixture
def piq23(tmp_path):
    """Two scenes in the layout of PIQ23."""
    root = tmp_path / "PIQ23"
    (root / "Overall").mkdir(parents=True)
    header = (
        "IMAGE PATH,JOD,JOD STD,CI LOW,CI HIGH,CI RANGE,QUALITY LEVEL,CLUSTER,TOTAL COMPARISONS,IMAGE,SCENE,ATTRIBUTE,"
        "SCENE IDX,CONDITION"
    )
    rows = []
    for scene, numbers in (("Scene_1", (10, 20, 30, 40)), ("Scene_2", (50, 60, 70))):
        for number in numbers:
            (root / "Overall" / f"{number}.jpg").write_bytes(b"x" * number)
            jod = -number / 50
            rows.append(f"Overall\\{number}.jpg,{jod},0.2,{jod},{jod},0,1,1,9,{number}.jpg,{scene},Overall,1,Indoor")
    (root / "Scores_Overall.csv").write_text("\n".join([header, *rows]) + "\n")
    (root / "Scene Split.csv").write_text("SCENE,SPLIT,NB IMAGES\nScene_1,Test,4\nScene_2,Train,3\n")
    return root


def test_piq23_stands_beside_the_published_results(piqa, engine, piq23, model_dir, tmp_path):
    markdown = tmp_path / "table.md"
    common = ["evaluate", "--dataset", "piq23", "--root", piq23, "--attribute", "Overall", "--split", "scene"]
    result = piqa(*common, "--model", model_dir, "--json", tmp_path / "out.json", "--markdown", markdown)
    assert result.code == 0, result.err
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["median"]["srcc"] == pytest.approx(-1)
    assert [scene["scene"] for scene in data["scenes"]] == ["Scene_1"]
    assert "| SEM-HyperIQA | median | 0.749 |" in markdown.read_text()
    assert "SEM-HyperIQA" in result.out
    all_parts = piqa(*common, "--model", model_dir, "--part", "all")
    assert "SEM-HyperIQA" not in all_parts.out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "no labels to compare"),
        (["--dataset", "piq23"], "needs --root"),
        (["--manifest", "m.csv", "--dataset", "piq23", "--root", "."], "both name labels"),
        (["--manifest", "m.csv", "--root", "."], "go with --dataset"),
        (["--dataset", "nothing", "--root", "."], "no data set is called 'nothing'"),
        (["--manifest", "gone.csv"], "gone.csv"),
        (["--manifest", "m.csv", "--attribute", "Details"], "go with --dataset"),
        (["--scores", "m.csv", "--attribute", "Overall"], "go with --dataset"),
        (["--dataset", "gfiqa", "--root", ".", "--attribute", "Details"], "--attribute Details is for piq23 only"),
        (["--scores", "m.csv", "--model", "piqa-lite", "--crops", "1"], "--model, --crops would do nothing"),
        (["--scores", "gone.csv", "--test-share", "0.5"], "goes with --dataset or --manifest"),
        (["--scores", "gone.csv"], "cannot read gone.csv"),
        (["--scores", "table.xls"], "unknown suffix '.xls'"),
        (["--scores", "."], "cannot read .: it is a folder without parts of a table"),
        (["--manifest", "."], "cannot read .: it is a folder, wanted a file of labels"),
        (["--manifest", "m.csv", "--model", "nobody"], "no model 'nobody'"),
        (["--manifest", "m.csv", "--json", "gone/out.json"], "no folder gone"),
        (["--manifest", "m.csv", "--json", "a.txt", "--csv", "a.txt"], "name the same file"),
        (["--manifest", "m.csv", "--csv", "./m.csv"], "m.csv is read and would be overwritten"),
        (["--scores", "m.csv", "--json", "m.csv"], "m.csv is read and would be overwritten"),
        (["--manifest", "m.csv", "--part", "val"], "the val part has no photos"),
        (["--manifest", "m.csv", "--bootstrap", "1"], "--bootstrap 1: too few resamples for 95 % intervals"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_meant_is_one_line_and_exit_code_2(piqa, engine, manifest, args, message, monkeypatch):
    monkeypatch.chdir(manifest.parent)
    (manifest.parent / "m.csv").write_text(manifest.read_text())
    before = sorted(path.name for path in manifest.parent.iterdir())
    result = piqa("evaluate", *args)
    assert result.code == 2
    errors = [line for line in result.err.splitlines() if line.startswith("piqa: error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert result.out == ""
    assert engine.seen == []
    assert sorted(path.name for path in manifest.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,label\na.jpg,1\n", "no column predicted, raw_score, score"),
        ("path,score\na.jpg,1\n", "no column label"),
        ("label,score,Score\n1,1,2\n", "the column score is there twice"),
        ("label,score\n1,good\n", "row 1, column score: 'good' is no number"),
        ("label,score\nx,1\n", "row 1, column label: 'x' is no number"),
        ("label,score\n,1\n", "scores.csv: 1 label missing or not finite, the first in row 1"),
        ("label,score,split\n1,1,val\n2,2,val\n3,3,test\n,4,test\n", "not finite, the first in row 4"),
        ("label,score\n1,1\n-1e299,2\n", "row 2, column label: -1e+299 is too large for a score"),
        ("label,score\n1,\n2,\n", "no photo has both"),
        ("label,score,split\n1,1,val\n2,2,val\n", "no rows of the test part; there are val"),
    ],
)
def test_tables_that_cannot_be_compared(piqa, tmp_path, content, message):
    table, out = tmp_path / "scores.csv", tmp_path / "out.json"
    table.write_text(content)
    out.write_text("old")
    result = piqa("evaluate", "--scores", table, "--json", out)
    assert result.code == 2
    assert message in result.err
    assert out.read_text() == "old"


def test_the_validation_part_of_a_run_is_in_its_manifest(piqa, manifest):
    result = piqa("evaluate", "--manifest", manifest, "--part", "val")
    assert result.code == 2
    assert "--manifest RUN/manifest.parquet" in result.err


def test_a_table_of_other_photos(piqa, manifest, tmp_path):
    table = tmp_path / "scores.csv"
    table.write_text("path,score\nother.jpg,1\n")
    result = piqa("evaluate", "--manifest", manifest, "--scores", table)
    assert result.code == 2
    assert "none of its photos has a label" in result.err


def test_two_different_scores_of_one_photo(piqa, manifest, photos):
    (photos / "scores.csv").write_text("path,score\n10.jpg,1\n./10.jpg,2\n")
    result = piqa("evaluate", "--manifest", manifest, "--scores", photos / "scores.csv")
    assert result.code == 2
    assert "row 2 scores ./10.jpg again and differently" in result.err


def test_an_interrupted_run_says_so_and_writes_nothing(piqa, engine, manifest, model_dir, tmp_path):
    engine.interrupt_after = 1
    out = tmp_path / "out.json"
    result = piqa("evaluate", "--manifest", manifest, "--model", model_dir, "--json", out)
    assert result.code == 130
    assert "4 of 7 photos are scored" in result.err
    assert not out.exists()


def test_a_failing_engine_is_told(piqa, engine, manifest, model_dir):
    engine.fail_after = 0
    result = piqa("evaluate", "--manifest", manifest, "--model", model_dir)
    assert result.code == 2
    assert "worker killed" in result.err


def test_scores_come_from_the_cache_the_second_time(piqa, engine, manifest, model_dir):
    assert piqa("evaluate", "--manifest", manifest, "--model", model_dir).code == 0
    first = list(engine.seen)
    assert piqa("evaluate", "--manifest", manifest, "--model", model_dir).code == 0
    assert engine.seen == first
