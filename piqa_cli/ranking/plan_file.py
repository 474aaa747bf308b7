"""A plan as a JSON file, with the way in which marks are to be written, read back strictly."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from piqa_cli.errors import UsageError
from piqa_cli.photos.sidecars import SIDECAR_NAMINGS
from piqa_cli.ranking.journal import OPENING
from piqa_cli.ranking.options import is_csv_plan
from piqa_cli.ranking.plan import DECISIONS, MOVES, PLAN_VERSION, Plan, PlanItem
from piqa_cli.ranking.plan_csv import plan_from_csv
from piqa_cli.ranking.steps import ApplyOptions
from piqa_cli.spreadsheets import NOT_UTF8, SAVE_AS_UTF8

_KIND = "piqa rank plan"
_PLAN_KEYS = ("kind", "version", "created", "source", "options", "items")
_OPTION_KEYS = tuple(field.name for field in fields(ApplyOptions))
_BY_HAND = "by_hand"  # may be missing: earlier plans do not have it
_ITEM_KEYS = tuple(field.name for field in fields(PlanItem) if field.name != _BY_HAND)
_Read = TypeVar("_Read")


def plan_to_json(plan: Plan, options: ApplyOptions | None = None) -> str:
    """The plan as JSON text, ASCII only: bytes of a name that are no UTF-8 survive as lone surrogates."""
    document = {
        "kind": _KIND,
        "version": plan.version,
        "created": plan.created.isoformat() if plan.created else None,
        "source": plan.source,
        "options": asdict(options or ApplyOptions()),
        "items": [_item_to_dict(item) for item in plan.items],
    }
    return json.dumps(document, indent=1) + "\n"


def plan_from_json(text: str, name: str = "plan") -> tuple[Plan, ApplyOptions]:
    """The plan that the text holds, and how to write its marks; `name` is what error messages call it.

    Raises:
        UsageError: no JSON, no plan, another version, or an item that is not what it should be (the item is named).
    """
    if text.startswith(OPENING):
        raise UsageError(f"{name} is a journal", hint="--undo takes it; with --journal a plan goes on where it stopped")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(name, f"is no JSON ({error})") from None
    if not isinstance(document, dict) or document.get("kind") != _KIND:
        raise _bad(name, "is no plan of piqa rank")
    if document.get("version") != PLAN_VERSION:
        found = document.get("version")
        raise _bad(name, f"has plan version {found!r}; this version of piqa reads version {PLAN_VERSION}")
    try:
        _exact_keys(document, _PLAN_KEYS)
        created = _field(document, "created", _optional(lambda value: datetime.fromisoformat(_text(value))))
        source = _field(document, "source", _text)
        options = _field(document, "options", _options)
        items = _field(document, "items", _sequence)
    except (ValueError, TypeError) as error:
        raise _bad(name, str(error)) from None
    read = tuple(_read_item(item, i, name) for i, item in enumerate(items))
    seen: set[Path] = set()
    for item in read:
        if item.photo in seen:  # it would be copied twice, and have two verdicts
            raise _bad(name, f"{str(item.photo)!r} is there a second time")
        seen.add(item.photo)
    return Plan(PLAN_VERSION, created, source, read), options


def load_plan(path: Path, options: ApplyOptions | None = None) -> tuple[Plan, ApplyOptions]:
    """Read a plan file: JSON, or with the suffix `.csv` the choices of a report.

    Args:
        path: the file.
        options: how marks of a CSV plan are written, which cannot say so itself. A JSON plan does.

    Raises:
        UsageError: the file cannot be read, or see `plan_from_json` and `plan_from_csv`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a byte order mark before a text
    except (OSError, ValueError) as error:
        wide = isinstance(error, UnicodeDecodeError)
        reason = NOT_UTF8 if wide else getattr(error, "strerror", None) or str(error)
        hint = SAVE_AS_UTF8 if wide and is_csv_plan(path) else "name a file that --plan-out or a report made"
        raise UsageError(f"cannot read the plan {path}: {reason}", hint=hint) from None
    if is_csv_plan(path):
        return plan_from_csv(text, f"plan {path}"), options or ApplyOptions()
    return plan_from_json(text, f"plan {path}")


def _item_to_dict(item: PlanItem) -> dict[str, Any]:
    return {
        "photo": str(item.photo),
        "mates": [str(mate) for mate in item.mates],
        "stars": item.stars,
        "label": item.label,
        "decision": item.decision,
        "score": item.score,
        "reasons": list(item.reasons),
        "group": item.group,
        "mark": item.mark,
        "move": item.move,
        "destination": str(item.destination) if item.destination else None,
        _BY_HAND: item.by_hand,
    }


def _options(value: Any) -> ApplyOptions:
    options = _mapping(value)
    _exact_keys(options, _OPTION_KEYS)
    return ApplyOptions(
        xmp_naming=_field(options, "xmp_naming", lambda v: _one_of(v, SIDECAR_NAMINGS)),
        embed=_field(options, "embed", _flag),
        overwrite_ratings=_field(options, "overwrite_ratings", _flag),
        keep_modified=_field(options, "keep_modified", _flag),
    )


def _read_item(value: Any, index: int, name: str) -> PlanItem:
    photo = value.get("photo") if isinstance(value, dict) else None
    try:
        return _item(_mapping(value))
    except (ValueError, TypeError) as error:
        raise _bad(name, f"item {index + 1} ({photo!r}): {error}") from None


def _item(value: Mapping[str, Any]) -> PlanItem:
    _exact_keys({key: value[key] for key in value if key != _BY_HAND}, _ITEM_KEYS)
    item = PlanItem(
        photo=_field(value, "photo", _path),
        mates=tuple(_field(value, "mates", lambda v: [_path(mate) for mate in _sequence(v)])),
        stars=_field(value, "stars", _optional(_stars)),
        label=_field(value, "label", _optional(_text)),
        decision=_field(value, "decision", lambda v: _one_of(v, DECISIONS)),
        score=_field(value, "score", _optional(_score)),
        reasons=tuple(_field(value, "reasons", lambda v: [_text(reason) for reason in _sequence(v)])),
        group=_field(value, "group", _optional(_text)),
        mark=_field(value, "mark", _flag),
        move=_field(value, "move", _optional(lambda v: _one_of(v, MOVES))),
        destination=_field(value, "destination", _optional(_path)),
        by_hand=_field({_BY_HAND: False, **value}, _BY_HAND, _flag),
    )
    if (item.move is None) != (item.destination is None):
        raise ValueError("move and destination need each other")
    return item


def _field(value: Mapping[str, Any], key: str, read: Callable[[Any], _Read]) -> _Read:
    try:
        return read(value[key])
    except (ValueError, TypeError) as error:
        raise ValueError(f"{key}: {error}") from None


def _exact_keys(value: Mapping[str, Any], keys: Sequence[str]) -> None:
    missing, unknown = [key for key in keys if key not in value], sorted(value.keys() - set(keys))
    if missing or unknown:
        parts = ["missing " + ", ".join(missing)] if missing else []
        raise ValueError("; ".join([*parts, *(["unknown " + ", ".join(unknown)] if unknown else [])]))


def _optional(read: Callable[[Any], _Read]) -> Callable[[Any], _Read | None]:
    return lambda value: None if value is None else read(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("is no object")
    return value


def _sequence(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _path(value: Any) -> Path:
    path = Path(_text(value))
    if not path.is_absolute() or not path.name or "\0" in value or ".." in path.parts:
        raise ValueError(f"{value!r} is no absolute path of a file")
    return path


def _stars(value: Any) -> int:
    if type(value) is not int or not -1 <= value <= 5:
        raise ValueError(f"{value!r} is none of -1, 0, 1, 2, 3, 4, 5")
    return value


def _score(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 100:
        raise ValueError(f"{value!r} is no score, 0 to 100")
    return float(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _one_of(value: Any, choices: Sequence[_Read]) -> _Read:
    if value not in choices:
        raise ValueError(f"{value!r} is none of {', '.join(map(str, choices))}")
    return choices[choices.index(value)]


def _bad(name: str, what: str) -> UsageError:
    return UsageError(f"{name}: {what}", hint="make a new one with piqa rank ... --plan-out FILE")
