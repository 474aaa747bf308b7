import json
import math
from dataclasses import replace

import pytest

from piqa_cli.errors import ModelError
from piqa_cli.model.config import CONFIG_FILE, load_config
from piqa_cli.model.presets import DN_PIQA, PIQA_LITE


@pytest.mark.parametrize("config", [DN_PIQA, PIQA_LITE], ids=lambda c: c.name)
def test_a_config_survives_the_trip_through_json(config, tmp_path):
    (tmp_path / CONFIG_FILE).write_text(config.to_json())
    assert load_config(tmp_path) == config


def broken(change):
    data = json.loads(PIQA_LITE.to_json())
    change(data)
    return data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format=2), "format is 2"),
        (lambda d: d.update(extra=1), "unknown fields: extra"),
        (lambda d: d.pop("hidden"), "lacks: hidden"),
        (lambda d: d.update(hidden="128"), "hidden is '128', wanted of type int"),
        (lambda d: d.update(hidden=True), "hidden is True"),
        (lambda d: d.update(auxiliary="clip"), "auxiliary is 'clip', wanted one of"),
        (lambda d: d["preprocess"].update(mean=[0.5, 0.5]), "preprocess.mean is [0.5, 0.5], wanted a list of 3"),
        (lambda d: d["preprocess"]["views"][0].update(size=None), "preprocess.views[0].size is None"),
        (lambda d: d.update(full="resnet"), "full is 'resnet', wanted an object"),
        (lambda d: d["score_map"].update(center=math.nan), "score_map.center is nan, wanted a number"),
        (lambda d: d["score_map"].update(scale=10**400), "wanted a number"),
        (lambda d: d["score_map"].update(scale=0), "score_map.scale is 0.0, wanted above 0"),
        (lambda d: d.update(visible_at=[0.3]), "visible_at is [0.3], wanted 9 numbers between 0 and 1"),
        (lambda d: d.update(visible_at=[0.0] * 9), "wanted 9 numbers between 0 and 1"),
        (lambda d: d.update(dropout=2.0), "dropout is 2.0, wanted 0 to 1"),
        (lambda d: d.update(hidden=-1), "hidden is -1, wanted 1 or more"),
        (lambda d: d.update(reader=-1), "reader is -1, wanted 0 or more"),
        (lambda d: d["preprocess"].update(views=[]), "preprocess.views is [], wanted at least one view"),
        (lambda d: d["preprocess"]["views"][1].update(size=0), "preprocess.views[1].size is 0, wanted 40 or more"),
        (lambda d: d["preprocess"]["views"][2].update(size=39), "preprocess.views[2].size is 39, wanted 40 or more"),
        (lambda d: d["preprocess"]["views"][0].update(fit="crops"), "preprocess.views[0].resize_to is 0"),
        (lambda d: d["preprocess"].update(working_side=0), "preprocess.working_side is 0, wanted 1 or more"),
        (lambda d: d["preprocess"].update(std=[0, 1, 1]), "preprocess.std is [0.0, 1.0, 1.0], wanted above 0"),
    ],
)
def test_what_does_not_fit_is_named(change, message, tmp_path):
    (tmp_path / CONFIG_FILE).write_text(json.dumps(broken(change)))
    with pytest.raises(ModelError) as caught:
        load_config(tmp_path)
    assert message in caught.value.message
    assert str(tmp_path) in caught.value.message


LATER = {
    "reader": 0,
    "linear": False,
    "face_linear": False,
    "defect_cost": False,
}  # as earlier builds scored, which did not write them


def test_a_model_of_an_earlier_version_is_read(tmp_path):
    (tmp_path / CONFIG_FILE).write_text(json.dumps(broken(lambda d: [d.pop(name) for name in LATER])))
    assert load_config(tmp_path) == replace(PIQA_LITE, **LATER)


def test_a_folder_without_config_is_no_model_folder(tmp_path):
    with pytest.raises(ModelError, match="no model folder"):
        load_config(tmp_path)


def test_an_integer_serves_as_a_number(tmp_path):
    (tmp_path / CONFIG_FILE).write_text(json.dumps(broken(lambda d: d.update(dropout=0))))
    assert load_config(tmp_path) == replace(PIQA_LITE, dropout=0.0)


def deep():
    value = []
    for _ in range(500):
        value = [value]
    return value


@pytest.mark.parametrize("value", [deep(), "x" * 10_000, [1] * 10_000], ids=["deep", "long", "many"])
def test_a_value_of_any_length_and_depth_is_shown_briefly(value, tmp_path):
    """From Python 3.12 on, JSON is read that is nested too deep for a message."""
    (tmp_path / CONFIG_FILE).write_text(json.dumps(broken(lambda d: d.update(auxiliary=value))))
    with pytest.raises(ModelError, match="auxiliary is ") as caught:
        load_config(tmp_path)
    assert len(caught.value.message) < len(str(tmp_path)) + 200
