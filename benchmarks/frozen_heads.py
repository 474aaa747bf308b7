"""How long do heads on frozen backbones take? `python -m benchmarks.frozen_heads --photos 10000`.

Makes photos of 512 px with known scores (the portrait, cut differently and degraded by degrees), and runs
`piqa train --manifest ... --freeze-backbone` on them as a process, with nothing cached: faces, features of every view,
and heads, in minutes from the first to the last.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image, ImageFilter
from skimage import data

SIDE = 512  # pixels


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.frozen_heads", description=__doc__)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("piqa", nargs="*", default=[], help="more arguments for piqa train, behind --")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="piqa-frozen-") as name:
        place = Path(name)
        labels = make_photos(place, options.photos)
        command = [sys.executable, "-m", "piqa_cli", "train", "--manifest", str(labels), "--freeze-backbone"]
        command += ["--cache-dir", str(place / "cache")]
        began = time.monotonic()
        done = subprocess.run([*command, "--output", str(place / "run"), *options.piqa], check=False)
        minutes = (time.monotonic() - began) / 60
    print(f"{options.photos:,} photos of {SIDE} px: {minutes:.1f} min, exit code {done.returncode}; {machine()}")
    return done.returncode


def machine() -> str:
    """Cores, and how busy they are."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def make_photos(place: Path, count: int) -> Path:
    """Write photos and a manifest of them -> the manifest. No two files are the same."""
    (place / "photos").mkdir()
    portrait = Image.fromarray(data.astronaut())
    rows = []
    for index in range(count):
        rng = np.random.default_rng(index)
        blur, side = float(rng.uniform(0, 4)), int(rng.integers(360, 500))
        left, top = int(rng.integers(0, SIDE - side)), int(rng.integers(0, SIDE - side))
        cut = portrait.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        image = f"photos/{index:05}.jpg"
        cut.filter(ImageFilter.GaussianBlur(blur)).save(place / image, quality=92)
        rows.append((image, 1 - blur / 4 + float(rng.normal() * 0.05)))
    labels = place / "labels.csv"
    pl.DataFrame(rows, schema=["image", "score"], orient="row").write_csv(labels)
    return labels


if __name__ == "__main__":
    raise SystemExit(main())
