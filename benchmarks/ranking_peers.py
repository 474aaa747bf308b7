"""Other programs on the same files, higher is better for all; each is optional and comes from the package registry.

    pip install brisque cleanvision iqa-torch

brisque 0.2 brings its model along, iqa-torch brings NIQE's; cleanvision needs none.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from benchmarks.ranking_ladders import correlation, families_of, ladder_of, right_order
from benchmarks.ranking_scoring import Measured, Peer
from benchmarks.ranking_table import MISSED, mean, table

OURS = "piqa"
BEHIND = 0.01  # of pairs: how far another may be ahead in one family


def available_peers() -> tuple[list[Peer], list[str]]:
    """Those that can be used, and a line on each that cannot."""
    peers: list[Peer] = [LaplacianVariance()]
    missing = []
    for make, package in ((Brisque, "brisque"), (CleanVision, "cleanvision"), (Niqe, "iqa-torch")):
        try:
            peers.append(make())
        except ImportError as error:
            missing.append(f"{make.__name__} is left out: {error}; pip install {package}")
    return peers, missing


class LaplacianVariance:
    """The usual measure of sharpness."""

    def measure(self, paths: Sequence[Path]) -> list[dict[str, float]]:
        return [{"Laplacian": float(cv2.Laplacian(_grey(path), cv2.CV_64F).var())} for path in paths]


class Brisque:
    """BRISQUE (Mittal et al. 2012) with the published model."""

    def __init__(self) -> None:
        self._judge = import_module("brisque").BRISQUE(url=False)
        scale = self._judge.scale_features  # gets arrays of one element, which numpy from 2.4 on takes for no number
        self._judge.scale_features = lambda features: scale([np.ravel(feature)[0] for feature in features])

    def measure(self, paths: Sequence[Path]) -> list[dict[str, float]]:
        return [{"BRISQUE": -self._score(path)} for path in paths]

    def _score(self, path: Path) -> float:
        return _quietly(lambda: float(self._judge.score(_rgb(path))))


class CleanVision:
    """cleanvision's scores of blur, darkness and excess of light."""

    def __init__(self) -> None:
        self._lab = import_module("cleanvision").Imagelab

    def measure(self, paths: Sequence[Path]) -> list[dict[str, float]]:
        names = [str(path.resolve()) for path in paths]
        lab = self._lab(filepaths=names)
        with redirect_stderr(io.StringIO()):  # its progress bar
            lab.find_issues({"blurry": {}, "dark": {}, "light": {}}, n_jobs=1, verbose=False)
        return [
            {f"cv {issue}": float(lab.issues.loc[name, f"{issue}_score"]) for issue in ("blurry", "dark", "light")}
            for name in names
        ]


class Niqe:
    """NIQE (Mittal et al. 2013) with the published parameters."""

    def __init__(self) -> None:
        self._judge = import_module("iqa").NIQE(input_order="NCHW")
        core: Any = import_module("iqa.niqe.niqe_core")  # its result is an array of one element, see Brisque
        core.NIQE_PRIS_PARAMS = dict(core.NIQE_PRIS_PARAMS)
        core.NIQE_PRIS_PARAMS["mu_pris_param"] = core.NIQE_PRIS_PARAMS["mu_pris_param"].ravel()

    def measure(self, paths: Sequence[Path]) -> list[dict[str, float]]:
        return [{"NIQE": -self._score(path)} for path in paths]

    def _score(self, path: Path) -> float:
        return _quietly(lambda: float(self._judge(torch.from_numpy(_rgb(path)).permute(2, 0, 1)[None])))


def _quietly(judge: Callable[[], float]) -> float:
    """A score, or not a number where a flat or tiny picture leaves nothing to fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return judge()
        except (ValueError, ZeroDivisionError, RuntimeError, np.linalg.LinAlgError):
            return float("nan")


def _rgb(path: Path) -> Any:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def _grey(path: Path) -> Any:
    return cv2.cvtColor(_rgb(path), cv2.COLOR_RGB2GRAY)


def judge_peers(ladders: Sequence[Measured]) -> dict[str, Any]:
    """Pairs and SRCC of every family by every program, and whether piqa is ahead."""
    names = [OURS, *sorted({name for m in ladders for name in m.peers})]
    families = {
        family: {name: _judge(name, ladder_of(family, ladders)) for name in names} for family in families_of(ladders)
    }
    over_all = {n: {k: mean([own[n][k] for own in families.values()]) for k in ("pairs", "srcc")} for n in names}
    unscored = {name: sum(not np.isfinite(m.peers[name]) for m in ladders) for name in names[1:]}
    verdict = _verdict(families, over_all, names[1:])
    return {"families": families, "mean": over_all, "verdict": verdict, "unscored": unscored}


def _judge(name: str, ladder: Sequence[Measured]) -> dict[str, float]:
    def value(measured: Measured) -> float:
        found = measured.score if name == OURS else measured.peers[name]
        return found if np.isfinite(found) else -1e9  # no score counts as the worst

    return {"pairs": right_order(ladder, value, 1), "srcc": correlation(ladder, value)}


def _verdict(families: dict[str, Any], over_all: dict[str, Any], peers: Sequence[str]) -> dict[str, Any]:
    behind = {}
    for family, own in families.items():
        best = max(peers, key=lambda name: own[name]["pairs"])
        if (gap := own[best]["pairs"] - own[OURS]["pairs"]) > BEHIND:
            behind[family] = {"best": best, "by": gap}
    ahead = all(over_all[OURS]["pairs"] > over_all[name]["pairs"] for name in peers)
    return {"ahead_over_all": ahead, "more_than_one_point_behind": behind}


def show_peers(found: dict[str, Any]) -> str:
    """Pairs, then SRCC, then the verdict; a mark where another is ahead by more than one point."""
    names = list(found["mean"])
    lines = []
    for key, words in (("pairs", "same-photo pairs right"), ("srcc", "SRCC with level")):
        rows: list[tuple[str, ...]] = [(words, *(f"{name} " for name in names))]
        for family, own in [*found["families"].items(), ("mean", found["mean"])]:
            rows.append((family, *(_cell(name, key, own) for name in names)))
        lines += [table(rows), ""]
    lines += [f"{name}: no score for {count} files" for name, count in found["unscored"].items() if count]
    behind = found["verdict"]["more_than_one_point_behind"]
    lines.append(f"ahead over all families: {'yes' if found['verdict']['ahead_over_all'] else 'NO'}")
    names_behind = ", ".join(f"{family} ({own['best']} by {own['by']:.1%})" for family, own in behind.items())
    lines.append(f"more than one point behind in a family: {names_behind or 'in none'}")
    return "\n".join(lines)


def _cell(name: str, key: str, own: dict[str, Any]) -> str:
    figure = own[name][key]
    missed = name == OURS and figure < max(other[key] for other in own.values()) - BEHIND
    return (f"{figure:.1%}" if key == "pairs" else f"{figure:.3f}") + (MISSED if missed else " ")
