"""`piqa score --engine ray` under faults: a cluster of several nodes on this machine, an S3 server on loopback.

    python -m benchmarks.cluster_run                     # 2,000 photos of 12 megapixels, as a wedding has them
    python -m benchmarks.cluster_run --count 60 --megapixels 1 --block-size 6

Uploads the photos, scores them on a `ray.cluster_utils.Cluster`, kills one actor's process when a third of the
partitions is done and removes a node when two thirds are, and then checks what came out: every photo exactly once,
scores like those of the local engine on the same bytes (on a sample), objects that cannot be read as rows, and a second
run that finds nothing left to do. Prints one table; exit code 1 where a check fails.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image
from skimage import data

from benchmarks.made_photos import QUALITY, SIZE, make_photo
from benchmarks.score_dir_watch import report
from piqa_cli.cluster.engine import Finished, score_on_cluster
from piqa_cli.cluster.listing import Listing
from piqa_cli.cluster.options import ClusterOptions
from piqa_cli.cluster.results import ResultFolder
from piqa_cli.model.store import find_model
from piqa_cli.records import PhotoFile
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.table import to_frame
from tests.cluster.services import actor_processes, multi_node, s3_server

BROKEN = 3  # objects that are no photos
SAMPLE = 40  # photos that the local engine scores, too
CLOSE = 1e-5


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as work, s3_server() as store:
        folder = options.folder or Path(work)
        names = upload(store, folder, options)
        report("objects", f"{len(names)}", f"{options.megapixels:g} megapixels, {BROKEN} of them are no photos")
        source, target = "s3://photos/shoot", "s3://scores/table"
        with multi_node(nodes=options.nodes, cpus=1) as cluster:
            faults = Faults(cluster, len(names), options.block_size)
            run_once("first run", source, target, options, faults)
            again = run_once("second run", source, target, options, None)
        table = pl.concat([pl.read_parquet(store.fs.open(part)) for part in store.fs.glob(f"{target}/part-*.parquet")])
        checks = [
            ("every photo once", sorted(table["path"]) == sorted(f"{source}/{name}" for name in names)),
            ("faults happened", faults.killed and faults.removed),
            ("error rows", table.filter(pl.col("status") == "error").height == BROKEN),
            ("second run skips all", all(finished.skipped for finished in again)),
            ("like the local engine", difference(table, folder, names, options.model) <= CLOSE),
        ]
    for what, held in checks:
        report(what, "yes" if held else "NO")
    return int(not all(held for _, held in checks))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--megapixels", type=float, default=12.0, help="of each photo")
    parser.add_argument("--block-size", type=int, default=50)
    parser.add_argument("--nodes", type=int, default=2, help="with one core each, beside the head")
    parser.add_argument("--model", default="piqa-lite")
    parser.add_argument("--folder", type=Path, help="keep the photos here; a temporary folder otherwise")
    return parser.parse_args()


def upload(store: Any, folder: Path, options: argparse.Namespace) -> list[str]:
    """Make the photos and put them into the store -> their names."""
    folder.mkdir(parents=True, exist_ok=True)
    portrait = Image.fromarray(data.astronaut())
    shrink = (options.megapixels * 1e6 / (SIZE[0] * SIZE[1])) ** 0.5
    size = (round(SIZE[0] * shrink), round(SIZE[1] * shrink))
    names = []
    for index in range(options.count):
        path = folder / f"IMG_{index:05}.jpg"
        if index < BROKEN:
            path.write_bytes(np.random.default_rng(index).bytes(10_000))
        elif not path.exists():
            make_photo(portrait, index).resize(size, Image.Resampling.LANCZOS).save(path, quality=QUALITY)
        names.append(f"{index % 7}/{path.name}")
        store.fs.put_file(str(path), f"photos/shoot/{names[-1]}")
    return names


class Faults:
    """Kills a process and removes a node when the run is that far."""

    def __init__(self, cluster: Any, photos: int, block_size: int) -> None:
        self.killed = self.removed = False
        self._cluster = cluster
        self._partitions = -(-photos // block_size)

    def strike(self, done: int) -> None:
        if not self.killed and done >= self._partitions / 3:
            victim = actor_processes()[0]
            os.kill(victim.pid, signal.SIGKILL)
            self.killed = True
            report("  killed", f"process {victim.pid}", f"after {done} of {self._partitions} partitions")
        elif not self.removed and done >= self._partitions * 2 / 3:
            self._cluster.lose_one()
            self.removed = True
            report("  removed", "a node", f"after {done} of {self._partitions} partitions")


def run_once(name: str, source: str, target: str, options: argparse.Namespace, faults: Faults | None) -> list[Finished]:
    scoring = EngineOptions(device="cpu")
    cluster = ClusterOptions(block_size=options.block_size, least_actors=options.nodes, scoring=scoring)
    done: list[Finished] = []
    started = time.perf_counter()
    for finished in score_on_cluster(Listing((source,)), ResultFolder(target), find_model(options.model), cluster):
        done.append(finished)
        if faults is not None:
            faults.strike(len(done))
    seconds = time.perf_counter() - started
    rows = sum(finished.rows for finished in done)
    report(name, f"{rows / seconds:.2f} photos/s", f"{seconds:.1f} s, {rows} rows in {len(done)} partitions")
    return done


def difference(table: pl.DataFrame, folder: Path, names: list[str], model: str) -> float:
    """Largest difference of a score, on a sample, from the local engine's."""
    files = [PhotoFile(folder / name.partition("/")[2]) for name in names[:SAMPLE]]
    batches = score_files(files, find_model(model), EngineOptions(device="cpu"))
    local = to_frame(score for batch in batches for score in batch)
    name = pl.col("path").str.split("/").list.last().alias("name")
    both = local.select(name, "score", "raw_score").join(table.select(name, "score", "raw_score"), on="name")
    gaps = [(both[column] - both[f"{column}_right"]).abs().max() for column in ("score", "raw_score")]
    largest = max(float(gap) for gap in gaps if gap is not None)  # type: ignore[arg-type]
    report("difference", f"{largest:.1e}", f"of {both.height} photos, limit {CLOSE}")
    return largest


if __name__ == "__main__":
    sys.exit(main())
