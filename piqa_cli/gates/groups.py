"""The score table cut into the policy's sections."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from piqa_cli.gates.policy import Limits, Policy, Section, Severity
from piqa_cli.photos.globs import Globs


@dataclass(frozen=True, slots=True)
class Group:
    """The photos of one section, or those of none, and what holds for them."""

    frame: pl.DataFrame
    limits: Limits  # the section's, filled up with those of the whole set
    severity: Severity  # of a broken gate
    section: Section | None = None

    @property
    def name(self) -> str | None:
        """The section's glob."""
        return self.section.glob if self.section else None


@dataclass(frozen=True, slots=True)
class Scope:
    """The photos that a share or a count is taken of: a section that sets the limit itself, or all the others."""

    groups: tuple[Group, ...]
    limit: float
    severity: Severity
    name: str | None


def split(frame: pl.DataFrame, policy: Policy) -> list[Group]:
    """Every photo in one group: that of the last section whose glob matches its path, see `photos.globs.Globs`."""
    if not policy.sections:
        return [Group(frame, policy.limits, policy.severity)]
    owners = _owners(frame["path"].to_list(), policy.sections)
    numbers = pl.Series(owners, dtype=pl.Int64)
    groups = [Group(frame.filter(numbers == -1), policy.limits, policy.severity)]
    for number, section in enumerate(policy.sections):
        limits = section.limits.over(policy.limits)
        groups.append(Group(frame.filter(numbers == number), limits, section.severity or policy.severity, section))
    return groups


def scopes(groups: Sequence[Group], limit: str) -> Iterator[Scope]:
    """The sets of photos that the limit of this name (`max_errors`) counts over, where it was asked for.

    A section that sets the limit counts for itself, and its photos are left out of the whole.
    """
    rest = [group for group in groups if not _sets(group, limit)]
    if (whole := getattr(groups[0].limits, limit)) is not None:
        yield Scope(tuple(rest), whole, groups[0].severity, None)
    for group in groups:
        if _sets(group, limit):
            yield Scope((group,), getattr(group.limits, limit), group.severity, group.name)


def below_root(paths: Sequence[str]) -> list[str]:
    """The paths relative to the deepest folder that holds all of them, with "/".

    Where some are absolute and some are not, relative ones are in the working folder.
    """
    if not paths:
        return []
    whole = [os.path.normpath(path) for path in paths]
    whole = [path[1:] if path.startswith("//") else path for path in whole]  # as `commonpath` has it
    if len({os.path.isabs(path) for path in whole}) > 1:  # noqa: PTH117 - text, as in the table
        whole = [os.path.abspath(path) for path in whole]  # noqa: PTH100
    root = os.path.commonpath({os.path.dirname(path) for path in whole})  # noqa: PTH120
    prefix = os.path.join(root, "") if root else ""  # noqa: PTH118
    return [path[len(prefix) :].replace(os.sep, "/") for path in whole]


def folders_below_root(paths: Sequence[str]) -> list[str]:
    """The folder of each, as `below_root` has it; "." for the one that holds all of them."""
    return [os.path.dirname(path) or "." for path in below_root(paths)]  # noqa: PTH120 - text, as in the table


def _owners(paths: Sequence[str], sections: Sequence[Section]) -> list[int]:
    """The number of each photo's section, -1 for none. A glob is tried on the path as given and below the root."""
    globs = [_anywhere(section.glob) for section in sections]
    order = range(len(globs) - 1, -1, -1)
    forms = zip((os.path.normpath(path).replace(os.sep, "/") for path in paths), below_root(paths), strict=True)
    return [next((n for n in order if globs[n].match(path) or globs[n].match(rest)), -1) for path, rest in forms]


def _anywhere(glob: str) -> Globs:
    """A glob with "/" holds wherever the path names its folder: `passport/*` also for `/data/passport` alone.

    One without "/" may be meant for names: `a*` is not for all that lies in `/archive`.
    """
    return Globs([glob, f"**/{glob}"] if "/" in glob else [glob])


def _sets(group: Group, limit: str) -> bool:
    return group.section is not None and getattr(group.section.limits, limit) is not None
