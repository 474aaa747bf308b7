"""Models that average crops and read LIQE's features, with a network and a LIQE small enough for tests."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch.utils.data._utils.pin_memory import pin_memory

from piqa_cli.errors import ModelError, UsageError
from piqa_cli.model.checkpoint import save_model
from piqa_cli.model.liqe import PATCHES, cut_patches
from piqa_cli.model.network import LIQE_WIDTH
from piqa_cli.model.preprocess import cut_views, normalise
from piqa_cli.model.store import find_model
from piqa_cli.records import PhotoFile
from piqa_cli.scoring import devices, scorer
from piqa_cli.scoring.cache import ResultCache
from piqa_cli.scoring.collection import score_collection
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.options import EngineOptions, Precision, variant
from piqa_cli.scoring.prepare import PhotoDataset, collate
from tests.model import tiny

ALONE = EngineOptions(device="cpu", workers=0, batch_size=1)
CONFIG = replace(tiny.CROPPED, full=tiny.BACKBONE, face=tiny.BACKBONE, auxiliary="liqe")


class TinyLiqe(torch.nn.Module):
    """Reads the patches' colours and their order."""

    def forward(self, patches):
        assert patches.dtype == torch.uint8
        assert patches.shape[1:] == (PATCHES, 3, 224, 224)
        colours = (patches.float() / 255).mean(dim=(3, 4)).flatten(1)  # (B, 45)
        weights = torch.randn(colours.shape[1], LIQE_WIDTH, generator=torch.Generator().manual_seed(1))
        return colours @ weights


@pytest.fixture(scope="module")
def network():
    network = tiny.network(CONFIG)
    with torch.no_grad():
        network.head[0].weight.mul_(3)
    return network


@pytest.fixture
def model(tmp_path_factory, network, monkeypatch):
    monkeypatch.setattr(scorer, "load_liqe", lambda folder: TinyLiqe())
    folder = tmp_path_factory.mktemp("models") / "tiny-liqe"
    save_model(network, folder, half=False)
    return find_model(str(folder))


@pytest.fixture(scope="module")
def shoot(tmp_path_factory):
    """Two portraits, a photo without a face, and one smaller than a patch."""
    folder = tmp_path_factory.mktemp("shoot")
    portrait = Image.fromarray(data.astronaut())
    portrait.resize((900, 700)).save(folder / "a.png")
    Image.fromarray(data.coffee()).save(folder / "b.png")
    portrait.crop((100, 0, 400, 512)).save(folder / "c.png")
    portrait.resize((150, 400)).save(folder / "d.png")
    return [PhotoFile(folder / f"{name}.png") for name in "abcd"]


def scored(files, model, options=ALONE):
    return [score for batch in score_files(files, model, options) for score in batch]


def test_the_score_is_the_mean_over_the_crops_with_liqe_of_the_whole_photo(shoot, model, network):
    (score,) = scored(shoot[1:2], model)
    image = Image.open(shoot[1].path).convert("RGB")
    views = {cut: pixels[None] for cut, pixels in cut_views(image, None, CONFIG.preprocess).items()}
    with torch.inference_mode():
        output = network(normalise(views, CONFIG.preprocess), TinyLiqe()(cut_patches(image)[None]))
    assert score.raw_score == pytest.approx(float(output.crops.mean()), abs=1e-5)
    assert output.crops.shape == (1, 5)


def test_a_batch_gives_what_one_by_one_gives(shoot, model):
    alone = [score.raw_score for score in scored(shoot, model)]
    together = [score.raw_score for score in scored(shoot, model, replace(ALONE, batch_size=4))]
    elsewhere = [score.raw_score for score in scored(shoot, model, replace(ALONE, batch_size=3, workers=1))]
    assert np.ptp(alone) > 0.01
    assert together == pytest.approx(alone, abs=1e-5)
    assert elsewhere == pytest.approx(alone, abs=1e-5)


def test_a_bad_photo_does_not_shift_the_features_of_the_others(shoot, model, tmp_path):
    (tmp_path / "bad.jpg").write_text("no photo")
    files = [shoot[0], PhotoFile(tmp_path / "bad.jpg"), shoot[1]]
    good, bad, other = scored(files, model, replace(ALONE, batch_size=3))
    assert bad.status == "error"
    assert [good.raw_score, other.raw_score] == pytest.approx([s.raw_score for s in scored(shoot[:2], model)], abs=1e-5)


def test_faces_are_found_but_not_scored_alone(shoot, model):
    score = scored(shoot[:1], model)[0]
    assert score.status == "ok"
    assert score.faces
    assert (score.face_score, score.worst_face_score, score.face_defects) == (None, None, None)


def test_without_liqe_weights_the_model_is_refused(shoot, tmp_path, network):
    save_model(network, tmp_path / "liqe")
    with pytest.raises(ModelError, match="LIQE"):
        scored(shoot[:1], find_model(str(tmp_path / "liqe")))


def test_one_crop_is_the_centre_crop_and_says_so(shoot, model, network):
    options = replace(ALONE, crops=1)
    (score,) = scored(shoot[1:2], model, options)
    image = Image.open(shoot[1].path).convert("RGB")
    views = {cut: pixels[None, -1:] for cut, pixels in cut_views(image, None, CONFIG.preprocess).items()}
    with torch.inference_mode():
        output = network(normalise(views, CONFIG.preprocess), TinyLiqe()(cut_patches(image)[None]))
    assert score.raw_score == pytest.approx(float(output.raw), abs=1e-5)
    assert score.model == f"{model.id}-1-crop"


def test_the_cache_keeps_results_of_one_crop_and_of_five_apart(shoot, model, tmp_path):
    def run(crops, known):
        cache = ResultCache.open(tmp_path)
        seen = []
        options = replace(ALONE, crops=crops)
        batches = list(score_collection(shoot[:2], model, options, cache, on_progress=seen.append))
        cache.close()
        assert seen[-1].cached == known
        return [score.raw_score for batch in batches for score in batch]

    five, one = run(None, 0), run(1, 0)
    assert five != pytest.approx(one, abs=1e-4)
    assert (run(None, 2), run(1, 2), run(5, 2)) == (five, one, five)


@pytest.mark.parametrize("crops", [1, 5])
def test_a_model_without_crops_refuses_a_number_of_them(crops, tmp_path):
    save_model(tiny.network(tiny.LITE), tmp_path / "tiny")
    with pytest.raises(UsageError, match="tiny reads whole photos"):
        variant(find_model(str(tmp_path / "tiny")), EngineOptions(crops=crops))


def test_other_numbers_of_crops_are_refused(model):
    with pytest.raises(UsageError, match="3 crops"):
        variant(model, EngineOptions(crops=3))


def test_bf16_is_near_float32_and_kept_apart(shoot, model):
    files = shoot[::3]  # a portrait, and the photo smaller than a patch; bf16 takes long on most processors
    exact = scored(files, model)
    short = scored(files, model, replace(ALONE, precision=Precision.BF16))
    differences = [abs(a.raw_score - b.raw_score) for a, b in zip(exact, short, strict=True)]
    assert 0 < max(differences) < 0.1
    assert {score.model for score in short} == {f"{model.id}-bf16"}


def test_the_loader_pins_every_input_for_a_gpu(shoot, monkeypatch):
    """Without a GPU nothing can be pinned; that the loader finds its way to each tensor can be seen all the same."""
    pinned = []

    def pin(tensor):
        pinned.append(tensor.shape)
        return tensor.clone()

    dataset = PhotoDataset(replace(tiny.CROPPED, auxiliary="none"), 10_000_000)
    batch = collate([dataset[file] for file in shoot[:2]])
    with_liqe = collate([PhotoDataset(CONFIG, 10_000_000)[file] for file in shoot[:2]])
    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    again = pin_memory(batch)
    assert pinned == [(2, 5, 3, 48, 48)] * 2 + [(1, 5, 3, 48, 48)] * 2
    assert (again.records, again.scored, again.face_owners) == (batch.records, [0, 1], [0])
    pin_memory(with_liqe)
    assert pinned[-1] == (2, PATCHES, 3, 224, 224)


@pytest.mark.parametrize(
    ("cores", "asked", "threads", "workers"),
    [(1, None, 1, 1), (2, None, 2, 1), (8, None, 8, 1), (64, None, 64, 8), (8, 3, 8, 3), (2, 0, 2, 0)],
)
def test_a_heavy_network_takes_every_core_and_few_workers(cores, asked, threads, workers, monkeypatch):
    monkeypatch.setattr(devices, "available_cores", lambda: cores)
    given = []
    monkeypatch.setattr(devices.torch, "set_num_threads", given.append)
    assert devices.share_out(EngineOptions(workers=asked), torch.device("cpu"), heavy=True) == workers
    assert given == [threads]


@pytest.mark.parametrize(
    ("device", "heavy", "asked", "size"),
    [
        ("cpu", False, None, 2),
        ("cpu", True, None, 1),
        ("cuda", False, None, 32),
        ("cuda", True, None, 8),
        ("cpu", True, 4, 4),
        ("cuda", True, 64, 64),
    ],
)
def test_batches_fit_the_device(device, heavy, asked, size):
    assert devices.batch_size(EngineOptions(batch_size=asked), torch.device(device), heavy=heavy) == size


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_what_the_cpu_gives(shoot, model):
    here = [score.raw_score for score in scored(shoot, model)]
    there = [score.raw_score for score in scored(shoot, model, EngineOptions(device="cuda", batch_size=4, workers=2))]
    assert there == pytest.approx(here, abs=2e-3)  # TF32 is off, convolutions differ in the order of sums
