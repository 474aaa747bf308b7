"""Charts of a training run as inline SVG: the only module that imports matplotlib."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

Array = NDArray[np.float64]

PALETTE = ("#2f6fed", "#d9622b", "#1d9a6c", "#8b5bd6", "#c33c6b", "#7a7a2e", "#2a9fb5", "#8a6a4f")
INK, FAINT = "#3a4150", "#e3e6eb"
MOST_VECTOR_POINTS = 3000  # more are drawn as an image within the chart, or the page would weigh megabytes
_STYLE: Any = {  # matplotlib's type of such a mapping lists every key there is
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",  # the page's own fonts
    "text.parse_math": False,  # a dollar sign is a dollar sign
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


def curves(
    epochs: Sequence[int], lines: Mapping[str, Sequence[float | None]], label: str, best: int | None = None
) -> str:
    """Lines over epochs, a gap where there is no number, and a mark at the epoch that was kept -> SVG.

    Args:
        epochs: (E,) numbers of the epochs.
        lines: name -> (E,) values.
        label: what the values are.
        best: the epoch to mark; 0 is the starting model.
    """
    with mpl.rc_context({**_STYLE, "svg.hashsalt": label}):
        figure = Figure(figsize=(5.2, 2.9), layout="constrained")
        axes = figure.add_subplot()
        for color, (name, values) in zip(_colors(len(lines)), lines.items(), strict=True):
            known = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
            axes.plot(epochs, known, color=color, label=name, marker="o", markersize=3.5 if len(epochs) < 40 else 0)
        if best is not None:
            kept = f"kept: epoch {best}" if best else "kept: the start"
            axes.axvline(best, color=INK, linewidth=0.9, linestyle=(0, (3, 3)), label=kept)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.margins(x=0.03)
        if len(lines) > 1 or best is not None:
            axes.legend(loc="upper left", bbox_to_anchor=(1, 1), borderaxespad=0, labelcolor=INK, fontsize=8)
        return _svg(figure)


def scatter(label: Array, predicted: Array, scene: NDArray[np.int64], title: str) -> str:
    """Scores against labels, and the same less each scene's mean where there are several scenes -> SVG.

    Args:
        label: (n,) labels.
        predicted: (n,) scores.
        scene: (n,) number of each photo's scene, which is its colour.
        title: seeds the ids within the SVG, which must differ between the charts of a page.
    """
    several = len(np.unique(scene)) > 1
    with mpl.rc_context({**_STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=(7.4 if several else 3.7, 3.4), layout="constrained")
        panels = figure.subplots(1, 2 if several else 1, squeeze=False)[0]
        _points(panels[0], label, predicted, scene, ("label", "score"))
        if several:
            x, y = label - _scene_means(label, scene), predicted - _scene_means(predicted, scene)
            _points(panels[1], x, y, scene, ("label, less its scene's mean", "score, less its scene's mean"))
        return _svg(figure)


def _points(axes: Axes, x: Array, y: Array, scene: NDArray[np.int64], names: tuple[str, str]) -> None:
    colors = np.array(PALETTE)[scene % len(PALETTE)]
    size = float(np.clip(3000 / max(len(x), 1), 5, 26))
    axes.scatter(x, y, s=size, c=colors, alpha=0.65, linewidths=0, rasterized=len(x) > MOST_VECTOR_POINTS)
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])


def _scene_means(values: Array, scene: NDArray[np.int64]) -> Array:
    _, place = np.unique(scene, return_inverse=True)
    means = np.bincount(place, weights=values) / np.bincount(place)
    return np.asarray(means[place], dtype=np.float64)


def _colors(count: int) -> list[str]:
    return [PALETTE[i % len(PALETTE)] for i in range(count)]


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, dpi=160, metadata={"Date": None, "Creator": None})
    drawing = text.getvalue()
    return drawing[drawing.index("<svg") :]  # without the XML head, which has no place within HTML
