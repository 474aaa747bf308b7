"""Scene by scene, then mean and median, with intervals that hold what they promise."""

import csv
import io
import json
import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from piqa_cli.errors import UsageError
from piqa_training.evaluation import evaluate
from piqa_training.evaluation_forms import PIQ23_OVERALL, to_csv, to_json, to_markdown
from piqa_training.metrics import METRICS


def made(sizes, seed=0, noise=0.7, offset=5.0):
    """Scenes of these sizes; labels and scores have offsets of their own in each."""
    generator = np.random.default_rng(seed)
    rows = []
    for number, size in enumerate(sizes):
        label = generator.normal(size=size)
        predicted = label + noise * generator.normal(size=size) - offset * number
        rows += [(f"scene {number}", y + offset * number, q) for y, q in zip(label, predicted, strict=True)]
    return pl.DataFrame(rows, schema=["scene", "label", "predicted"], orient="row")


def test_mean_and_median_are_over_scenes_not_over_photos():
    table = made([40, 10, 12])
    expected = [
        spearmanr(*table.filter(pl.col("scene") == f"scene {i}").select("label", "predicted").to_numpy().T).statistic
        for i in range(3)
    ]
    found = evaluate(table)
    assert [s.measured.values["srcc"] for s in found.scenes] == pytest.approx(expected)
    assert found.mean["srcc"] == pytest.approx(np.mean(expected))
    assert found.median["srcc"] == pytest.approx(np.median(expected))
    assert spearmanr(table["label"], table["predicted"]).statistic < 0 < min(expected)


def test_scenes_without_a_number_are_left_out_and_say_why():
    table = pl.concat([made([20]), pl.DataFrame({"scene": ["two"] * 2, "label": [1.0, 2.0], "predicted": [1.0, 2.0]})])
    found = evaluate(table, bootstrap=50)
    assert found.defined == {**dict.fromkeys(METRICS, 1), "pair_accuracy": 2}
    assert found.mean["srcc"] == found.scenes[0].measured.values["srcc"]
    assert found.scenes[1].measured.reasons["srcc"] == "fewer than 3 photos"
    assert found.scenes[1].intervals["srcc"] is None


def test_scenes_without_a_number_have_no_part_in_its_interval_either():
    """KRCC of a resample of two photos is 1 or -1: a shoot of many pairs had an interval that left its mean out."""
    pairs = [(f"pair {i}", float(y), float(-y)) for i in range(20) for y in (1, 2)]
    table = pl.concat([made([15, 15, 15]), pl.DataFrame(pairs, made([1]).schema, orient="row")])
    found = evaluate(table, bootstrap=200)
    for name in METRICS:
        low, high = found.mean_intervals[name]
        assert low <= found.mean[name] <= high, name
    assert found.mean_intervals["krcc"][0] > 0


def test_pairs_are_pooled_within_scenes():
    table = pl.DataFrame(
        {"scene": list("aaabb"), "label": [1.0, 2, 3, 1, 2], "predicted": [1.0, 2, 3, 9, 8]},
    )
    assert evaluate(table).pair_accuracy == pytest.approx(3 / 4)


def test_photos_without_a_score_are_counted_and_left_out():
    table = made([20]).with_columns(
        predicted=pl.when(pl.int_range(pl.len()) < 3)
        .then(None)
        .when(pl.int_range(pl.len()) < 5)
        .then(math.nan)
        .otherwise("predicted")
    )
    found = evaluate(table)
    assert (found.photos, found.unscored) == (15, 5)


def test_scenes_of_one_name_in_two_data_sets_stay_apart():
    table = pl.concat([made([10], seed=i).with_columns(dataset=pl.lit(name)) for i, name in enumerate(("a", "b"))])
    assert [s.scene for s in evaluate(table).scenes] == ["a/scene 0", "b/scene 0"]
    assert [s.scene for s in evaluate(table.filter(pl.col("dataset") == "a")).scenes] == ["scene 0"]


def test_rows_without_a_data_set_keep_their_scenes():
    """All of them were one scene, so that photos of different scenes were compared."""
    table = made([10, 12, 11]).with_columns(dataset=pl.when(pl.col("scene") == "scene 0").then(pl.lit("a")))
    scenes = [(s.scene, s.measured.n) for s in evaluate(table).scenes]
    assert scenes == [("/scene 1", 12), ("/scene 2", 11), ("a/scene 0", 10)]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pl.DataFrame({"scene": ["a"], "label": [1.0]}), "no column predicted"),
        (pl.DataFrame({"scene": ["a"], "label": ["good"], "predicted": [1.0]}), "label holds String"),
        (pl.DataFrame({"scene": ["a", "a"], "label": [1.0, math.nan], "predicted": [1.0, 2.0]}), "first in row 2"),
        (pl.DataFrame({"scene": ["a"], "label": [1.0], "predicted": [None]}), "no photo has both"),
        (made([3]).head(0), "no photo has both"),
    ],
)
def test_what_cannot_be_evaluated(table, message):
    with pytest.raises(UsageError, match=message):
        evaluate(table)


def test_intervals_are_the_same_for_the_same_seed_and_shrink_with_photos():
    small, again, other = (evaluate(made([30] * 4), bootstrap=200, seed=seed) for seed in (1, 1, 2))
    assert small.median_intervals == again.median_intervals
    assert small.median_intervals != other.median_intervals
    large = evaluate(made([300] * 4), bootstrap=200, seed=1)
    width = [high - low for low, high in (e.mean_intervals["srcc"] for e in (small, large))]
    assert width[1] < width[0] / 2
    for result in small.scenes:
        low, high = result.intervals["srcc"]
        assert low < result.measured.values["srcc"] < high


def test_the_middle_of_one_scene_has_the_interval_of_that_scene():
    alone = evaluate(made([30]), bootstrap=200)
    assert alone.mean_intervals["srcc"] == alone.median_intervals["srcc"] == alone.scenes[0].intervals["srcc"]


def test_a_further_scene_changes_no_other_scenes_interval():
    alone, beside = evaluate(made([30]), bootstrap=100), evaluate(made([30, 20]), bootstrap=100)
    assert alone.scenes[0].intervals == beside.scenes[0].intervals


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Normal labels and scores with correlation rho have a Spearman correlation of 6/pi asin(rho/2)."""
    truth = 6 / math.pi * math.asin(1 / math.sqrt(2) / 2)
    covered = 0
    for seed in range(60):
        low, high = evaluate(made([60], seed=seed, noise=1.0), bootstrap=150, seed=seed).mean_intervals["srcc"]
        covered += low <= truth <= high
    assert covered / 60 > 0.85


def test_the_method_says_what_was_resampled():
    assert "scenes and of the photos" in evaluate(made([10, 10]), bootstrap=10).method
    assert "10 resamples of photos within each scene" in evaluate(made([10]), bootstrap=10).method
    assert evaluate(made([10])).method == "no intervals"


def test_json_has_median_mean_and_a_list_of_scenes():
    found = evaluate(pl.concat([made([20, 15]), made([2]).with_columns(scene=pl.lit("tiny"))]), bootstrap=20)
    data = json.loads(to_json(found, model="m"))
    assert data["median"]["srcc"] == pytest.approx(found.median["srcc"])
    assert data["mean"]["srcc"] == pytest.approx(found.mean["srcc"])
    assert [scene["scene"] for scene in data["scenes"]] == ["scene 0", "scene 1", "tiny"]
    assert data["scenes"][0]["n"] == 20
    assert data["scenes"][2]["srcc"] is None
    assert data["scenes"][2]["reasons"]["srcc"] == "fewer than 3 photos"
    assert data["intervals"]["median"]["srcc"][0] < data["median"]["srcc"]
    assert data["model"] == "m"


@pytest.mark.parametrize("bootstrap", [0, 20])
def test_csv_has_a_row_for_each_scene_and_the_two_middles(bootstrap):
    found = evaluate(made([20, 2]), bootstrap=bootstrap)
    rows = list(csv.DictReader(io.StringIO(to_csv(found))))
    assert [row["row"] for row in rows] == ["scene", "scene", "median", "mean"]
    assert float(rows[0]["srcc"]) == found.scenes[0].measured.values["srcc"]
    assert rows[1]["srcc"] == ""
    assert "srcc: fewer than 3 photos" in rows[1]["reasons"]
    assert ("srcc_low" in rows[0]) == bool(bootstrap)


def test_no_cell_of_the_csv_is_a_formula():
    table = made([20, 15]).with_columns(pl.col("scene").replace({"scene 0": "=HYPERLINK(1)"}))
    rows = list(csv.DictReader(io.StringIO(to_csv(evaluate(table, bootstrap=0)))))
    assert {row["scene"] for row in rows} == {"./=HYPERLINK(1)", "scene 1", ""}


def test_markdown_is_a_table_with_the_published_results_beside():
    text = to_markdown(evaluate(made([20, 15]), bootstrap=20), "my|model", PIQ23_OVERALL["scene"])
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in table} == {9}
    assert "| FULL-HyperIQA | median | 0.780 |" in text
    assert r"| my\|model | median |" in text
    assert "20 resamples" in text
    assert "\n2 scenes, 35 photos. PLCC" in text
    one = pl.concat([made([4]), made([1]).with_columns(predicted=pl.lit(None, pl.Float64))], how="vertical_relaxed")
    assert "\n1 scene, 4 photos. PLCC" in to_markdown(evaluate(one), "m")
    assert "\nLeft out: 1 photo without a score." in to_markdown(evaluate(one), "m")
    assert "HyperIQA" not in to_markdown(evaluate(made([20, 15])), "m")


def test_published_results_are_those_of_the_data_sets_page():
    assert [entry.median_srcc for entry in PIQ23_OVERALL["device"]] == [0.830, 0.848, 0.818, 0.845]
    assert [entry.median_srcc for entry in PIQ23_OVERALL["scene"]] == [0.59, 0.736, 0.74, 0.749, 0.78]
