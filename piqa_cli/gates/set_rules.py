"""Gates on shares and counts, over the whole set or over a section."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from piqa_cli.gates.duplicates import Copies
from piqa_cli.gates.findings import Finding
from piqa_cli.gates.groups import Group, Scope, scopes
from piqa_cli.gates.policy import BAD_BELOW, Limits, Severity
from piqa_cli.records import counted

_COUNTS = frozenset({"max_errors", "max_duplicates", "max_near_duplicates"})  # these count photos without a score, too


def set_findings(groups: Sequence[Group], exact: Copies | None, near: Copies | None) -> Iterator[Finding]:
    """What the set and its sections break.

    Args:
        groups: the photos, see `groups.split`.
        exact: files of the same content, where that was looked for.
        near: photos that look alike, where that was looked for.
    """
    for scope in scopes(groups, "max_bad_pct"):
        yield from _bad_share(scope)
    for scope in scopes(groups, "max_errors"):
        yield from _errors(scope)
    for scope in scopes(groups, "max_no_face_pct"):
        yield from _no_face_share(scope)
    for rule, what, copies in (
        ("max-duplicates", "repeat the content of another", exact),
        ("max-near-duplicates", "look like another photo", near),
    ):
        for scope in scopes(groups, rule.replace("-", "_")):
            yield from _copies(scope, rule, what, copies or ())


def nothing_judged(groups: Sequence[Group]) -> Iterator[Finding]:
    """Gates on photos where none of the photos could be scored: nothing is below a limit, and that is no pass.

    A limit that a section sets is held against its photos alone.
    """
    if any(_scored(group) for group in groups):
        for group in groups:
            if group.section is not None and group.frame.height and not _scored(group):
                message = f"in {group.name}: {_nothing(group.frame.height)}"
                for name in _held(group.section.limits):
                    yield Finding(name.replace("_", "-"), group.severity, message, part=group.name)
        return
    message = _nothing(sum(group.frame.height for group in groups))
    asked: dict[str, set[Severity]] = {}
    for group in groups:
        for name in _held(group.limits) if group.frame.height else ():
            asked.setdefault(name, set()).add(group.severity)
    for name, severities in asked.items():
        worst = next(severity for severity in Severity if severity in severities)
        yield Finding(name.replace("_", "-"), worst, message)


def unused_sections(groups: Sequence[Group], severity: Severity) -> Iterator[Finding]:
    """Sections of the policy that hold for no photo."""
    for group in groups:
        if group.name is not None and group.frame.is_empty():
            message = f'no photo is in [folders."{group.name}"]'
            if _is_folder(group.name, groups):
                message += f'; a folder\'s photos are [folders."{group.name.rstrip("/")}/*"]'
            yield Finding("unused-section", severity, message, part=group.name)


def _scored(group: Group) -> bool:
    return bool((group.frame["status"] != "error").any())


def _held(limits: Limits) -> Iterator[str]:
    """The limits that only photos with a score are held against."""
    return (name for name in limits.asked if name not in _COUNTS)


def _nothing(photos: int) -> str:
    which = "the only photo" if photos == 1 else f"none of the {photos:,} photos"
    return f"nothing was judged: {which} could {'not ' if photos == 1 else ''}be scored"


def _is_folder(glob: str, groups: Sequence[Group]) -> bool:
    """Whether a section names a folder that photos lie in, without the `/*` that would hold for them."""
    inside = f"/{glob.strip('/')}/"
    held = (pl.lit("/") + pl.col("path")).str.contains(inside, literal=True).any()
    return any(group.frame.select(held).item() for group in groups)


def _bad_share(scope: Scope) -> Iterator[Finding]:
    scored = sum(group.frame["score"].count() for group in scope.groups)
    lines = [_bad_below(group) for group in scope.groups]
    bad = [
        path
        for group, line in zip(scope.groups, lines, strict=True)
        for path in group.frame.filter(pl.col("score") < line).sort("score", "path")["path"]
    ]
    words = " or ".join(f"{line:g}" for line in dict.fromkeys(lines))
    yield from _share(scope, "max-bad-pct", bad, scored, f"scored photos are below {words}")


def _no_face_share(scope: Scope) -> Iterator[Finding]:
    readable = sum(group.frame.filter(pl.col("status") != "error").height for group in scope.groups)
    paths = [path for group in scope.groups for path in group.frame.filter(pl.col("status") == "no_face")["path"]]
    yield from _share(scope, "max-no-face-pct", paths, readable, "readable photos have no face")


def _share(scope: Scope, rule: str, paths: list[str], whole: int, what: str) -> Iterator[Finding]:
    share = 100 * len(paths) / whole if whole else 0.0
    if share > scope.limit:
        message = f"{len(paths):,} of {whole:,} {what}, {_percent(share, scope.limit)} %; at most {scope.limit:g} % may"
        yield _finding(scope, rule, message, round(share, 4), paths)


def _percent(share: float, limit: float) -> str:
    """So many digits that a share just above its limit does not look like the limit."""
    return next(text for digits in (1, 3, 9) if float(text := f"{share:.{digits}f}") > limit or digits == 9)


def _errors(scope: Scope) -> Iterator[Finding]:
    paths = [path for group in scope.groups for path in group.frame.filter(pl.col("status") == "error")["path"]]
    yield from _count(scope, "max-errors", paths, "could not be scored")


def _copies(scope: Scope, rule: str, what: str, copies: Copies) -> Iterator[Finding]:
    inside = {path for group in scope.groups for path in group.frame["path"]}
    surplus = [path for cluster in copies for path in [p for p in cluster if p in inside][1:]]
    yield from _count(scope, rule, surplus, what)


def _count(scope: Scope, rule: str, paths: list[str], what: str) -> Iterator[Finding]:
    if len(paths) > scope.limit:
        verb = _singular(what) if len(paths) == 1 else what
        message = f"{counted(len(paths), 'photo')} {verb}; at most {scope.limit:g} may"
        yield _finding(scope, rule, message, len(paths), paths)


def _singular(what: str) -> str:
    first, _, rest = what.partition(" ")
    return what if first == "could" else f"{first}s {rest}"


def _finding(scope: Scope, rule: str, message: str, measured: float, paths: list[str]) -> Finding:
    told = message if scope.name is None else f"in {scope.name}: {message}"
    return Finding(
        rule, scope.severity, told, part=scope.name, measured=measured, limit=scope.limit, related=tuple(paths)
    )


def _bad_below(group: Group) -> float:
    return BAD_BELOW if group.limits.bad_below is None else group.limits.bad_below
