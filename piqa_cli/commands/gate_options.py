"""Options of the gates, the same for `piqa score` and `piqa report`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from piqa_cli.commands.options import checked, given_file
from piqa_cli.gates import parsing
from piqa_cli.gates.policy import Resolution

_GATES, _FILES = "Gates (exit 1 where one is broken)", "Files for CI systems"


class Annotations(StrEnum):
    """What `--annotations` takes."""

    GITHUB = "github"


def parse_resolution(text: str | None) -> Resolution | None:
    """The value of `--min-resolution`, which was checked when it was read."""
    return None if text is None else parsing.resolution(text)


Gate = Annotated[
    Path | None,
    typer.Option(
        help="A policy: gates, sections for folders, checks (TOML).",
        metavar="FILE",
        parser=given_file,
        rich_help_panel=_GATES,
    ),
]
FailUnder = Annotated[
    float | None,
    typer.Option(
        help="No photo may score lower.", metavar="SCORE", callback=checked(parsing.score), rich_help_panel=_GATES
    ),
]
MaxBadPct = Annotated[
    float | None,
    typer.Option(
        help="At most N % may score below --bad-below.",
        metavar="N",
        callback=checked(parsing.percent),
        rich_help_panel=_GATES,
    ),
]
BadBelow = Annotated[
    float | None,
    typer.Option(
        help="What --max-bad-pct calls bad; 40 if not given.",
        metavar="SCORE",
        callback=checked(parsing.score),
        rich_help_panel=_GATES,
    ),
]
MaxErrors = Annotated[
    int | None,
    typer.Option(min=0, help="At most N photos may be impossible to score.", metavar="N", rich_help_panel=_GATES),
]
MinFacePx = Annotated[
    int | None,
    typer.Option(
        min=0, help="The shorter side of the main face, where there is one.", metavar="N", rich_help_panel=_GATES
    ),
]
MaxNoFacePct = Annotated[
    float | None,
    typer.Option(
        help="At most N % of the readable photos may have no face.",
        metavar="N",
        callback=checked(parsing.percent),
        rich_help_panel=_GATES,
    ),
]
RequireSingleFace = Annotated[
    bool,
    typer.Option("--require-single-face", help="Every photo has exactly one.", metavar="", rich_help_panel=_GATES),
]
RequireOpenEyes = Annotated[
    bool, typer.Option("--require-open-eyes", help="Nobody's eyes are closed.", metavar="", rich_help_panel=_GATES)
]
MinResolution = Annotated[
    str | None,
    typer.Option(
        help="Such as 1920x1080, either way round, or 2MP.",
        metavar="SIZE",
        callback=checked(parsing.resolution),
        rich_help_panel=_GATES,
    ),
]
MaxDuplicates = Annotated[
    int | None,
    typer.Option(min=0, help="At most N files may repeat another's content.", metavar="N", rich_help_panel=_GATES),
]
MaxNearDuplicates = Annotated[
    int | None,
    typer.Option(min=0, help="At most N photos may look like another.", metavar="N", rich_help_panel=_GATES),
]
Baseline = Annotated[
    Path | None,
    typer.Option(
        help="Compare with this earlier table: only what is new fails.",
        metavar="FILE",
        parser=given_file,
        rich_help_panel=_GATES,
    ),
]

Junit = Annotated[
    Path | None,
    typer.Option(
        help="The verdict as JUnit XML.",
        metavar="FILE",
        parser=given_file,
        rich_help_panel=_FILES,
    ),
]
Markdown = Annotated[
    Path | None,
    typer.Option(
        help="The verdict as a page for people.",
        metavar="FILE",
        parser=given_file,
        rich_help_panel=_FILES,
    ),
]
Json = Annotated[
    Path | None,
    typer.Option(
        "--json",
        help="The verdict for programs; for the scores see -o.",
        metavar="FILE",
        parser=given_file,
        rich_help_panel=_FILES,
    ),
]
Sarif = Annotated[
    Path | None,
    typer.Option(
        help="The findings as SARIF 2.1.0.",
        metavar="FILE",
        parser=given_file,
        rich_help_panel=_FILES,
    ),
]
CodeQuality = Annotated[
    Path | None,
    typer.Option(
        help="The findings as GitLab's Code Quality report.",
        metavar="FILE",
        parser=given_file,
        rich_help_panel=_FILES,
    ),
]
WantedAnnotations = Annotated[
    Annotations | None,
    typer.Option("--annotations", help="Print them for github, on stderr.", metavar="FORM", rich_help_panel=_FILES),
]
