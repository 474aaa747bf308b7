"""What arithmetic of lower precision gains and costs: time of the network, and the scores beside those of float32.

    python -m benchmarks.precision ~/Photos --count 200

Photos are prepared once for each precision and scored in this process, one thread; the network's clock is CPU time.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from benchmarks.score_dir_stages import breakdown
from piqa_cli.model.store import DEFAULT_MODEL, find_model
from piqa_cli.photos.discover import discover
from piqa_cli.records import PhotoFile
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.fused import has_float16
from piqa_cli.scoring.options import EngineOptions, Precision

TIMED = 20  # photos for the stage clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    options = parser.parse_args()
    model = find_model(options.model)
    found = list(discover(options.folder))
    photos = found[:: max(1, len(found) // options.count)][: options.count]
    print(f"{len(photos)} photos, {model.id}; float16 on this CPU: {'yes' if has_float16() else 'no'}")
    found_scores = {}
    for precision in (Precision.FLOAT32, Precision.AUTO, Precision.BF16):
        engine = EngineOptions(device="cpu", precision=precision)
        network = breakdown(options.folder[0], TIMED, model, engine)["network"]
        found_scores[precision] = score_all(photos, engine, options.model)
        print(line(precision, network, found_scores[precision], found_scores[Precision.FLOAT32]), flush=True)


def score_all(photos: Sequence[PhotoFile], engine: EngineOptions, model: str) -> np.ndarray:
    """Scores in the order of the photos; NaN for those that have none."""
    scored = [record for batch in score_files(photos, find_model(model), engine) for record in batch]
    return np.array([np.nan if record.score is None else record.score for record in scored])


def line(precision: Precision, network_ms: float, scores: np.ndarray, exact: np.ndarray) -> str:
    """One row of the table."""
    there = np.isfinite(exact)
    apart = np.abs(scores - exact)[there]
    order = spearmanr(scores[there], exact[there]).statistic
    return (
        f"{precision.value:8s} network {network_ms:6.1f} ms a photo   SRCC with float32 {order:.5f}   "
        f"scores differ by {apart.mean():.3f} of 100 on average, {apart.max():.3f} at most"
    )


if __name__ == "__main__":
    main()
