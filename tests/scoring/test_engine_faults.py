"""The engine with photos that kill and hang workers, devices that run full, and several devices."""

import os
import signal
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest
import torch
from PIL import Image
from skimage import data

from piqa_cli.errors import EngineError, UsageError
from piqa_cli.faces.eyes import EyePairs
from piqa_cli.model.checkpoint import save_model
from piqa_cli.model.store import find_model
from piqa_cli.records import PhotoFile
from piqa_cli.scoring import eyes, halving, prepare
from piqa_cli.scoring.cache import ResultCache
from piqa_cli.scoring.collection import score_collection
from piqa_cli.scoring.complete import score_batch
from piqa_cli.scoring.devices import choose_device, choose_devices
from piqa_cli.scoring.engine import batches, score_files
from piqa_cli.scoring.halving import HalvingScorer, part
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.prepare import PhotoDataset, collate
from piqa_cli.scoring.scorer import Scorer
from piqa_training.fit import distributed
from tests.model import tiny

ALONE = EngineOptions(device="cpu", workers=0, batch_size=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(tiny.network(tiny.LITE), folder)
    return find_model(str(folder))


@pytest.fixture(scope="module")
def shoot(tmp_path_factory):
    """Seven different small portraits, the fourth with two faces and the sixth damaged."""
    folder = tmp_path_factory.mktemp("shoot")
    portrait = Image.fromarray(data.astronaut()).resize((256, 256))
    for n in range(7):
        portrait.crop((20 + 5 * n, 0, 200, 150 + 10 * n)).save(folder / f"{n}.png")
    pair = Image.new("RGB", (512, 256))
    pair.paste(portrait, (0, 0))
    pair.paste(portrait.resize((200, 200)), (280, 50))
    pair.save(folder / "3.png")
    (folder / "5.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    return [PhotoFile(folder / f"{n}.png") for n in range(7)]


@pytest.fixture(scope="module")
def expected(shoot, model):
    """What a plain run without workers says."""
    return numbers(scored(shoot, model))


def scored(files, model, options=ALONE):
    return [score for batch in score_files(files, model, options) for score in batch]


def numbers(scores):
    return [(score.path.name, score.status, score.raw_score, score.worst_face_score) for score in scores]


def close_to(expected):
    return [(name, status, *(pytest.approx(v, abs=1e-4) for v in values)) for name, status, *values in expected]


@pytest.fixture
def deadly(monkeypatch):
    """Decoding `1.png` kills the process, decoding `4.png` never ends."""
    original = prepare.decode

    def decode(path, **options):
        if path.name == "1.png":
            os.kill(os.getpid(), signal.SIGKILL)
        if path.name == "4.png":
            time.sleep(1000)
        return original(path, **options)

    monkeypatch.setattr(prepare, "decode", decode)


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked and so inherit the decoder")
def test_photos_that_kill_and_hang_decoders_become_rows(shoot, model, deadly, tmp_path):
    options = replace(ALONE, workers=2, batch_size=2, file_timeout=20)
    cache = ResultCache.open(tmp_path)
    scores = [score for batch in score_collection(shoot, model, options, cache) for score in batch]
    answers = cache.lookup(shoot, model, options.max_megapixels)
    cache.close()
    assert [score.path for score in scores] == [file.path for file in shoot]
    assert [score.status for score in scores] == ["ok", "error", "ok", "ok", "error", "error", "ok"]
    assert "killed (SIGKILL)" in scores[1].reason
    assert "not read within 20 s" in scores[4].reason
    assert all(score.model == model.id for score in scores)
    kept = [score is not None for _, _, score in answers]
    assert kept == [True, False, True, True, False, True, True]  # the next run tries those two again


FULL_GPU = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
FULL_CUBLAS = RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
FULL_CPU = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "16777216 bytes. Error code 12 (Cannot allocate memory)"
)


class SmallDevice:
    """Stands in for `score_batch` on a device that has room for a few photos."""

    def __init__(self, room, error=FULL_GPU):
        self.room = room
        self.error = error
        self.passes = []

    def __call__(self, scorer, batch):
        self.passes.append(len(batch.records))
        if len(batch.records) > self.room:
            raise self.error
        return score_batch(scorer, batch)


@pytest.mark.parametrize(
    "error",
    [FULL_GPU, FULL_CUBLAS, FULL_CPU, MemoryError("std::bad_alloc")],
    ids=["gpu", "cublas", "cpu", "c++"],
)
def test_a_batch_that_is_too_large_for_the_device_is_halved(shoot, model, expected, monkeypatch, error):
    device = SmallDevice(2, error)
    monkeypatch.setattr(halving, "score_batch", device)
    assert numbers(scored(shoot, model, replace(ALONE, batch_size=7))) == close_to(expected)
    assert device.passes == [7, 3, 1, 1, 1, 1, 1, 1, 1]


def test_what_fits_is_remembered(shoot, model, monkeypatch):
    device = SmallDevice(room=2)
    monkeypatch.setattr(halving, "score_batch", device)
    scored(shoot, model, replace(ALONE, batch_size=4))
    assert device.passes == [4, 2, 2, 2, 1]


@pytest.mark.parametrize("error", [FULL_GPU, MemoryError()], ids=["gpu", "python"])
def test_a_device_without_room_for_one_photo_ends_the_run(shoot, model, monkeypatch, error):
    monkeypatch.setattr(halving, "score_batch", SmallDevice(0, error))
    with pytest.raises(EngineError, match="out of memory"):
        scored(shoot, model)


def test_other_failures_of_the_device_are_not_tried_again(shoot, model, monkeypatch):
    calls = []

    def fail(scorer, batch):
        calls.append(len(batch.records))
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(halving, "score_batch", fail)
    with pytest.raises(EngineError, match="illegal memory access"):
        scored(shoot, model)
    assert calls == [4]


def test_a_part_of_a_batch_has_its_own_faces_and_failures(shoot, model):
    dataset = PhotoDataset(tiny.LITE, 10_000_000)
    whole = collate([dataset[file] for file in shoot])
    assert (whole.scored, whole.face_owners) == ([0, 1, 2, 3, 4, 6], [3])
    tail = part(whole, 3, 7)
    assert [record.path.name for record in tail.records] == ["3.png", "4.png", "5.png", "6.png"]
    assert (tail.scored, tail.face_owners) == ([0, 1, 3], [0])
    assert len(tail.inputs) == 3
    assert len(tail.faces) == 1
    assert torch.equal(tail.inputs.views["frame"], whole.inputs.views["frame"][3:])
    only_broken = part(whole, 5, 6)
    assert (only_broken.scored, len(only_broken.inputs), len(only_broken.faces)) == ([], 0, 0)


def test_two_devices_share_the_photos_and_give_one_table(shoot, model, expected, monkeypatch):
    used = {}
    original = HalvingScorer.score
    barrier = threading.Barrier(2, timeout=60)  # both devices are at work at the same time

    def score(self, batch):
        if not used.setdefault(id(self), []):
            barrier.wait()
        used[id(self)].append(len(batch.records))
        return original(self, batch)

    monkeypatch.setattr(HalvingScorer, "score", score)
    scores = scored(shoot, model, replace(ALONE, device="cpu,cpu", batch_size=1))
    assert numbers(scores) == close_to(expected)
    assert len(used) == 2
    assert sum(sum(sizes) for sizes in used.values()) == len(shoot)


def test_a_failing_device_among_several_ends_the_run(shoot, model, monkeypatch):
    def fail(*_):
        raise RuntimeError("CUDA error: device lost")

    monkeypatch.setattr(halving, "score_batch", fail)
    with pytest.raises(EngineError, match="device lost"):
        scored(shoot, model, replace(ALONE, device="cpu,cpu"))


@pytest.mark.parametrize(
    ("names", "gpus", "chosen"),
    [
        ("auto", 0, ["cpu"]),
        ("all", 0, ["cpu"]),
        ("cpu,cpu", 0, ["cpu", "cpu"]),
        ("all", 3, ["cuda:0", "cuda:1", "cuda:2"]),
        ("0,2", 3, ["cuda:0", "cuda:2"]),
        ("cuda:1, 0", 3, ["cuda:1", "cuda:0"]),
    ],
)
def test_devices_are_named_by_number_by_name_or_all(names, gpus, chosen, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    empty = torch.empty
    monkeypatch.setattr(torch, "empty", lambda *shape, device: empty(*shape))
    assert [str(device) for device in choose_devices(names)] == chosen


@pytest.mark.parametrize(("name", "shortened"), [("cuda:1", False), ("1", False), ("auto", False), ("cpu", True)])
def test_cuda_computes_float32_in_full(name, shortened, monkeypatch):
    flags = (torch.backends.cudnn, torch.backends.cuda.matmul)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    empty = torch.empty
    monkeypatch.setattr(torch, "empty", lambda *shape, device: empty(*shape))
    before = [flag.allow_tf32 for flag in flags]
    try:
        for flag in flags:
            flag.allow_tf32 = True
        choose_device(name)
        assert [flag.allow_tf32 for flag in flags] == [shortened, shortened]
    finally:
        for flag, was in zip(flags, before, strict=True):
            flag.allow_tf32 = was


def test_mps_is_chosen_where_it_is_present(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert [device.type for device in choose_devices("auto")] == ["mps"]
    assert os.environ["PYTORCH_ENABLE_MPS_FALLBACK"] == "1"


@pytest.mark.parametrize(("device", "beside"), [("cuda", True), ("mps", False), ("cpu", False)])
def test_only_a_copy_to_cuda_is_not_waited_for(device, beside, shoot, model, monkeypatch):
    """Apple's MPS reads the memory later, when what was copied may be gone; there are no such devices here."""
    waited = []

    def to(tensor, *where, non_blocking=False, **options):
        waited.append(not non_blocking)
        return tensor

    dataset = PhotoDataset(tiny.LITE, 10_000_000)
    batch = collate([dataset[file] for file in shoot[:4]])
    scorer = replace(Scorer.load(model, ALONE), device=torch.device(device))
    monkeypatch.setattr(eyes, "load_eye_reader", lambda _: lambda pixels, turns: turns)
    monkeypatch.setattr(torch.Tensor, "to", to)
    scorer.move(batch.inputs.views)
    one = EyePairs((0,), torch.zeros(1, 2, 3, 64, 64, dtype=torch.uint8), torch.zeros(1))
    eyes.with_eyes(batch.records[3:], [(0, one)], scorer.device)
    assert waited == [not beside] * (len(batch.inputs.views) + 2)


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="'97' cannot be used"):
        choose_devices("cpu,97")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="there is one")
@pytest.mark.parametrize("choose", [choose_device, distributed.choose_device])
def test_it_is_said_in_one_sentence_that_a_device_is_not_there(choose):
    with pytest.raises(UsageError, match="'mps' cannot be used: ") as refused:
        choose("mps")
    assert len(refused.value.message) < 150


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="fewer than two CUDA devices")
def test_two_gpus_give_what_the_cpu_gives(shoot, model, expected):
    there = scored(shoot, model, EngineOptions(device="all", batch_size=2, workers=2))
    for here, score in zip(expected, numbers(there), strict=True):
        assert score[:2] == here[:2]
        assert score[2:] == pytest.approx(here[2:], abs=2e-3)


def test_an_abandoned_run_leaves_no_process(shoot, model):
    before = psutil.Process().children(recursive=True)
    results = score_files(shoot, model, replace(ALONE, workers=2, batch_size=1))
    next(results)
    assert len(psutil.Process().children(recursive=True)) > len(before)
    results.close()
    assert set(psutil.Process().children(recursive=True)) <= set(before)


def test_prepared_batches_can_be_used_from_outside(shoot, model, expected):
    scorer = Scorer.load(model, ALONE)
    scores = [score for batch in batches(shoot, scorer, ALONE) for score in score_batch(scorer, batch)]
    assert numbers(scores) == close_to(expected)
