from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage import data

from piqa_cli.errors import PhotoError
from piqa_training import eyes_read
from piqa_training.eyes_read import (
    CLOSED,
    DARK,
    OPEN,
    SEEN,
    SHIFTS,
    LabelledFace,
    Sample,
    collect,
    cross_validate,
    fit,
    read_labels,
    tally,
    thresholds,
)

WIDTH = 6


def made(label: str, centre: float, count: int, seed: int) -> list[Sample]:
    """Faces whose first number tells the label and whose others tell nothing."""
    rng = np.random.default_rng(seed)
    samples = []
    for number in range(count):
        rows = rng.normal(0, 1, (1, WIDTH)).repeat(len(SHIFTS), axis=0) + rng.normal(0, 0.1, (len(SHIFTS), WIDTH))
        rows[:, 0] += centre
        samples.append(Sample(label, number % eyes_read.FOLDS, rows))
    return samples


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [*made("open", 5, 60, 0), *made("closed", -5, 15, 1), *made("half", 0, 10, 2), *made("sunglasses", 5, 10, 3)]


def test_the_read_out_finds_what_tells(samples) -> None:
    weights, offset = fit(samples, CLOSED, OPEN)
    assert weights.shape == (WIDTH,)
    assert np.abs(weights).argmax() == 0
    values = np.array([sample.rows[0] @ weights + offset for sample in samples])
    labels = np.array([sample.label for sample in samples])
    assert values[labels == "closed"].max() < 0 < values[labels == "open"].min()


def test_no_photo_is_judged_by_itself(samples, monkeypatch) -> None:
    """A label that nothing but one photo shows cannot be found in it."""
    monkeypatch.setattr(eyes_read, "RIDGE", 1e-3)
    odd = Sample("closed", 0, np.zeros((len(SHIFTS), WIDTH)) + np.eye(WIDTH)[3] * 50 + np.eye(WIDTH)[0] * 5)
    with_odd = [*samples, odd]
    weights, offset = fit(with_odd, CLOSED, OPEN)
    assert odd.rows[0] @ weights + offset < cross_validate(with_odd, CLOSED, OPEN)[-1]


def test_thresholds_are_put_at_the_allowed_false_calls(samples) -> None:
    openness, hidden = np.arange(len(samples), dtype=float), np.arange(len(samples), dtype=float)
    closed_at, hidden_at = thresholds(samples, openness, hidden)
    assert (openness[:60] < closed_at).sum() == 3  # 4 % of 60 open ones
    assert (hidden[:85] > hidden_at).sum() == 2  # 1.5 % of the 85 that can be seen, rounded up


def test_the_tally_counts_each_face_once(samples) -> None:
    labels = [LabelledFace("a.jpg", sample.label, 0.5, 0.5) for sample in samples]
    labels += [LabelledFace("b.jpg", "closed", 0.5, 0.5)] * 2  # not found again
    openness = np.array([-1.0 if sample.label == "closed" else 1.0 for sample in samples])
    hidden = np.array([1.0 if sample.label == "sunglasses" else -1.0 for sample in samples])
    heading, *rows = tally(labels, samples, openness, hidden)
    assert heading.split() == ["label", "faces", "open", "closed", "unknown"]
    assert [row.split() for row in rows] == [
        ["closed", "17", "0", "15", "2"],
        ["half", "10", "10", "0", "0"],
        ["open", "60", "60", "0", "0"],
        ["sunglasses", "10", "0", "0", "10"],
    ]
    assert cross_validate(samples, SEEN, DARK).shape == (len(samples),)


def test_a_labelled_face_is_found_by_its_place(tmp_path) -> None:
    Image.fromarray(data.astronaut()).save(tmp_path / "a.png")
    table = tmp_path / "labels.csv"
    table.write_text("photo,x,y,label\na.png,0.44,0.2,open\na.png,0.9,0.9,closed\n")
    (sample,) = collect(read_labels(table), tmp_path)
    assert sample.label == "open"
    assert sample.rows.shape == (len(SHIFTS), 513)
    assert np.ptp(sample.rows, axis=0).max() > 0
    with pytest.raises(PhotoError):
        collect([LabelledFace("gone.jpg", "open", 0.5, 0.5)], tmp_path)
