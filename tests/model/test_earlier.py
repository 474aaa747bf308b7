"""Models whose pixel statistics had no echoes, as earlier builds made them."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from piqa_cli.errors import ModelError
from piqa_cli.model import echoes, statistics
from piqa_cli.model.checkpoint import load_branch, load_model, save_model
from piqa_cli.model.store import WEIGHTS_FILE
from tests.model import tiny

LITE = replace(tiny.LITE, linear=False, face_linear=False)  # which came later
CONFIGS = {
    "readers": LITE,
    "no readers": replace(LITE, reader=0),
    "no face head": replace(LITE, face_head=False),
    "no defects": replace(LITE, auxiliary="none"),
    "last features": replace(
        LITE, full=replace(tiny.BACKBONE, pooling="last"), face=replace(tiny.BACKBONE, pooling="last")
    ),
}


def views(seed=0):
    generator = torch.Generator().manual_seed(seed)
    sizes = {view.cut: view.size for view in tiny.LITE.preprocess.views}
    return {cut: torch.rand(3, 1, 3, size, size, generator=generator) for cut, size in sizes.items()}


def outputs(network):
    with torch.inference_mode():
        found = network(views())
        parts = [found.raw, found.photo_defects, found.face_defects]
        if network.face_head is not None:
            faces = network.faces_from_features(network.features(views(1)))
            parts += [faces.raw, faces.defects]
    return [part for part in parts if part is not None]


@pytest.fixture(params=CONFIGS)
def earlier(request, tmp_path, monkeypatch):
    """A model folder of a build without echoes, and what that build makes of some views."""
    config = CONFIGS[request.param]
    with monkeypatch.context() as build:
        build.setattr(statistics, "echoes", lambda luma: luma.new_zeros(len(luma), 0))
        build.setattr(statistics, "WIDTH", statistics.WIDTH - echoes.WIDTH)
        network = tiny.network(config)
        for module in network.standardise.values():
            for name, values in module.named_buffers():
                values.uniform_(0.5, 1.5) if name == "std" else values.normal_()
        said = outputs(network)
        save_model(network, tmp_path, half=False)
    return tmp_path, said


def test_it_scores_as_it_did(earlier):
    folder, said = earlier
    found = outputs(load_model(folder))
    assert len(found) == len(said) and said[0].std() > 0
    assert all(torch.allclose(now, then, atol=1e-5) for now, then in zip(found, said, strict=True))


def test_echoes_say_nothing_to_it(earlier):
    folder, _ = earlier
    network = load_model(folder)
    before = network.features(views())
    loud = {cut: values.clone() for cut, values in before.items()}
    for values in loud.values():
        start = values.shape[2] - statistics.WIDTH + statistics.ECHOES_AT
        values[..., start : start + echoes.WIDTH] += 100
    with torch.inference_mode():
        assert torch.equal(network.from_features(loud).raw, network.from_features(before).raw)


def test_its_backbones_can_be_trained_from(earlier):
    folder, _ = earlier
    stored = load_file(folder / WEIGHTS_FILE)
    _, tensors = load_branch(folder, "face")
    assert tensors and all(torch.equal(stored[f"face.{name}"], tensor) for name, tensor in tensors.items())


def test_a_model_that_is_wrong_otherwise_is_refused(earlier):
    folder, _ = earlier
    stored = load_file(folder / WEIGHTS_FILE)
    save_file({name: tensor for name, tensor in stored.items() if name != "head.3.bias"}, folder / WEIGHTS_FILE)
    with pytest.raises(ModelError, match=r"weights do not fit config\.json: head\.3\.bias is missing"):
        load_model(folder)
