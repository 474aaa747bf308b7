"""Choices as a CSV file, as the HTML report exports them or a person writes them, read strictly as a plan.

`photo` and `decision` are needed; `stars`, `label`, `score`, `group`, `reasons` (joined by "; ") and `mates` (a JSON
list) may be there, separated by commas, semicolons or tabs. Everything else about a photo stays as it is: nothing is
moved.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path

from piqa_cli.errors import UsageError
from piqa_cli.ranking.plan import DECISIONS, PLAN_VERSION, REJECTED, Decision, Plan, PlanItem
from piqa_cli.ranking.planning import LABELS
from piqa_cli.spreadsheets import path_of, separator_of

_NEEDED = ("photo", "decision")
_KNOWN = (*_NEEDED, "stars", "label", "score", "group", "reasons", "mates")
_STARS = range(REJECTED, 6)


def plan_from_csv(text: str, name: str = "plan") -> Plan:
    """The plan that the rows make; `name` is what error messages call the file.

    Raises:
        UsageError: no CSV with these columns, or a cell that is not what it should be (the line is named).
    """
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
    head = lines.readline()
    lines.seek(0)
    reader = csv.DictReader(lines, delimiter=separator_of(head), strict=True)
    items: dict[Path, PlanItem] = {}
    try:
        _check_header(reader.fieldnames or ())
        for row in reader:
            item = _item(row)
            if item.photo in items:
                raise ValueError(f"{str(item.photo)!r} is there a second time")
            items[item.photo] = item
    except (csv.Error, ValueError) as error:
        is_table = {"path", "status"} <= set(reader.fieldnames or ())
        hint = (
            "it is a score table: name it without --plan, and choose with --top, --per-group or the like"
            if is_table
            else "export the choices from the report again, or use its JSON"
        )
        raise UsageError(f"{name}: line {reader.line_num}: {error}", hint=hint) from None
    # Nothing but the rows: a run that was stopped goes on with the same choices, whenever and wherever they are read.
    return Plan(PLAN_VERSION, None, "choices as CSV", tuple(items.values()))


def _check_header(names: object) -> None:
    columns = list(names) if isinstance(names, list | tuple) else []
    missing = [name for name in _NEEDED if name not in columns]
    unknown = [name for name in columns if name not in _KNOWN]
    if missing or unknown or len(set(columns)) < len(columns):
        raise ValueError(f"the columns are to be {', '.join(_KNOWN)}; only the first {len(_NEEDED)} must be there")


def _item(row: Mapping[str, str | None]) -> PlanItem:
    if None in row or None in row.values():
        raise ValueError("the row has another number of cells than the header")
    cells = {name: value or "" for name, value in row.items()}
    decision = _decision(cells["decision"])
    return PlanItem(
        photo=_path(cells["photo"]),
        mates=tuple(_path(mate) for mate in _texts(cells.get("mates", ""))),
        stars=REJECTED if decision == "reject" and not cells.get("stars") else _stars(cells.get("stars", "")),
        label=cells["label"] or None if "label" in cells else LABELS[decision],
        decision=decision,
        score=_score(cells.get("score", "")),
        reasons=tuple(filter(None, cells.get("reasons", "").split("; "))),
        group=cells.get("group") or None,
        mark=True,
        move=None,
        destination=None,
        by_hand=True,
    )


def _decision(text: str) -> Decision:
    for decision in DECISIONS:
        if text == decision:
            return decision
    raise ValueError(f"decision {text!r} is none of {', '.join(DECISIONS)}")


def _path(text: str) -> Path:
    path = path_of(text)
    if not path.is_absolute() or "\0" in text or ".." in path.parts:
        raise ValueError(f"{text!r} is no absolute path: write photos with all their folders, without '..'")
    return path


def _texts(text: str) -> list[str]:
    values = json.loads(text) if text else []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"mates {text!r} is no JSON list of paths")
    return values


def _stars(text: str) -> int | None:
    """Also as pandas spells whole numbers beside empty cells: 3.0."""
    if not text:
        return None
    whole = re.fullmatch(r"(-?\d)(\.0+)?", text)
    if not whole or int(whole[1]) not in _STARS:
        raise ValueError(f"stars {text!r} is none of {', '.join(map(str, _STARS))}")
    return int(whole[1])


def _score(text: str) -> float | None:
    score = float(text.replace(",", ".")) if text else None
    if score is not None and not 0 <= score <= 100:
        raise ValueError(f"score {text!r} is not between 0 and 100")
    return score
