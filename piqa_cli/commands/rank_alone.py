"""An option that would be passed over in silence is refused: `--clear`, `--plan` and `--undo` do one thing each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from piqa_cli.errors import UsageError
from piqa_cli.ranking.options import is_score_table


@dataclass(frozen=True, slots=True)
class _Alone:
    """One of them, what goes with it, and why nothing else does."""

    takes: frozenset[str]
    why: str
    hint: str


_GO_ANYWHERE = frozenset({"--apply", "--quiet", "--cache-dir"})
_ALONE = {
    "--clear": _Alone(
        _GO_ANYWHERE
        | {"--recursive", "--no-recursive", "--include", "--exclude", "--keep-modified", "--no-keep-modified"},
        "it takes back all marks that piqa wrote",
        "it goes with --include, --exclude, --no-recursive, --no-keep-modified, --cache-dir, --apply and --quiet;"
        " then rank again",
    ),
    "--undo": _Alone(
        _GO_ANYWHERE,
        "it takes back what the journal says was done",
        "of the other options it takes --cache-dir and --quiet",
    ),
    "--plan": _Alone(
        _GO_ANYWHERE | {"--journal"},
        "what is done, and how, is written there",
        "it takes --journal, --cache-dir, --apply and --quiet; for anything else make another plan with --plan-out",
    ),
    "--plan of CSV": _Alone(
        _GO_ANYWHERE
        | {"--journal", "--write-xmp", "--embed", "--xmp-naming", "--overwrite-ratings"}
        | {"--keep-modified", "--no-keep-modified"},
        "what is done is written there",
        "it takes --embed, --xmp-naming, --overwrite-ratings, --no-keep-modified, --journal, --cache-dir, --apply and"
        " --quiet",
    ),
}


def check_alone(option: str, given: Sequence[str], kind: str = "") -> None:
    """Raise UsageError where the command line gives something that does not go with `option`, or its `kind`."""
    alone = _ALONE[option + kind]
    ignored = [name for name in given if name != option and name not in alone.takes]
    if ignored:
        raise UsageError(f"{option} stands alone, without {', '.join(ignored)}: {alone.why}", hint=alone.hint)


def check_no_table(paths: Iterable[Path]) -> None:
    """Raise UsageError where a score table is among what `--clear` is to go by, on the command line or in a list."""
    if (table := next(filter(is_score_table, paths), None)) is not None:
        hint = "name the photos or their folders"
        raise UsageError(f"--clear goes by photos, and {table} is a table", hint=hint)


def check_used(given: Sequence[str], *, chooses: bool, marks: bool, embeds: bool, files: bool, bursts: bool) -> None:
    """Raise UsageError where an option says how something is done that the rest does not ask for.

    Args:
        given: options on the command line.
        chooses: whether photos are chosen, or filed.
        marks: whether marks are to be written.
        embeds: whether they go into photos.
        files: whether photos are to be copied, linked or moved.
        bursts: whether bursts are looked for.
    """
    needs = (
        (("--xmp-naming",), marks, "no marks are written", "add --write-xmp or --embed"),
        (
            ("--overwrite-ratings",),
            marks or chooses,
            "no marks are written, and nothing is chosen",
            "add --write-xmp, --embed, --top N or the like",
        ),
        (("--keep-modified", "--no-keep-modified"), embeds, "nothing is written into photos", "add --embed"),
        (("--into",), files, "nothing is copied or moved", "add --copy-to DIR or the like"),
        (("--journal",), marks or files, "nothing is done", "add --write-xmp, --copy-to DIR or the like"),
        (("--gap", "--similarity"), bursts, "bursts are not looked for", "add --by burst"),
    )
    for options, there, why, hint in needs:
        if not there and (unused := [name for name in given if name in options]):
            raise UsageError(f"{' and '.join(unused)} would do nothing: {why}", hint=f"{hint}, or leave it out")


_OF_PHOTOS = frozenset(
    {"--include", "--exclude", "--recursive", "--no-recursive", "--model", "--models-dir", "--crops", "--precision"}
)


def check_table(given: Sequence[str], sources: Sequence[Path]) -> None:
    """Raise UsageError where an option says which photos are taken, or how they are scored, and a table does."""
    unused = [name for name in given if name in _OF_PHOTOS]
    if unused and len(sources) == 1 and is_score_table(sources[0]):
        hint = "name the photos or their folders, or leave it out"
        raise UsageError(f"{' and '.join(unused)} would do nothing: {sources[0]} is taken as it is", hint=hint)
