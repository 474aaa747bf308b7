"""A ranked score table as the page wants it: columns of plain values, and the groups."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import polars as pl

from piqa_cli.photos.absolute import absolute
from piqa_cli.ranking.score_file import finite
from piqa_cli.report.faces_column import read_faces
from piqa_cli.report.links import Links, viewable
from piqa_cli.scoring.table import COLUMNS as SCORE_COLUMNS
from piqa_cli.scoring.table import path_text
from piqa_cli.spreadsheets import path_of, safe_cell

Columns = dict[str, list[Any]]
Groups = list[dict[str, str]]

_ALWAYS = ("path", "score", "status")
_OF_RANKING = ("stars", "rank", "percentile", "decision", "decision_reason")
_MADE_GROUP = re.compile(r"(?:.*/)?(burst|duplicates|bracket|panorama)-\d+", re.DOTALL)
_DAY = re.compile(r"(?:.*/)?(?:\d{4}-\d{2}-\d{2}|undated)", re.DOTALL)


def table_columns(frame: pl.DataFrame) -> Columns:
    """The score table's own columns, as far as they hold anything, rounded as it rounds them.

    Numbers are finite or None. Columns that are not piqa's are left out: a page shows only what it knows the meaning
    of, and nobody's location gets into it by accident.
    """
    columns: Columns = {}
    for column in SCORE_COLUMNS:
        if column.name in frame.columns and (column.name in _ALWAYS or frame[column.name].count()):
            columns[column.name] = _values(frame[column.name], column.decimals)
    if "faces" in frame.columns:
        columns["faces"] = [read_faces(text) for text in frame["faces"].cast(pl.String).to_list()]
    columns |= {name: _values(frame[name], 1) for name in _OF_RANKING if name in frame.columns}
    columns.setdefault("stars", [None] * frame.height)
    return columns


def place_columns(paths: list[str], folder: Path) -> Columns:
    """Where each photo is.

    Args:
        paths: as the table has them.
        folder: of the page; links are relative to it.
    """
    photos = [absolute(path_of(path)) for path in paths]
    links = Links(folder)
    return {
        "name": [path_text(Path(os.path.basename(photo))) for photo in photos],  # noqa: PTH119
        "folder": [os.path.dirname(path) or os.curdir for path in paths],  # noqa: PTH120
        "photo": photos,
        "href": [links.to(photo) for photo in photos],
        "viewable": [viewable(photo) for photo in photos],
    }


def mates_column(frame: pl.DataFrame) -> list[list[str]]:
    """The RAW file of the same shot, absolute, where there is one. Sidecars are found when a plan is carried out."""
    if "raw_mate" not in frame.columns:
        return [[] for _ in range(frame.height)]
    return [[absolute(path_of(mate))] if mate else [] for mate in frame["raw_mate"].to_list()]


def group_columns(frame: pl.DataFrame) -> tuple[Columns, Groups]:
    """For each photo its place in the list of groups and whether it is the best there; and that list, by name.

    The page writes the names into its CSV; a table of another making may have some that a spreadsheet would run.
    """
    labels = [None if label is None else safe_cell(label) for label in _column(frame, "group")]
    places = {label: place for place, label in enumerate(sorted({label for label in labels if label is not None}))}
    best = _column(frame, "best_of_group")
    columns: Columns = {
        "group": [None if label is None else places[label] for label in labels],
        "best": [label is not None and bool(is_best) for label, is_best in zip(labels, best, strict=True)],
    }
    kinds = {label: _kind(label) for label in places}
    if "folder" in kinds.values() and _are_folders(frame):  # then those are, too, that are called like a day or a burst
        kinds = dict.fromkeys(kinds, "folder")
    return columns, [{"label": label, "kind": kind} for label, kind in kinds.items()]


def _are_folders(frame: pl.DataFrame) -> bool:
    """Whether every photo's group has the name of its folder, which begins somewhere below the root."""
    pairs = zip(_column(frame, "path"), _column(frame, "group"), strict=True)
    return all(path and label and _folder_of(path).endswith(f"/{label}") for path, label in pairs)


def _folder_of(path: str) -> str:
    return "/" + path_text(Path(absolute(path_of(path))).parent).replace(os.sep, "/")


def _kind(label: str) -> str:
    made = _MADE_GROUP.fullmatch(label)
    return made[1] if made else "day" if _DAY.fullmatch(label) else "folder"


def _column(frame: pl.DataFrame, name: str) -> list[Any]:
    return frame[name].to_list() if name in frame.columns else [None] * frame.height


def _values(column: pl.Series, decimals: int | None) -> list[Any]:
    column = finite(column)
    if column.dtype.is_float() and decimals is not None:
        column = column.round(decimals)
    return column.to_list()
