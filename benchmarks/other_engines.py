"""What another inference engine would gain: the default model's two backbones in torch as scoring runs them, in ONNX
Runtime and in OpenVINO, in float32, lower precision and int8; and what each does to the order of the photos.

    pip install onnx onnxscript onnxruntime openvino
    python -m benchmarks.other_engines ~/Photos --count 60

One thread, batches as in scoring, every view of each photo; pixel statistics and heads are left out of the clock
and are the same for all. int8 is static quantisation, each channel on its own, calibrated on the first 16 photos, which
are left out of the rank correlation.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from piqa_cli.faces.choose import by_importance
from piqa_cli.faces.detect import FaceDetector
from piqa_cli.model.backbone import fuse_batch_norms
from piqa_cli.model.checkpoint import load_model
from piqa_cli.model.config import Cut
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.preprocess import cut_views, normalise
from piqa_cli.model.statistics import pixel_statistics
from piqa_cli.model.store import DEFAULT_MODEL, find_model
from piqa_cli.photos.decode import decode
from piqa_cli.photos.discover import discover
from piqa_cli.scoring.devices import CPU_BATCH
from piqa_cli.scoring.fused import can_fuse, fuse_convolutions, has_float16

CALIBRATION, ROUNDS = 16, 3
Views = dict[Cut, Tensor]  # float32 (N, 3, S, S), normalised
Run = Callable[[Cut, Tensor], Tensor]  # a view of B photos -> features (B, F)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = load_model(find_model(DEFAULT_MODEL).path).eval()
    for backbone in (network.full, network.face):
        fuse_batch_norms(backbone)
    found = [photo.path for photo in discover(options.folder)]
    views = prepared(network, found[:: max(1, len(found) // options.count)][: options.count])
    exact = None
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode():
        for name, make in engines(network, views, Path(scratch)):
            try:
                run = make()
            except ImportError as error:
                print(f"{name:24s} not installed: {error}", flush=True)
                continue
            milliseconds, scores = measured(network, views, run)
            exact = scores if exact is None else exact
            print(line(name, milliseconds, scores, exact), flush=True)


def prepared(network: DualBranchNet, paths: Sequence[Path]) -> Views:
    """Every view of every photo, as the network reads them."""
    detector, config = FaceDetector(), network.config.preprocess
    cut: list[dict[Cut, Tensor]] = []
    for path in paths:
        photo = decode(path, max_side=config.working_side)
        faces = by_importance(detector.detect(photo.image))
        cut.append(cut_views(photo.image, faces[0].box if faces else None, config))
    stacked = {name: torch.stack([views[name] for views in cut]) for name in cut[0]}
    return {name: pixels[:, 0] for name, pixels in normalise(stacked, config).items()}


def engines(network: DualBranchNet, views: Views, scratch: Path) -> Iterator[tuple[str, Callable[[], Run]]]:
    """Names and what makes them; the first one is what the others are compared with."""
    yield "torch float32", lambda: in_torch(network, half=False)
    if has_float16():
        yield "torch float16", lambda: in_torch(network, half=True)
    yield "ONNX Runtime float32", lambda: in_onnxruntime(network, views, scratch, int8=False)
    yield "ONNX Runtime int8", lambda: in_onnxruntime(network, views, scratch, int8=True)
    for precision in ("f32", "bf16", "f16"):
        yield f"OpenVINO {precision}", partial(in_openvino, network, views, scratch, precision)
    yield "OpenVINO int8", lambda: in_openvino(network, views, scratch, "f32", int8=True)


def in_torch(network: DualBranchNet, *, half: bool) -> Run:
    """As `piqa score` runs it: fused convolutions, channels last."""
    copied = copy.deepcopy(network).to(memory_format=torch.channels_last)
    if can_fuse():
        for backbone in (copied.full, copied.face):
            fuse_convolutions(backbone, half=half)
    branches = _branches(copied)
    return lambda cut, images: branches[cut](images.contiguous(memory_format=torch.channels_last))


def in_onnxruntime(network: DualBranchNet, views: Views, scratch: Path, *, int8: bool) -> Run:
    """One session for each view."""
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    files = {cut: exported(network, cut, views, scratch, int8=int8) for cut in views}
    sessions = {
        cut: runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        for cut, file in files.items()
    }
    return lambda cut, images: torch.from_numpy(sessions[cut].run(None, {"images": images.numpy()})[0])


def in_openvino(network: DualBranchNet, views: Views, scratch: Path, precision: str, *, int8: bool = False) -> Run:
    """One compiled model for each view, from the same files as ONNX Runtime's."""
    openvino = importlib.import_module("openvino")
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision}
    core = openvino.Core()
    compiled = {
        cut: core.compile_model(str(exported(network, cut, views, scratch, int8=int8)), "CPU", settings)
        for cut in views
    }
    return lambda cut, images: torch.from_numpy(compiled[cut]({"images": images.numpy()})[0].copy())


def exported(network: DualBranchNet, cut: Cut, views: Views, scratch: Path, *, int8: bool) -> Path:
    """The backbone that reads a view as an ONNX file for batches of `CPU_BATCH`."""
    importlib.import_module("onnx")
    importlib.import_module("onnxscript")
    plain = scratch / f"{cut}.onnx"
    if not plain.is_file():
        torch.onnx.export(
            _branches(network)[cut],
            (views[cut][:CPU_BATCH],),
            plain,
            input_names=["images"],
            dynamo=True,
            verbose=False,
        )
    quantised = scratch / f"{cut}-int8.onnx"
    if int8 and not quantised.is_file():
        tools: Any = importlib.import_module("onnxruntime.quantization")
        shape: Any = importlib.import_module("onnxruntime.quantization.shape_inference")
        shape.quant_pre_process(str(plain), str(scratch / "ready.onnx"))
        tools.quantize_static(
            str(scratch / "ready.onnx"),
            str(quantised),
            Calibration(views[cut]),
            quant_format=tools.QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
        )
    return quantised if int8 else plain


class Calibration:
    """Batches of the first photos, one after the other, as the quantiser asks for them."""

    def __init__(self, images: Tensor) -> None:
        self.left = list(images[:CALIBRATION].split(CPU_BATCH))

    def get_next(self) -> dict[str, Any] | None:
        """The next batch by the name of the input; None at the end."""
        return {"images": self.left.pop(0).numpy()} if self.left else None


def measured(network: DualBranchNet, views: Views, run: Run) -> tuple[float, np.ndarray]:
    """Milliseconds a photo in the best of some rounds, and the raw scores of the photos after the calibration's."""
    best, features = np.inf, {}
    for _ in range(ROUNDS):
        began = time.perf_counter()
        features = {cut: _run_all(run, cut, images) for cut, images in views.items()}
        best = min(best, (time.perf_counter() - began) / len(next(iter(views.values()))) * 1000)
    complete = {cut: _with_statistics(network, cut, views[cut], found) for cut, found in features.items()}
    return best, network.from_features(complete).raw[CALIBRATION:].numpy()


def _run_all(run: Run, cut: Cut, images: Tensor) -> Tensor:
    """A view of all photos, batch by batch."""
    return torch.cat([_run_batch(run, cut, part) for part in images.split(CPU_BATCH)])


def _run_batch(run: Run, cut: Cut, images: Tensor) -> Tensor:
    """A part that is no full batch is filled up: the compiled networks know one size."""
    missing = CPU_BATCH - len(images)
    filled = torch.cat([images, images[:1].expand(missing, -1, -1, -1)]) if missing else images
    return run(cut, filled.contiguous())[: len(images)]


def _with_statistics(network: DualBranchNet, cut: Cut, images: Tensor, features: Tensor) -> Tensor:
    """(N, F) of a backbone -> what the heads read of a view, (N, 1, F')."""
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (network.config.preprocess.mean, network.config.preprocess.std))
    own = torch.cat([pixel_statistics(part * std + mean) for part in images.split(CPU_BATCH)])
    vectors: Tensor = network.standardise[cut](torch.cat([features, own], dim=1))
    return vectors[:, None]


def _branches(network: DualBranchNet) -> dict[Cut, nn.Module]:
    return {view.cut: network.full if view.branch == "full" else network.face for view in network.views}


def line(name: str, milliseconds: float, scores: np.ndarray, exact: np.ndarray) -> str:
    """One row of the table."""
    order = spearmanr(scores, exact).statistic
    return (
        f"{name:24s} {milliseconds:6.1f} ms a photo   SRCC with torch float32 {order:.5f}   raw scores differ by"
        f" {np.abs(scores - exact).mean():.4f} on average"
    )


if __name__ == "__main__":
    main()
