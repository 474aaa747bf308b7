import json

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from piqa_cli.errors import ModelError
from piqa_cli.model.checkpoint import load_model, save_model
from piqa_cli.model.config import CONFIG_FILE
from piqa_cli.model.store import WEIGHTS_FILE, find_model, model_names
from tests.model import tiny
from tests.model.test_network import views_of


@pytest.fixture
def folder(tmp_path):
    save_model(tiny.network(tiny.LITE), tmp_path / "tiny")
    return tmp_path / "tiny"


def test_a_saved_model_scores_the_same_up_to_half_precision(folder):
    views = views_of(tiny.LITE, 2)
    with torch.inference_mode():
        saved, loaded = tiny.network(tiny.LITE)(views).raw, load_model(folder)(views).raw
    torch.testing.assert_close(loaded, saved, atol=5e-3, rtol=5e-3)


def test_saving_a_loaded_model_changes_nothing(folder, tmp_path):
    save_model(load_model(folder), tmp_path / "again")
    assert find_model(str(tmp_path / "again")).fingerprint == find_model(str(folder)).fingerprint


def test_a_loaded_model_is_ready_to_score(folder):
    network = load_model(folder)
    assert not network.training
    assert {p.dtype for p in network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("head.0.weight"), "head.0.weight is missing"),
        (lambda t: t.update(stranger=torch.zeros(1)), "stranger is not known"),
        (lambda t: t.update({"head.3.bias": torch.zeros(2)}), "head.3.bias is (2,), wanted (1,)"),
    ],
    ids=["missing", "foreign", "shape"],
)
def test_weights_that_do_not_fit_are_named(folder, change, message):
    tensors = load_file(folder / WEIGHTS_FILE)
    change(tensors)
    save_file(tensors, folder / WEIGHTS_FILE)
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    assert message in caught.value.message


@pytest.mark.parametrize(
    "name", ["hf-hub:someone/model", "hf_hub:someone/model", "local-dir:/etc", "resnet18.hf-hub:a/b"]
)
def test_a_backbone_is_never_fetched_nor_read_from_elsewhere(folder, name, monkeypatch):
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("timm would look for it"))
    config = json.loads((folder / CONFIG_FILE).read_text())
    config["full"]["name"] = name
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    with pytest.raises(ModelError, match="timm knows no such network"):
        load_model(folder)


def test_damaged_weights_are_a_model_error(folder):
    content = (folder / WEIGHTS_FILE).read_bytes()
    (folder / WEIGHTS_FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="not readable as safetensors"):
        load_model(folder)


def test_models_are_found_by_name_and_by_path(folder):
    by_name = find_model("tiny", models_dir=folder.parent)
    assert by_name == find_model("tiny", models_dir=folder.parent)
    assert by_name.fingerprint == find_model(str(folder)).fingerprint
    assert by_name.id == f"tiny@{by_name.fingerprint}"
    assert "tiny" in model_names(folder.parent)


def test_an_unknown_model_names_the_known_ones(tmp_path):
    with pytest.raises(ModelError) as caught:
        find_model("nothing", models_dir=tmp_path)
    assert "piqa-lite" in caught.value.hint


def test_the_fingerprint_follows_the_weights(folder):
    before = find_model(str(folder)).fingerprint
    save_model(tiny.network(tiny.LITE, seed=1), folder)
    assert find_model(str(folder)).fingerprint != before
