"""Other ways to judge a folder of photos, each a process of its own that prints its time; see `score_dir --compare`.

    python -m benchmarks.score_dir_compare published FOLDER --count 3

`published` is a plain loop in the published DN-PIQA program's order of operations, with made weights: times hold for
any weights. `dn-piqa` is the same network in this project's engine. `pyiqa` and `cleanvision` run where they are
installed (pyiqa also needs the weights of its metric, which it would fetch from the network).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch

PYIQA_METRIC = "liqe"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=3)
    options = parser.parse_args()
    paths = sorted(options.folder.glob("*.jpg"))[: options.count]
    run = WAYS[options.way]
    print(json.dumps({"seconds_per_photo": run(paths) / len(paths), "photos": len(paths)}))


def installed(way: str) -> bool:
    return way not in ("pyiqa", "cleanvision") or find_spec(way) is not None


def published(paths: list[Path]) -> float:
    from facenet_pytorch import MTCNN
    from PIL import Image

    from benchmarks.dn_piqa import made_model
    from benchmarks.published_order import published_crops
    from piqa_cli.model.checkpoint import load_model
    from piqa_cli.model.liqe import load_liqe

    detector = MTCNN(keep_all=True, post_process=False)
    with tempfile.TemporaryDirectory() as work:
        model = made_model(Path(work) / "dn-piqa")
        network, liqe = load_model(model.path), load_liqe(model.path)

        def judge(path: Path) -> None:
            with torch.no_grad():
                boxes, _ = detector.detect(Image.open(path).convert("RGB"))
            face = None if boxes is None else tuple(float(edge) for edge in boxes[0])
            published_crops(str(path), face, network, liqe)  # type: ignore[arg-type]

        return seconds(judge, paths)


def dn_piqa(paths: list[Path]) -> float:
    from benchmarks.dn_piqa import made_model
    from piqa_cli.records import PhotoFile
    from piqa_cli.scoring.engine import score_files

    with tempfile.TemporaryDirectory() as work:
        model = made_model(Path(work) / "dn-piqa")
        for _ in score_files([PhotoFile(paths[0])], model):
            pass
        start = time.perf_counter()
        for _ in score_files(map(PhotoFile, paths), model):
            pass
        return time.perf_counter() - start


def pyiqa(paths: list[Path]) -> float:
    import pyiqa as library

    metric = library.create_metric(PYIQA_METRIC, device="cpu")
    with torch.no_grad():
        return seconds(lambda path: metric(str(path)), paths)


def cleanvision(paths: list[Path]) -> float:
    from cleanvision import Imagelab

    start = time.perf_counter()
    Imagelab(filepaths=[str(path) for path in paths]).find_issues(verbose=False)
    return time.perf_counter() - start


def seconds(judge: Callable[[Path], object], paths: list[Path]) -> float:
    judge(paths[0])  # the first pass allocates
    start = time.perf_counter()
    for path in paths:
        judge(path)
    return time.perf_counter() - start


WAYS: dict[str, Callable[[list[Path]], float]] = {
    "published": published,
    "dn-piqa": dn_piqa,
    "pyiqa": pyiqa,
    "cleanvision": cleanvision,
}

if __name__ == "__main__":
    main()
