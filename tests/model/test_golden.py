"""Numbers of this project's own for the whole way from published files to crops, for machines without the reference."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data

from piqa_cli.model import published_liqe
from piqa_cli.model.checkpoint import load_model
from piqa_cli.model.liqe import cut_patches, load_liqe
from piqa_cli.model.preprocess import cut_views, normalise
from piqa_cli.model.published import import_published
from tests.model.published import SMALL, clip_layout, dn_piqa_layout, fill, filled

GOLDEN = Path(__file__).parents[1] / "golden" / "published_small.json"
BOX = (177.0, 62.0, 272.0, 191.0)
AT_THE_BORDER = (-12.5, 300.6, 90.4, 505.5)


def outputs(place):
    """Everything that the golden file holds, made anew."""
    text = torch.nn.functional.normalize(fill("text_features", (495, 512)), dim=1)
    image = {name: shape for name, shape in clip_layout().items() if name.startswith("visual.")}
    hollow = {name: torch.zeros(()).expand(shape) for name, shape in clip_layout().items()}
    torch.save(filled(dn_piqa_layout()), place / "PIQ_model.pth")
    torch.save(hollow | filled(image) | {"logit_scale": fill("logit_scale", ())}, place / "LIQE.pt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published_liqe, "encode_prompts", lambda tower: text)
        import_published(place / "PIQ_model.pth", place / "LIQE.pt", folder=place / "small", config=SMALL)
    network, liqe = load_model(place / "small"), load_liqe(place / "small")
    astronaut = Image.fromarray(data.astronaut())
    result = {}
    with torch.inference_mode():
        logits = liqe(cut_patches(astronaut)[None])
        result["liqe"] = logits[0, :: 495 // 15].tolist()
        features = {}
        for name, box in (("face", BOX), ("no_face", None), ("face_at_the_border", AT_THE_BORDER)):
            views = cut_views(astronaut, box, SMALL.preprocess)
            new = {cut: pixels[None] for cut, pixels in views.items() if cut not in features or cut == "face"}
            features |= network.features(normalise(new, SMALL.preprocess))  # the frame is the same for every face
            result[name] = network.from_features(features, logits).crops[0].tolist()
    return result


@pytest.fixture(scope="module")
def made(scratch):
    return outputs(scratch)


@pytest.mark.parametrize("name", ["liqe", "face", "no_face", "face_at_the_border"])
def test_the_numbers_are_the_same_as_when_they_agreed_with_the_published_code(name, made):
    golden = json.loads(GOLDEN.read_text())["outputs"][name]
    torch.testing.assert_close(torch.tensor(made[name]), torch.tensor(golden), atol=1e-4, rtol=0.0)


def test_face_crops_differ_so_the_numbers_can_fail(made):
    assert len({round(value, 3) for name in ("face", "no_face", "face_at_the_border") for value in made[name]}) > 10
