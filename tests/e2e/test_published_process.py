"""The authors' checkpoints, from the published files to a score, with the installed program as a real process.

The weights are filled by the rule of the reference folder, whose golden numbers come from the published code.
"""

import csv
import json
import subprocess
import sys

import pytest
import torch

from tests.model.published import REFERENCE, filled, official

PIQA = [sys.executable, "-m", "piqa_cli"]
PATIENCE_S = 1200  # the machine may be busy with other things
TOLERANCE = 1e-4
BOX = "177,62,272,191"
PHOTO = REFERENCE / "astronaut.png"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PHOTO.exists(), reason="the reference folder is not there"),
]


def piqa(*arguments):
    command = [*PIQA, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def models_dir(scratch):
    pytest.importorskip("open_clip")
    for which, name in (("dn_piqa", "PIQ_model.pth"), ("liqe", "LIQE.pt")):
        torch.save(filled(official(which)), scratch / name)
    files = ["--dn-piqa", scratch / "PIQ_model.pth", "--liqe", scratch / "LIQE.pt"]
    piqa("models", "import", *files, "--name", "dn-piqa", "--models-dir", scratch / "models")
    for name in ("PIQ_model.pth", "LIQE.pt"):
        (scratch / name).unlink()
    yield scratch / "models"
    piqa("models", "remove", "dn-piqa", "--yes", "--models-dir", scratch / "models")
    assert not list((scratch / "models").iterdir())


@pytest.fixture(scope="module")
def golden():
    return json.loads((REFERENCE / "golden.json").read_text())["end_to_end"]


@pytest.fixture(scope="module")
def explained(models_dir):
    where = ["--model", "dn-piqa", "--models-dir", models_dir, "--device", "cpu"]
    return json.loads(piqa("explain", PHOTO, "--face-box", BOX, "--json", *where))


def test_every_crop_agrees_with_the_published_code(explained, golden):
    crops = [crop["raw_score"] for crop in explained["crops"]]
    assert crops == pytest.approx(golden["face_box"]["crops"], abs=TOLERANCE)
    assert explained["raw_score"] == pytest.approx(golden["face_box"]["score"], abs=TOLERANCE)


def test_a_photo_without_a_face_agrees_with_the_published_code(explained, golden):
    branch = explained["branches"]["face_branch_reads_whole_photo"]
    assert branch["raw_score"] == pytest.approx(golden["no_face"]["score"], abs=TOLERANCE)


def test_the_imported_model_scores_by_its_name(models_dir, tmp_path, golden):
    """The detector's own box is some pixels off the golden one, so the score is near and not equal."""
    target = tmp_path / "scores.csv"
    where = ["--model", "dn-piqa", "--models-dir", models_dir, "--device", "cpu"]
    piqa("score", PHOTO, "-o", target, *where, "--no-cache")
    with target.open(newline="", encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["status"], row["face_score"]) == ("ok", "")
    assert float(row["raw_score"]) == pytest.approx(golden["face_box"]["score"], abs=0.05)
    assert row["model"].startswith("dn-piqa@")


def test_the_imported_model_is_listed_with_its_files(models_dir):
    entries = json.loads(piqa("models", "list", "--models-dir", models_dir, "--json"))
    assert "dn-piqa" in [entry["name"] for entry in entries]
    parts = json.loads(piqa("models", "info", "dn-piqa", "--models-dir", models_dir, "--json"))["source"]["parts"]
    assert parts == {"full": "PIQ_model.pth", "face": "PIQ_model.pth", "head": "PIQ_model.pth", "liqe": "LIQE.pt"}
