"""Numbers of the published code, from the reference folder: checkpoints filled by its rule go through the importer."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from piqa_cli.model.checkpoint import load_model
from piqa_cli.model.liqe import cut_patches, load_liqe, patch_corners
from piqa_cli.model.preprocess import cut_views, normalise
from piqa_cli.model.published import import_published
from piqa_cli.model.store import LIQE_FILE
from tests.model.published import REFERENCE, filled, official

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REFERENCE.is_dir(), reason="no reference folder"),
]
CLOSE = {"atol": 1e-4, "rtol": 0.0}


@pytest.fixture(scope="module")
def folder(scratch):
    """`piqa models import` of both published checkpoints at full size."""
    for which, name in (("dn_piqa", "PIQ_model.pth"), ("liqe", "LIQE.pt")):
        torch.save(filled(official(which)), scratch / name)
    import_published(scratch / "PIQ_model.pth", scratch / "LIQE.pt", folder=scratch / "dn-piqa")
    for checkpoint in scratch.glob("*.p*t*"):
        checkpoint.unlink()
    return scratch / "dn-piqa"


@pytest.fixture(scope="module")
def network(folder):
    return load_model(folder)


@pytest.fixture(scope="module")
def liqe(folder):
    return load_liqe(folder)


@pytest.fixture(scope="module")
def golden():
    return json.loads((REFERENCE / "golden.json").read_text())


@pytest.fixture(scope="module")
def astronaut():
    with Image.open(REFERENCE / "astronaut.png") as image:
        return image.convert("RGB")


def close(ours, published):
    torch.testing.assert_close(ours.double(), torch.tensor(published).double(), **CLOSE)


def test_branch_features_and_score(network, golden):
    generator = torch.Generator().manual_seed(7)
    full, face = (torch.randn(2, 3, 384, 384, generator=generator) for _ in range(2))
    liqe = torch.randn(2, 495, generator=generator)
    with torch.inference_mode():
        features = network.features({"frame": full[:, None], "face": face[:, None]})
        output = network.from_features(features, liqe)
    published = golden["dn_piqa"]
    close(features["frame"][:, 0, :8], published["full_features_first8"])
    close(features["face"][:, 0, :8], published["face_features_first8"])
    close(features["frame"].mean(dim=(1, 2)), published["full_features_mean"])
    close(features["frame"].std(dim=(1, 2)), published["full_features_std"])
    close(output.raw, published["score"])


def test_text_features(folder):
    with safe_open(folder / LIQE_FILE, "pt") as stored:
        close(stored.get_tensor("text"), np.load(REFERENCE / "liqe_text_features.npy"))


def test_liqe_logits(liqe, golden):
    image = torch.rand(1, 3, 480, 640, generator=torch.Generator().manual_seed(11))
    patches = torch.stack([image[0, :, y : y + 224, x : x + 224] for x, y in patch_corners(640, 480)])
    with torch.inference_mode():
        close(liqe(patches[None])[0], golden["liqe"]["logits"])


def test_liqe_logits_of_photos(liqe, astronaut, golden):
    """Both in one batch, which the published batch code gets wrong."""
    patches = torch.stack([cut_patches(astronaut), cut_patches(astronaut.resize((700, 480)))])
    with torch.inference_mode():
        logits = liqe(patches)
    close(logits[:, :8], [golden["end_to_end"]["liqe_first"], golden["end_to_end"]["liqe_700x480_first"]])
    close(logits[0].mean(), golden["end_to_end"]["liqe_mean"])


@pytest.mark.parametrize("case", ["face_box", "no_face"])
def test_five_crops_of_a_photo(case, network, liqe, astronaut, golden):
    published = golden["end_to_end"][case]
    preprocess = network.config.preprocess
    views = cut_views(astronaut, tuple(published["box"]) if published["box"] else None, preprocess)
    with torch.inference_mode():
        batch = normalise({cut: pixels[None] for cut, pixels in views.items()}, preprocess)
        output = network(batch, liqe(cut_patches(astronaut)[None]))
    close(output.crops[0], published["crops"])
    close(output.raw[0], published["score"])
