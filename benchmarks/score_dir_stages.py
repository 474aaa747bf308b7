"""Where the time of a photo goes, stage by stage, and how busy the device is. A process of its own, see `score_dir`.

    python -m benchmarks.score_dir_stages FOLDER --count 20

Photos go through the engine's own functions one after the other in one process and one thread, each stage's clock
running only while it is on top. On the CPU that is CPU time, which a busy machine hardly changes; on a device it is
wall time, with the device waited for at the end of a stage.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from piqa_cli.faces.detect import FaceDetector
from piqa_cli.model.store import ModelFolder, find_model
from piqa_cli.outputs.tabular import write_table
from piqa_cli.photos.discover import discover
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring import complete, prepare
from piqa_cli.scoring.cache import ResultCache
from piqa_cli.scoring.collection import score_collection
from piqa_cli.scoring.devices import choose_devices, share_out
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.halving import HalvingScorer
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.scorer import Scorer
from piqa_cli.scoring.table import to_frame

STAGES = ("list", "cache", "decode", "face", "resize", "copy to device", "network", "write", "the rest")
PLACES: tuple[tuple[Any, str, str], ...] = (
    (prepare, "decode", "decode"),
    (FaceDetector, "detect", "face"),
    (prepare, "cut_pairs", "face"),
    (complete, "with_eyes", "face"),
    (prepare, "photo_inputs", "resize"),
    (prepare, "face_inputs", "resize"),
    (Scorer, "move", "copy to device"),
    (Scorer, "photos", "network"),
    (Scorer, "faces", "network"),
    (ResultCache, "lookup", "cache"),
    (ResultCache, "store", "cache"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=20, help="photos for the breakdown")
    parser.add_argument("--busy-count", type=int, default=60, help="photos for the device's share; 0: skip")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--model", default="piqa-lite")
    options = parser.parse_args()
    model, engine = find_model(options.model), EngineOptions(device=options.device)
    answer: dict[str, Any] = {"stages_ms": breakdown(options.folder, options.count, model, engine)}
    if options.busy_count:
        answer |= busy_share(options.folder, options.busy_count, model, engine)
    print(json.dumps(answer))


class Stopwatch:
    """Time by stage; a stage inside another one stops the outer one's clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._clock = clock
        self._running = ["the rest"]
        self._since = clock()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._charge()
        self._running.append(name)
        try:
            yield
        finally:
            self._charge()
            self._running.pop()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return function(*args, **kwargs)

        return run

    def _charge(self) -> None:
        now = self._clock()
        self.seconds[self._running[-1]] += now - self._since
        self._since = now


def breakdown(folder: Path, count: int, model: ModelFolder, options: EngineOptions) -> dict[str, float]:
    """Milliseconds of one photo in each stage, means over `count` photos."""
    device = choose_devices(options.device)[0]
    alone = EngineOptions(device=str(device), workers=0)
    files = photos_of(folder)[:count]
    for _ in score_files(files[:1], model, alone):
        pass  # the first pass imports and allocates, and takes every core
    torch.set_num_threads(1)
    watch = Stopwatch(clock_for(device))
    with tempfile.TemporaryDirectory() as work, ExitStack() as stack:
        for owner, name, stage in PLACES:
            stack.enter_context(mock.patch.object(owner, name, watch.timed(stage, getattr(owner, name))))
        cache = ResultCache.open(Path(work))
        with watch.stage("list"):
            listed = photos_of(folder)[:count]
        with mock.patch("torch.set_num_threads"):
            scores = [score for batch in score_collection(listed, model, alone, cache) for score in batch]
        with watch.stage("write"):
            write_table(to_frame(scores), Path(work) / "scores.parquet")
        cache.close()
    return {stage: round(watch.seconds[stage] / len(files) * 1000, 1) for stage in STAGES}


def clock_for(device: torch.device) -> Callable[[], float]:
    if device.type == "cpu":
        return time.process_time

    def waited() -> float:
        torch.cuda.synchronize() if device.type == "cuda" else torch.mps.synchronize()
        return time.perf_counter()

    return waited


def busy_share(folder: Path, count: int, model: ModelFolder, options: EngineOptions) -> dict[str, Any]:
    """The share of the time between first and last batch in which a batch was on the device, with all workers."""
    inside: list[tuple[float, float]] = []
    original = HalvingScorer.score

    def score(self: HalvingScorer, batch: Any) -> list[PhotoScore]:
        start = time.perf_counter()
        result = original(self, batch)  # ends with numbers on the CPU, so the device is through with it
        inside.append((start, time.perf_counter()))
        return result

    with mock.patch.object(HalvingScorer, "score", score):
        done = sum(len(batch) for batch in score_files(photos_of(folder)[:count], model, options))
    span = inside[-1][1] - inside[0][0]
    busy = sum(end - start for start, end in inside) / span
    scorer = Scorer.load(model, options)
    workers = share_out(options, scorer.device, heavy=scorer.heavy)
    return {"busy": round(busy, 3), "steady_photos_s": round(done / span, 2), "workers": workers}


def photos_of(folder: Path) -> list[PhotoFile]:
    return list(discover([folder]))


if __name__ == "__main__":
    main()
