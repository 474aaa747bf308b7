"""The local map: where its patches lie, what counts as plain, and whether it finds what is wrong where it is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from skimage import data

from piqa_cli.model.checkpoint import save_model
from piqa_cli.model.preprocess import cut_views, face_region
from piqa_cli.model.presets import PIQA_LITE
from piqa_cli.model.store import DEFAULT_MODEL, find_model
from piqa_cli.scoring import heatmap, scorer
from piqa_cli.scoring.complete import to_score
from piqa_cli.scoring.explain import explain_photo
from piqa_cli.scoring.heatmap import grid, local_map, patch_boxes, patch_views, relative_structure, structure_of
from piqa_cli.scoring.heatmap_surface import surface
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.prepare import photo_inputs, stack
from piqa_cli.scoring.scorer import Scorer
from tests.model import tiny
from tests.scoring.test_engine_liqe import CONFIG, TinyLiqe

CPU = EngineOptions(device="cpu")
FACE = (177, 62, 272, 191)  # the astronaut's
BODY = (100, 300, 330, 500)  # suit with badges


@pytest.mark.parametrize(
    ("size", "cells"), [((512, 512), (8, 8)), ((2000, 1333), (8, 5)), ((1200, 1600), (6, 8)), ((3000, 20), (8, 1))]
)
def test_the_grid_has_nearly_square_cells(size, cells):
    assert grid(size) == cells


@pytest.mark.parametrize("size", [(512, 512), (2000, 1333), (3000, 20), (20, 3000), (7, 5), (1, 1)])
def test_patches_lie_in_the_photo_and_leave_nothing_out(size):
    covered = np.zeros(size[::-1], dtype=bool)
    boxes = list(patch_boxes(size, least=128))
    assert len(boxes) == np.prod(grid(size))
    for x1, y1, x2, y2 in boxes:
        assert 0 <= x1 < x2 <= size[0]
        assert 0 <= y1 < y2 <= size[1]
        covered[y1:y2, x1:x2] = True
    assert covered.all()


def test_no_patch_is_enlarged():
    """A patch smaller than a view is repeated at its own scale: every pixel of the view is one of the patch."""
    patch = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8))
    config = replace(tiny.LITE.preprocess, views=tiny.LITE.preprocess.views[1:])
    known = set(map(tuple, np.asarray(patch).reshape(-1, 3)))
    for pixels in patch_views(patch, config).values():
        assert set(map(tuple, pixels[0].permute(1, 2, 0).reshape(-1, 3).numpy())) <= known


def test_a_smooth_sky_has_no_structure_and_texture_has():
    y, x = np.mgrid[:90, :120]
    sky = Image.fromarray((60 + x + y / 2).astype(np.uint8))
    noise = Image.fromarray(np.random.default_rng(1).normal(128, 20, (90, 120)).clip(0, 255).astype(np.uint8))
    assert structure_of(sky) < 0.5
    assert structure_of(noise) == pytest.approx(20, rel=0.05)
    assert structure_of(Image.new("L", (1, 1), 7)) == 0


def test_structure_is_relative_to_the_photo():
    clear, hazy = relative_structure([40.0, 40.0, 4.0]), relative_structure([10.0, 10.0, 1.0])
    assert clear[0] > 0.8
    assert clear[2] < 0.1
    assert hazy == pytest.approx(clear, abs=0.05)
    assert relative_structure([0.0, 0.0]) == [0.0, 0.0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, config in {"lite": tiny.LITE, "liqe": CONFIG}.items():
        save_model(tiny.network(config), folder / name, half=False)
    return folder


@pytest.mark.parametrize("name", ["lite", "liqe"])
def test_a_patch_takes_the_place_of_the_face(folder, name, monkeypatch):
    """Alone or in a batch, its score is the network's for the photo's frame (and LIQE) and the patch's own views."""
    monkeypatch.setattr(scorer, "load_liqe", lambda folder: TinyLiqe())
    found, image = Scorer.load(find_model(name, folder), CPU), Image.fromarray(data.astronaut())
    inputs = stack([photo_inputs(image, None, found.config)])
    features, liqe = found.features(inputs.views), found.auxiliary(inputs)
    local = local_map(found, image, 0.5, features, liqe)
    views = found.config.preprocess.views
    for number in (0, 11, 63):
        patch = local.patches[number]
        box = tuple(round(edge * 0.5) for edge in patch.box)
        only_local = replace(found.config.preprocess, views=tuple(v for v in views if v.cut != "frame"))
        read = found.features({cut: v[None, -1:] for cut, v in patch_views(image.crop(box), only_local).items()})
        with torch.inference_mode():
            frame = {"frame": features["frame"][:, -1:]}
            output = found.network.from_features({**frame, **read}, liqe)
        assert patch.score == pytest.approx(to_score(float(output.raw[0]), found.config.score_map), abs=1e-2)
        assert (patch.defects is None) == (name == "liqe")
    assert len({round(patch.score, 6) for patch in local.patches}) > 50
    assert max(patch.box[2] for patch in local.patches) == 1024  # full resolution


def test_a_patch_stands_for_a_face_with_its_margin():
    image, face = Image.fromarray(data.astronaut()), (140.0, 140.0, 340.0, 340.0)
    config = PIQA_LITE.preprocess
    patch = image.crop(tuple(map(round, face_region(image.size, face, config))))
    found, expected = patch_views(patch, config)["inner"], cut_views(image, face, config)["inner"]
    assert torch.equal(found, expected)


def _blurred(image, box, *, inside):
    mask = Image.new("L", image.size, 0)
    mask.paste(255, (box[0] - 15, box[1] - 25, box[2] + 15, box[3] + 15))
    mask = mask.filter(ImageFilter.GaussianBlur(6))
    soft = image.filter(ImageFilter.GaussianBlur(5))
    return Image.composite(soft, image, mask) if inside else Image.composite(image, soft, mask)


def _noisy_right(image):
    pixels = np.asarray(image, dtype=np.float64).copy()
    pixels[:, 256:] += np.random.default_rng(0).normal(0, 28, pixels[:, 256:].shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _explained(image, folder, monkeypatch):
    """By the default model; a coarser grid than people get, to save time."""
    monkeypatch.setattr(heatmap, "ALONG", 5)
    image.save(folder / "photo.png")
    return explain_photo(folder / "photo.png", find_model(DEFAULT_MODEL), CPU, tuple(map(float, FACE)), with_map=True)


def _mean(explanation, box):
    x1, y1, x2, y2 = box
    return float(surface(explanation, (512, 512)).score[y1:y2, x1:x2].mean())


def _patches(explanation, box):
    """Scores of the patches whose middle is in the box."""
    middles = [((p.box[0] + p.box[2]) / 2, (p.box[1] + p.box[3]) / 2, p.score) for p in explanation.local.patches]
    return [score for x, y, score in middles if box[0] <= x <= box[2] and box[1] <= y <= box[3]]


def test_a_blurred_face_stands_out_from_a_sharp_background(tmp_path, monkeypatch):
    found = _explained(_blurred(Image.fromarray(data.astronaut()), FACE, inside=True), tmp_path, monkeypatch)
    assert np.mean(_patches(found, FACE)) < min(_patches(found, BODY))
    assert _mean(found, FACE) < _mean(found, BODY) - 15


def test_a_sharp_face_stands_out_from_a_blurred_background(tmp_path, monkeypatch):
    found = _explained(_blurred(Image.fromarray(data.astronaut()), FACE, inside=False), tmp_path, monkeypatch)
    assert min(_patches(found, FACE)) > max(_patches(found, BODY))
    assert _mean(found, FACE) > _mean(found, BODY) + 15


def test_noise_is_found_where_it_is_and_named(tmp_path, monkeypatch):
    found = _explained(_noisy_right(Image.fromarray(data.astronaut())), tmp_path, monkeypatch)
    assert _mean(found, (300, 0, 512, 512)) < _mean(found, (0, 0, 200, 512)) - 15
    noise = [(p.box, p.defects.as_dict()["noise"]) for p in found.local.patches]
    assert np.mean([n for box, n in noise if box[0] >= 256]) > np.mean([n for box, n in noise if box[2] <= 256]) + 0.2
