"""The training report: whole, self-contained, escaped, and right about what it shows."""

import json
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from piqa_cli.errors import OutputError, UsageError
from piqa_training import charts
from piqa_training.evaluation import evaluate
from piqa_training.page import PAGE_FILE, write_page

NASTY = "<script>alert('scene')</script> & $x_1$ 写真"


class Page(HTMLParser):
    """Tags, their attributes, and text by tag; `open` must be empty at the end."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def texts_of(self, tag):
        return [text for name, text in self.texts if name == tag]


def write_metrics(run, epochs=3):
    srcc = [0.2, 0.7, 0.6, 0.5][:epochs]
    records = [
        {
            "epoch": number,
            "train": {"fidelity": 1 / number, "loss": 2 / number},
            "val": {"mean.srcc": value, "median.srcc": None, "n": 40},
            "lr": 1e-4 / number,
        }
        for number, value in enumerate(srcc, start=1)
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def write_predictions(run, datasets=("piq23",)):
    generator = np.random.default_rng(0)
    rows = [
        (dataset, split, scene, f"/photos/{number}.jpg", float(label), float(label + generator.normal()))
        for dataset in datasets
        for split in ("val", "test")
        for scene, size in ((NASTY, 12), ("second", 10), ("lonely", 1))
        for number, label in enumerate(generator.normal(size=size))
    ]
    names = ["dataset", "split", "scene", "image", "label", "predicted"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    frame.write_parquet(run / "predictions.parquet")
    return frame


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path)


def make_run(place):
    folder = place / "my <run>"
    folder.mkdir()
    write_metrics(folder)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A page of everything, and the predictions in it."""
    run = make_run(tmp_path_factory.mktemp("whole"))
    frame = write_predictions(run)
    (run / "settings.toml").write_text('[run]\nname = "<b>x</b>"\n')
    path = write_page(run)
    assert path == run / PAGE_FILE
    return path, frame


def test_the_whole_page(whole):
    path, frame = whole
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    assert page.texts_of("h1") == ["my <run>"]
    assert page.texts_of("h2") == ["Training", "Validation part", "Test part", "Settings"]
    assert "3 epochs, epoch 2 kept" in page.texts_of("p")[0]
    assert page.tags.count("svg") == 5  # loss, validation, learning rate, and a scatter plot for each part
    assert page.texts_of("pre") == ['[run]\nname = "<b>x</b>"']
    cells = page.texts_of("td")
    assert cells.count(NASTY) == 2
    assert cells.count("fewer than 3 photos") == 2
    test = evaluate(frame.filter(pl.col("split") == "test"))
    assert f"{test.median['srcc']:.3f}" in page.texts_of("b")


def test_the_page_loads_and_runs_nothing(whole):
    text = whole[0].read_text(encoding="utf-8")
    page = Page(text)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "@import" not in text
    for name, value in page.attributes:
        if name in ("src", "href", "xlink:href", "action"):
            assert value.startswith(("#", "data:image/png;base64,"))
        assert "url(" not in (value or "") or "url(#" in value


def test_ids_within_the_page_are_of_one_drawing_each(run):
    write_predictions(run, datasets=("a", "b"))
    page = Page(write_page(run).read_text(encoding="utf-8"))
    clips = [value for name, value in page.attributes if name == "id" and value.startswith("p") and len(value) > 8]
    assert len(clips) == len(set(clips)) > 4
    captions = page.texts_of("figcaption")
    assert "Test part, a: 23 photos, one colour a scene" in captions
    assert "Test part, b: 23 photos, one colour a scene" in captions


def test_a_run_without_predictions_has_its_curves(run):
    page = Page(write_page(run).read_text(encoding="utf-8"))
    assert page.texts_of("h2") == ["Training"]
    assert page.tags.count("svg") == 3


def test_the_kept_epoch_can_be_told(run):
    (run / "result.json").write_text(json.dumps({"best_epoch": 3}))
    text = write_page(run).read_text(encoding="utf-8")
    assert "epoch 3 kept" in text
    assert "kept: epoch 3" in text


def test_a_starting_model_that_was_kept_is_called_that(run):
    (run / "result.json").write_text(json.dumps({"best_epoch": 0}))
    text = write_page(run).read_text(encoding="utf-8")
    assert "3 epochs, none better than the starting model, which was kept" in text
    assert "kept: the start" in text
    assert "epoch 0" not in text


def test_the_result_names_the_kept_epoch_and_what_was_before(run):
    write_predictions(run)
    before = {"test": {"mean.srcc": -0.1234, "median.srcc": None, "pair_accuracy": 0.4567}}
    (run / "result.json").write_text(json.dumps({"best_epoch": 1, "before": before}))
    page = Page(write_page(run).read_text(encoding="utf-8"))
    assert "epoch 1 kept" in page.texts_of("p")[0]
    assert [text for text in page.texts_of("span") if "before" in text] == ["before: -0.123", "before: 0.457"]


def test_a_run_without_validation_keeps_no_epoch(run):
    (run / "metrics.jsonl").write_text('{"epoch": 1, "train": {"loss": 0.5}, "val": {}, "lr": 0.1}\n')
    page = Page(write_page(run).read_text(encoding="utf-8"))
    assert page.texts_of("p")[0] == "piqa training report: 1 epoch"
    assert page.texts_of("figcaption") == ["Training loss", "Learning rate"]


def test_writing_again_gives_the_same_bytes_and_leaves_nothing_behind(whole):
    page = whole[0]
    first, names = page.read_bytes(), {path.name for path in page.parent.iterdir()}
    assert names == {"metrics.jsonl", "predictions.parquet", "settings.toml", PAGE_FILE}
    assert write_page(page.parent).read_bytes() == first
    assert {path.name for path in page.parent.iterdir()} == names


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(UsageError, match=r"metrics\.jsonl: No such file"):
        write_page(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"epoch 1\n", "not JSON lines"),
        (b"[" * 100_000, "not JSON lines"),
        (b"\xff\n", "codec can't decode"),
        (b"1\n", "not one epoch on each line"),
        (b'{"val": {}}\n', "not one epoch on each line"),
    ],
)
def test_metrics_that_are_none(run, content, message):
    (run / "metrics.jsonl").write_bytes(content)
    with pytest.raises(UsageError, match=rf"metrics\.jsonl: .*{message}"):
        write_page(run)


@pytest.mark.parametrize("kept", [0, 0.5])
def test_predictions_that_are_damaged(run, kept):
    write_predictions(run)
    path = run / "predictions.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(UsageError, match=r"predictions\.parquet: not readable") as caught:
        write_page(run)
    assert "\n" not in caught.value.message


def test_predictions_without_a_column(run):
    write_predictions(run).drop("predicted").write_parquet(run / "predictions.parquet")
    with pytest.raises(UsageError, match=r"predictions\.parquet: not readable"):
        write_page(run)


def test_a_page_that_cannot_be_written(run):
    (run / PAGE_FILE).mkdir()
    (run / PAGE_FILE / "x").touch()
    with pytest.raises(OutputError, match=r"cannot write .*report\.html"):
        write_page(run)


def test_many_points_become_one_image():
    generator = np.random.default_rng(0)
    n = charts.MOST_VECTOR_POINTS + 1
    x, y = generator.normal(size=(2, n))
    few = charts.scatter(x[:200], y[:200], np.zeros(200, dtype=np.int64), "few")
    many = charts.scatter(x, y, np.zeros(n, dtype=np.int64), "many")
    assert few.count("<use") >= 200
    assert "data:image/png;base64," in many
    assert len(many) < 400_000


def test_curves_leave_a_gap_where_there_is_no_number():
    svg = charts.curves([1, 2, 3, 4, 5], {"a": [1.0, 2.0, None, 3.0, 4.0]}, "label")
    whole = charts.curves([1, 2, 3, 4, 5], {"a": [1.0, 2.0, 2.5, 3.0, 4.0]}, "label")
    assert svg.count("<use") == whole.count("<use") - 1
