"""The paper's model, side by side with the published program's plain order of operations.

    python -m benchmarks.dn_piqa                      # on the CPU: same scores, time, memory
    python -m benchmarks.dn_piqa --device cuda        # photos a second, how busy the device is, bf16

Without --model the networks are filled with made weights: times, memory and the agreement of the two ways hold for any
weights, a rank correlation between one crop and five does not. Without --photos they are made from scikit-image's
portrait. Both ways get the same face box and neither looks for faces; pixels are decoded by both. Photos over 4
megapixels are left out of the comparison, because the published way unfolds each into several gigabytes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.stats import spearmanr
from skimage import data
from torch import Tensor, nn

from benchmarks.published_order import published_crops, unfolded_bytes
from piqa_cli.model.checkpoint import load_model, save_model
from piqa_cli.model.liqe import Liqe, cut_patches, load_liqe, save_liqe
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.presets import DN_PIQA
from piqa_cli.model.store import ModelFolder, find_model
from piqa_cli.photos.decode import decode
from piqa_cli.records import Box, PhotoFile, PhotoScore
from piqa_cli.scoring.complete import score_batch
from piqa_cli.scoring.devices import share_out
from piqa_cli.scoring.engine import batches
from piqa_cli.scoring.options import EngineOptions, Precision
from piqa_cli.scoring.prepare import photo_inputs, stack
from piqa_cli.scoring.scorer import Scorer

SIZES = ((1152, 864), (1600, 1200), (2304, 1728))  # 1, 2 and 4 megapixels
LARGE = (4000, 3000)
MOST_COMPARED = 4.2e6  # pixels: 1.7 GB of patches
TOLERANCE = 1e-4
TIME_SHARE, ONE_CROP_SHARE, LIQE_LIMIT_MB = 0.75, 0.2, 1500


@dataclass(frozen=True)
class Sample:
    path: Path
    size: tuple[int, int]
    face: Box | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="an imported model, by name or folder; made weights otherwise")
    parser.add_argument("--models-dir", type=Path, help="where models are found by name")
    parser.add_argument("--photos", type=Path, help="a folder of photos, the face box taken as the middle fifth")
    parser.add_argument("--count", type=int, default=6, help="photos: made, or at most taken from --photos")
    parser.add_argument("--device", default="cpu", help="cpu: compare with the published order; cuda: throughput")
    parser.add_argument("--batch-size", type=int, help="photos in one pass, for --device cuda")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        model = find_model(options.model, options.models_dir) if options.model else made_model(work / "dn-piqa")
        samples = read_samples(options.photos, options.count) if options.photos else make_samples(work, options.count)
        cores = len(os.sched_getaffinity(0))
        print(f"{len(samples)} photos, {cores} cores, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}")
        if options.device == "cpu":
            compare(model, samples)
            report_liqe_memory(model, work)
        else:
            throughput(model, samples, options.device, options.batch_size)


def compare(model: ModelFolder, samples: Sequence[Sample]) -> None:
    """Time and scores of both ways, photo by photo in turn, so that a change of the machine's load meets both."""
    cpu = EngineOptions(device="cpu", workers=0)
    scorer = Scorer.load(model, cpu)
    share_out(cpu, scorer.device, heavy=True)
    network, liqe = load_model(model.path), load_liqe(model.path)
    compared = [sample for sample in samples if sample.size[0] * sample.size[1] <= MOST_COMPARED]
    ways: dict[str, Callable[[Sample], Tensor]] = {
        "published": lambda sample: published_crops(str(sample.path), sample.face, network, liqe),
        "five crops": lambda sample: our_crops(scorer, sample, None),
        "one crop": lambda sample: our_crops(scorer, sample, 1),
    }
    for way in ways.values():
        way(compared[0])  # the first pass allocates
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    outputs: dict[str, list[Tensor]] = {name: [] for name in ways}
    for sample in compared:
        for name, way in ways.items():
            start = time.perf_counter()
            outputs[name].append(way(sample))
            seconds[name].append(time.perf_counter() - start)
        print(f"  {sample.size[0]} x {sample.size[1]}: " + ", ".join(f"{n} {s[-1]:.2f} s" for n, s in seconds.items()))
    report_comparison(seconds, outputs)


def report_comparison(seconds: dict[str, list[float]], outputs: dict[str, list[Tensor]]) -> None:
    whole = sum(seconds["published"])
    for name, values in seconds.items():
        limit = {"five crops": TIME_SHARE, "one crop": ONE_CROP_SHARE}.get(name)
        share = f"{sum(values) / whole:.3f} of published" + (f", wanted at most {limit}" if limit else "")
        report(name, f"{sum(values) / len(values):.2f} s/photo", share)
    pairs = zip(outputs["published"], outputs["five crops"], strict=True)
    report("difference", f"{max(float((a - b).abs().max()) for a, b in pairs):.1e}", f"limit {TOLERANCE:g}, per crop")
    centre = zip(outputs["published"], outputs["one crop"], strict=True)
    report("", f"{max(float((a[-1:] - b).abs().max()) for a, b in centre):.1e}", "the centre crop alone")
    if len(outputs["one crop"]) > 2:
        scores = [[float(crops.mean()) for crops in outputs[name]] for name in ("five crops", "one crop")]
        report("SRCC", f"{spearmanr(*scores).statistic:.3f}", "between five crops and one")


def our_crops(scorer: Scorer, sample: Sample, crops: int | None) -> Tensor:
    """What `piqa score` does with a photo, apart from finding faces."""
    image = decode(sample.path).image
    output, _ = scorer.photos(stack([photo_inputs(image, sample.face, scorer.config, crops)]))
    return output.crops[0]


def report_liqe_memory(model: ModelFolder, work: Path) -> None:
    """Peak memory of a process of its own that decodes a photo and runs LIQE on it."""
    make_photo(LARGE, 0).save(work / "large.jpg", quality=92)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        before, after = pool.apply(_liqe_memory, (model.path, work / "large.jpg"))
    report(
        "LIQE memory", f"{after:.0f} MB", f"peak for 12 megapixels, limit {LIQE_LIMIT_MB}; before it {before:.0f} MB"
    )
    report("", f"{unfolded_bytes(*LARGE) / 1e6:.0f} MB", "that the published way unfolds, beside everything else")


def _liqe_memory(folder: Path, photo: Path) -> tuple[float, float]:
    torch.set_num_threads(2)
    liqe = load_liqe(folder)
    before = _peak_mb()
    with torch.inference_mode():
        liqe(cut_patches(decode(photo).image)[None])
    return before, _peak_mb()


def _peak_mb() -> float:
    """From /proc, because what `getrusage` says starts at the size of the parent process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / 1e6


def throughput(model: ModelFolder, samples: Sequence[Sample], device: str, size: int | None) -> None:
    """Photos a second through the whole engine with its workers, in both precisions, once to warm up."""
    scores: dict[Precision, list[float]] = {}
    for precision in Precision:
        options = EngineOptions(device=device, batch_size=size, precision=precision)
        scorer = Scorer.load(model, options)
        run(scorer, samples, options)
        started = time.perf_counter()
        found, busy = run(scorer, samples, options)
        seconds = time.perf_counter() - started
        scores[precision] = [score.raw_score for score in found if score.raw_score is not None]
        report(
            precision.value, f"{len(found) / seconds:.1f} photos/s", f"device at work {busy / seconds:.0%} of the time"
        )
        if scorer.device.type == "cuda":
            report("", f"{torch.cuda.max_memory_allocated() / 1e6:.0f} MB", "peak memory of the device")
            torch.cuda.reset_peak_memory_stats()
    exact, short = scores[Precision.FLOAT32], scores[Precision.BF16]
    report("bf16 - float32", f"{max(abs(a - b) for a, b in zip(exact, short, strict=True)):.1e}", "largest difference")
    report("", f"{float(np.std(exact)):.1e}", "standard deviation of the raw scores")
    if len(exact) > 2:
        report("SRCC", f"{spearmanr(exact, short).statistic:.3f}", "between float32 and bf16")


def run(scorer: Scorer, samples: Sequence[Sample], options: EngineOptions) -> tuple[list[PhotoScore], float]:
    """All scores, and the seconds from the first to the last kernel of each batch, summed."""
    found: list[PhotoScore] = []
    busy = 0.0
    for batch in batches([PhotoFile(sample.path) for sample in samples], scorer, options):
        if scorer.device.type == "cuda":
            marks = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
            marks[0].record()
            found += score_batch(scorer, batch)
            marks[1].record()
            marks[1].synchronize()
            busy += marks[0].elapsed_time(marks[1]) / 1e3
        else:
            started = time.perf_counter()
            found += score_batch(scorer, batch)
            busy += time.perf_counter() - started
    return found, busy


def made_model(folder: Path) -> ModelFolder:
    """DN-PIQA with every value drawn by the rule of the reference folder, seeded by the tensor's name."""
    network, liqe = DualBranchNet(DN_PIQA), Liqe()
    fill(network)
    fill(liqe)
    liqe.text = nn.functional.normalize(liqe.text, dim=1)
    save_model(network, folder, half=False)
    save_liqe(liqe, folder)
    return find_model(str(folder))


def fill(module: nn.Module) -> None:
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
            values = torch.randn(tensor.shape, generator=generator)
            if name == "logit_scale":
                values = torch.tensor(4.6052)
            elif name.endswith("weight") and tensor.dim() == 1:
                values = 1 + 0.05 * values
            else:
                values = (0.02 if name.endswith("bias") else 0.03) * values
            tensor.copy_(values)


def make_samples(work: Path, count: int) -> list[Sample]:
    samples = []
    for index in range(count):
        size = SIZES[index % len(SIZES)]
        path = work / f"{index:03}.jpg"
        make_photo(size, index).save(path, quality=92)
        samples.append(Sample(path, size, middle(size)))
    return samples


def make_photo(size: tuple[int, int], index: int) -> Image.Image:
    """The portrait, cut and lit differently for each number."""
    rng = np.random.default_rng(index)
    portrait = data.astronaut()[: rng.integers(300, 512), rng.integers(0, 60) :]
    lit = np.clip(portrait * rng.uniform(0.5, 1.3) + rng.normal(0, rng.uniform(0, 15), portrait.shape), 0, 255)
    return Image.fromarray(lit.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def read_samples(folder: Path, count: int) -> list[Sample]:
    paths = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in (".jpg", ".jpeg", ".png")][:count]
    sizes = {}
    for path in paths:
        with Image.open(path) as image:
            sizes[path] = image.size
    return [Sample(path, size, middle(size)) for path, size in sizes.items()]


def middle(size: tuple[int, int]) -> Box:
    width, height = size
    return (float(width * 2 // 5), float(height // 5), float(width * 3 // 5), float(height // 2))


def report(what: str, figure: str, note: str) -> None:
    print(f"{what:<16} {figure:>16}   {note}", flush=True)


if __name__ == "__main__":
    main()
