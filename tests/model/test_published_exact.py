"""Numbers of the published code, from the reference folder: checkpoints filled by its rule go through the importer.

From the published files to a score with the program, and the networks of the model that was made, one by one. Most of
the time goes into passes through them: there are no more of them than show a mistake.
"""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from piqa_cli.commands.app import run
from piqa_cli.model.liqe import cut_patches, patch_corners
from piqa_cli.model.store import LIQE_FILE, find_model
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.prepare import photo_inputs, stack
from piqa_cli.scoring.scorer import Scorer
from tests.model.published import REFERENCE, filled, official

TOLERANCE = 1e-4
BOX = (177.0, 62.0, 272.0, 191.0)
PHOTO = REFERENCE / "astronaut.png"
SOME = [0, 4]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PHOTO.exists(), reason="the reference folder is not there"),
]


def here(*arguments):
    """The program in this process."""
    assert run([str(argument) for argument in arguments]) == 0


@pytest.fixture(scope="module")
def models_dir(scratch):
    pytest.importorskip("open_clip")
    for which, name in (("dn_piqa", "PIQ_model.pth"), ("liqe", "LIQE.pt")):
        torch.save(filled(official(which)), scratch / name)
    files = ["--dn-piqa", scratch / "PIQ_model.pth", "--liqe", scratch / "LIQE.pt"]
    here("models", "import", *files, "--name", "dn-piqa", "--models-dir", scratch / "models")
    for name in ("PIQ_model.pth", "LIQE.pt"):
        (scratch / name).unlink()
    yield scratch / "models"
    here("models", "remove", "dn-piqa", "--yes", "--models-dir", scratch / "models")
    assert not list((scratch / "models").iterdir())


@pytest.fixture(scope="module")
def golden():
    return json.loads((REFERENCE / "golden.json").read_text())


@pytest.fixture(scope="module")
def astronaut():
    with Image.open(PHOTO) as image:
        return image.convert("RGB")


@pytest.fixture(scope="module")
def scorer(models_dir):
    return Scorer.load(find_model("dn-piqa", models_dir), EngineOptions(device="cpu"))


@pytest.fixture(scope="module")
def seen(scorer, astronaut):
    """What the branches and LIQE make of the photo with its face."""
    inputs = stack([photo_inputs(astronaut, BOX, scorer.config)])
    return scorer.features(inputs.views), scorer.auxiliary(inputs)


def crops(scorer, features, liqe):
    with torch.inference_mode():
        return scorer.network.from_features(features, liqe).crops[0]


def test_every_crop_agrees_with_the_published_code(scorer, seen, golden):
    close(crops(scorer, *seen), golden["end_to_end"]["face_box"]["crops"])


def test_a_photo_without_a_face_agrees_with_the_published_code(scorer, seen, astronaut, golden):
    """The full branch has read that photo already. Two of the crops, the first and the middle one."""
    whole = photo_inputs(astronaut, None, scorer.config).views["face"][None, SOME]
    features, liqe = seen
    found = {"frame": features["frame"][:, SOME]} | scorer.features({"face": whole})
    close(crops(scorer, found, liqe), [golden["end_to_end"]["no_face"]["crops"][crop] for crop in SOME])


def test_the_imported_model_scores_by_its_name(models_dir, tmp_path, golden):
    """The detector's own box is some pixels off the golden one, so one crop is near and not equal."""
    target = tmp_path / "scores.csv"
    where = ["--model", "dn-piqa", "--models-dir", models_dir, "--device", "cpu", "--workers", "0"]
    here("score", PHOTO, "-o", target, *where, "--no-cache", "--crops", "1")
    with target.open(newline="", encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["status"], row["face_score"]) == ("ok", "")
    assert float(row["raw_score"]) == pytest.approx(golden["end_to_end"]["face_box"]["crops"][-1], abs=0.05)
    assert row["model"].startswith("dn-piqa@")


def test_the_imported_model_is_listed_with_its_files(models_dir, capfd):
    capfd.readouterr()
    here("models", "list", "--models-dir", models_dir, "--json")
    assert "dn-piqa" in [entry["name"] for entry in json.loads(capfd.readouterr().out)]
    here("models", "info", "dn-piqa", "--models-dir", models_dir, "--json")
    parts = json.loads(capfd.readouterr().out)["source"]["parts"]
    assert parts == {"full": "PIQ_model.pth", "face": "PIQ_model.pth", "head": "PIQ_model.pth", "liqe": "LIQE.pt"}


@pytest.fixture(scope="module")
def network(scorer):
    return scorer.network


@pytest.fixture(scope="module")
def liqe(scorer):
    return scorer.liqe


def close(ours, published):
    torch.testing.assert_close(ours.double(), torch.tensor(published).double(), atol=TOLERANCE, rtol=0.0)


def test_branch_features_and_score(network, golden):
    """Of the first of the two pictures that were published."""
    generator = torch.Generator().manual_seed(7)
    full, face = (torch.randn(2, 3, 384, 384, generator=generator)[:1] for _ in range(2))
    liqe = torch.randn(2, 495, generator=generator)[:1]
    with torch.inference_mode():
        features = network.features({"frame": full[:, None], "face": face[:, None]})
        output = network.from_features(features, liqe)
    published = {name: values[:1] for name, values in golden["dn_piqa"].items()}
    close(features["frame"][:, 0, :8], published["full_features_first8"])
    close(features["face"][:, 0, :8], published["face_features_first8"])
    close(features["frame"].mean(dim=(1, 2)), published["full_features_mean"])
    close(features["frame"].std(dim=(1, 2)), published["full_features_std"])
    close(output.raw, published["score"])


def test_text_features(models_dir):
    with safe_open(models_dir / "dn-piqa" / LIQE_FILE, "pt") as stored:
        features = stored.get_tensor("text")
    assert features.shape == (495, 512)
    close(features, np.load(REFERENCE / "liqe_text_features.npy"))


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
