"""How well a model ranks photos, on photos and degradations that it was not trained on.

    python -m benchmarks.ranking ../shared --photos 12            # the default model, every part
    python -m benchmarks.ranking ../shared --model RUN/model --parts ladders
    python -m benchmarks.ranking --photos 3                       # on photos that scikit-image brings
    python -m benchmarks.ranking ../shared --photos 6 --parts ladders --peers --json peers.json
    python -m benchmarks.ranking ../shared --photos 16 --parts ladders --recipes listed

DATA is the folder of the training data (`photos/`, `scenes/`, `biq2021/`); only what is held out of training is read.
Parts: `ladders`, five levels of each family of one of the two sets in `benchmarks.recipes`; `portraits`, whether the
score knows where the face is; `stability`, what should not move it; `undegraded`, how many good photos get a reason all
the same; `opinions`, against people's. Every version is written as a file, scored as `piqa score` scores it, and
deleted; no result is kept from run to run. A figure with * behind it misses what is wanted of the model. --peers judges
the files of the ladders by other programs too, those that are installed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Any

from benchmarks.ranking_ladders import judge_ladders, render_ladders, show_ladders
from benchmarks.ranking_opinions import judge_opinions, show_opinions
from benchmarks.ranking_peers import available_peers, judge_peers, show_peers
from benchmarks.ranking_photos import Material, gather
from benchmarks.ranking_portraits import judge_portraits, render_portraits, show_portraits
from benchmarks.ranking_scoring import Measured, Rendered, measure
from benchmarks.ranking_stability import judge_stability, render_stability, show_stability
from benchmarks.ranking_undegraded import judge_undegraded, show_undegraded
from benchmarks.recipes import SETS
from piqa_cli.errors import PiqaError
from piqa_cli.faces.detect import FaceDetector
from piqa_cli.model.store import DEFAULT_MODEL, ModelFolder, find_model
from piqa_cli.scoring.options import EngineOptions

PARTS = ("ladders", "portraits", "stability", "undegraded", "opinions")
SHOW: dict[str, Callable[[dict[str, Any]], str]] = {
    "ladders": show_ladders,
    "portraits": show_portraits,
    "stability": show_stability,
    "undegraded": show_undegraded,
    "opinions": show_opinions,
    "peers": show_peers,
}


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    try:
        model, material = find_model(options.model, options.models_dir), gather(options.data, options.photos)
        results = run(model, material, options)
    except PiqaError as error:
        raise SystemExit(f"{error.message}{f': {error.hint}' if error.hint else ''}") from error
    if options.json:
        write_json(options.json, results)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="folder of the training data; without it, free photos")
    parser.add_argument(
        "--photos", type=int, default=12, help="originals: half portraits, else scenes and rated photos"
    )
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a model's name, or its folder")
    parser.add_argument("--models-dir", type=Path, help="where models are found by name")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure; all if not given")
    parser.add_argument("--recipes", choices=SETS, default="photographic", help="which degradations the ladders show")
    parser.add_argument("--peers", action="store_true", help="judge the ladders by other programs too")
    parser.add_argument("--workers", type=int, help="processes that prepare photos, as of piqa score")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the rendered files here, to look at")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure and every score")
    return parser


def run(model: ModelFolder, material: Material, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the parts asked for, printing each as a table."""
    peers, missing = available_peers() if options.peers and "ladders" in options.parts else ([], [])
    kinds = [photo.kind for photo in material.photos]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    print(f"{model.id}: {len(kinds)} originals ({counts}); * misses what is wanted", *missing, sep="\n", flush=True)
    engine = EngineOptions(workers=options.workers)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rendered = _rendered(material, options.parts, options.recipes)
        measured = list(measure(rendered, folder, model, options=engine, peers=peers, keep=bool(options.keep)))
    results = _judged(measured, options.parts, bool(peers))
    if "undegraded" in options.parts and material.undegraded:
        results["undegraded"] = judge_undegraded(material.undegraded, model, engine)
    if "opinions" in options.parts and material.rated:
        results["opinions"] = judge_opinions(material.rated, model, engine)
    for part, found in results.items():
        print(f"\n{part.upper()}\n{SHOW[part](found)}", flush=True)
    return {
        "model": model.id,
        "originals": [asdict(p) for p in material.photos],
        **results,
        "scores": _scores(measured),
    }


def _rendered(material: Material, parts: Sequence[str], recipes: str) -> chain[Rendered]:
    portraits = [photo for photo in material.photos if photo.kind == "portrait"]
    return chain(
        render_ladders(material.photos, SETS[recipes]) if "ladders" in parts else (),
        render_portraits(material, FaceDetector(), len(material.photos)) if "portraits" in parts else (),
        render_stability(portraits or material.photos) if "stability" in parts else (),
    )


def _judged(measured: Sequence[Measured], parts: Sequence[str], peers: bool) -> dict[str, Any]:
    ladders = [m for m in measured if m.version.test == "ladder"]
    results: dict[str, Any] = {}
    if "ladders" in parts:
        results["ladders"] = judge_ladders(ladders)
    if peers:
        results["peers"] = judge_peers(ladders)
    if "portraits" in parts:
        results["portraits"] = judge_portraits(measured)
    if "stability" in parts:
        results["stability"] = judge_stability(measured)
    return results


def _scores(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    return [
        {
            **asdict(m.version),
            "score": m.score,
            "reasons": m.result.reasons,
            "faces": len(m.result.faces),
            **{name: value if isfinite(value) else None for name, value in m.peers.items()},
        }
        for m in measured
    ]


def write_json(path: Path, results: dict[str, Any]) -> None:
    """Whole or not at all."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(json.dumps(results, indent=1, default=str) + "\n", encoding="utf-8")
    unfinished.replace(path)


if __name__ == "__main__":
    main()
