"""What `piqa train` and `piqa pretrain` found and made, as lines for a terminal."""

from __future__ import annotations

from typing import Any

import polars as pl

from piqa_cli.commands.console import Line
from piqa_cli.records import counted
from piqa_training.manifest import SPLITS, Manifest


def count_lines(manifest: Manifest) -> list[Line]:
    """Photos by data set, scene and split, and their sum."""
    counts = manifest.counts().pivot("split", index=["dataset", "scene"], values="n").fill_null(0)
    columns = [split for split in SPLITS if split in counts.columns]
    rows = [("data set", "scene", *columns)]
    rows += [tuple(map(str, row)) for row in counts.select("dataset", "scene", *columns).iter_rows()]
    sums = counts.select(pl.col(columns).sum()).row(0)
    rows.append(("all", counted(counts.height, "scene"), *map(str, sums)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        tuple(
            (
                cell.ljust(width) + "  " if i < 2 else cell.rjust(width) + "  ",
                "bold" if number in (0, len(rows) - 1) else "",
            )
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for number, row in enumerate(rows)
    ]


def result_lines(result: dict[str, Any]) -> list[Line]:
    """The outcome in a few lines: the test part, before and after where training started from a model.

    Which epoch is kept is chosen on other photos, so the held-out ones may be in worse order than before: it is said.
    """
    lines: list[Line] = []
    part = "test" if result["test"] else "val"
    after = _headline(result["test"]) if result["test"] else result["val"]
    if result["before"] and after:
        lines.append(((f"{'before':<8}", "dim"), (_words(result["before"][part], part), "")))
    if after:
        lines.append(((f"{'after' if result['before'] else part:<8}", "dim"), (_words(after, part), "bold")))
    lines.append(((f"{'model':<8}", "dim"), (result["model"], "")))
    if result["before"] and after and _is_worse(result["before"][part], after):
        advice = "the model that it started from orders these photos better: stay with that one, or train on more"
        lines.append(((f"{'worse':<8}", "dim"), (advice, "yellow")))
    return lines


def _is_worse(before: dict[str, Any], after: dict[str, Any]) -> bool:
    pairs = before["pair_accuracy"], after["pair_accuracy"]
    return None not in pairs and pairs[1] < pairs[0]


def _headline(test: dict[str, Any]) -> dict[str, Any]:
    return {
        "median.srcc": test["median"]["srcc"],
        "mean.srcc": test["mean"]["srcc"],
        "pair_accuracy": test["pair_accuracy"],
        "n": sum(scene["n"] for scene in test["scenes"]),
    }


def _words(found: dict[str, Any], part: str) -> str:
    def number(key: str) -> str:
        return "undefined" if found[key] is None else f"{found[key]:.3f}"

    held_out = counted(found["n"], "test photo" if part == "test" else "validation photo")
    return (
        f"pair accuracy {number('pair_accuracy')}  SRCC median {number('median.srcc')} mean {number('mean.srcc')}"
        f"  ({held_out})"
    )
