import json
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
    ],
    ids=["format", "unknown", "missing", "type", "bool", "choice", "length", "nested", "object"],
)
def test_what_does_not_fit_is_named(change, message, tmp_path):
    (tmp_path / CONFIG_FILE).write_text(json.dumps(broken(change)))
    with pytest.raises(ModelError) as caught:
        load_config(tmp_path)
    assert message in caught.value.message
    assert str(tmp_path) in caught.value.message


LATER = {"reader": 0, "linear": False, "face_linear": False}  # as earlier builds scored, which did not write them


def test_a_model_of_an_earlier_version_is_read(tmp_path):
    (tmp_path / CONFIG_FILE).write_text(json.dumps(broken(lambda d: [d.pop(name) for name in LATER])))
    assert load_config(tmp_path) == replace(PIQA_LITE, **LATER)


def test_a_folder_without_config_is_no_model_folder(tmp_path):
    with pytest.raises(ModelError, match="no model folder"):
        load_config(tmp_path)


def test_an_integer_serves_as_a_number(tmp_path):
    (tmp_path / CONFIG_FILE).write_text(json.dumps(broken(lambda d: d.update(dropout=0))))
    assert load_config(tmp_path) == replace(PIQA_LITE, dropout=0.0)
