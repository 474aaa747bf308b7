"""A policy read from a TOML file. Everything that is wrong with it comes in one message, each with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from piqa_cli.errors import UsageError
from piqa_cli.gates import parsing
from piqa_cli.gates.policy import CHECKS, BaselineTerms, BiasTerms, Limits, Policy, Section
from piqa_cli.gates.toml_lines import key_lines

_HINT = "docs/ci/policy.toml beside piqa's README has every key with its meaning"
_MOST_BYTES = 100_000
_MOST_LINES = 2000  # in which the line of a problem is looked for
_MOST_DOTS = 200  # in a line: for a key of thousands of parts Python's TOML reader takes gigabytes
_POSITION = re.compile(r" \(at line (\d+), column (\d+)\)$")

Parse = Callable[[object], object]
LIMITS: Mapping[str, Parse] = {
    "fail-under": parsing.score,
    "max-bad-pct": parsing.percent,
    "bad-below": parsing.score,
    "max-errors": parsing.count,
    "min-face-px": parsing.count,
    "max-no-face-pct": parsing.percent,
    "require-single-face": parsing.flag,
    "require-open-eyes": parsing.flag,
    "min-resolution": parsing.resolution,
    "max-duplicates": parsing.count,
    "max-near-duplicates": parsing.count,
}
_GATES = {**LIMITS, "severity": parsing.severity}
_CHECKS = dict.fromkeys(CHECKS, parsing.severity_or_off)
_BASELINE: Mapping[str, Parse] = {
    "max-drop": parsing.number,
    "alpha": parsing.share,
    "min-distance": parsing.share,
}
_BIAS: Mapping[str, Parse] = {"min-difference": parsing.number, "min-photos": parsing.count}
_TABLES = ("gates", "folders", "checks", "baseline", "bias")


def read_policy(path: Path) -> Policy:
    """The policy in a TOML file.

    Raises:
        UsageError: the file cannot be read or is no TOML, or keys and values in it are not known; all of them at once.
    """
    return parse_policy(_text(path), path)


def parse_policy(text: str, path: Path) -> Policy:
    """The policy that `text` says; `path` is the file it came from. Raises as `read_policy`."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also of a number of more digits than Python reads
        raise _not_toml(path, error) from None
    reader = _Reader()
    policy = reader.policy(document, path)
    if reader.problems:
        lines = key_lines(text) if text.count("\n") < _MOST_LINES else {}  # its work grows with their square
        told = sorted((lines.get(where, 1), message) for where, message in reader.problems)
        count = f"{len(told)} problems" if len(told) > 1 else "1 problem"
        listed = "; ".join(f"line {line}: {message}" for line, message in told)
        raise UsageError(f"{path} has {count}: {listed}", hint=_HINT)
    return policy


class _Reader:
    """Walks the document and collects what is wrong, as (path of the key, message)."""

    def __init__(self) -> None:
        self.problems: list[tuple[tuple[str, ...], str]] = []

    def policy(self, document: dict[str, Any], path: Path) -> Policy:
        """The policy, as far as it can be understood."""
        for key, value in document.items():
            if key not in _TABLES:
                self._unknown((key,), _TABLES, what="table" if isinstance(value, dict) else "key")
        gates = self._values(("gates",), document.get("gates", {}), _GATES)
        severity = gates.pop("severity", None)
        return Policy(
            limits=Limits(**gates),
            sections=tuple(self._sections(document.get("folders", {}))),
            **({"severity": severity} if severity else {}),
            checks={**CHECKS, **self._checks(document.get("checks", {}))},
            baseline=BaselineTerms(**self._values(("baseline",), document.get("baseline", {}), _BASELINE)),
            bias=BiasTerms(**self._values(("bias",), document.get("bias", {}), _BIAS)),
            path=path,
        )

    def _sections(self, tables: object) -> Iterable[Section]:
        if not isinstance(tables, dict):
            self.problems.append((("folders",), 'folders is no table: sections read [folders."GLOB"]'))
            return
        for glob, table in tables.items():
            where = ("folders", glob)
            if not glob.strip():
                self.problems.append((where, "an empty glob matches nothing"))
            values = self._values(where, table, _GATES)
            severity = values.pop("severity", None)
            yield Section(glob, Limits(**values), severity)

    def _checks(self, table: object) -> dict[str, Any]:
        values = self._values(("checks",), table, _CHECKS)
        return {name.replace("_", "-"): value for name, value in values.items()}

    def _values(self, where: tuple[str, ...], table: object, known: Mapping[str, Parse]) -> dict[str, Any]:
        """Key with "_" -> parsed value, of those that are right."""
        if not isinstance(table, dict):
            self.problems.append((where, f"{where[-1]} is no table"))
            return {}
        found: dict[str, Any] = {}
        for key, value in table.items():
            if key not in known:
                self._unknown((*where, key), tuple(known))
                continue
            try:
                found[key.replace("-", "_")] = known[key](value)
            except (ValueError, OverflowError) as error:
                self.problems.append(((*where, key), f"{key}: {error}"))
        return found

    def _unknown(self, where: tuple[str, ...], known: tuple[str, ...], what: str = "key") -> None:
        key = where[-1]
        close = get_close_matches(key.replace("_", "-").lower(), known, n=1)
        home = "gates" if len(where) == 1 and key.replace("_", "-") in LIMITS else ""
        advice = f", did you mean {close[0]!r}?" if close else f", it belongs into [{home}]" if home else ""
        self.problems.append((where, f"unknown {what} {key!r}{advice or ', known are ' + ', '.join(known)}"))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} is no policy: larger than {_MOST_BYTES:,} bytes", hint=_HINT)
        text = path.read_text(encoding="utf-8-sig")
        if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
            raise UsageError(f"{path} is no policy: a line with more than {_MOST_DOTS} dots", hint=_HINT)
        return text
    except OSError as error:
        raise UsageError(f"cannot read the policy {path}: {error.strerror or error}", hint=_HINT) from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no TOML: byte {error.start + 1} is no UTF-8", hint=_HINT) from None


def _not_toml(path: Path, error: Exception) -> UsageError:
    position = _POSITION.search(str(error))
    where = f" line {position[1]}" if position else ""
    reason = _POSITION.sub("", str(error))
    return UsageError(f"{path}{where} is no TOML: {reason[:1].lower()}{reason[1:]}", hint=_HINT)
