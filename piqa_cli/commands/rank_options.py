"""Options of `piqa rank` alone."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from piqa_cli.commands.options import checked, given_file, given_path
from piqa_cli.gates import parsing
from piqa_cli.ranking.options import By, Layout, Top

_GROUPS, _CHOICE, _MARKS, _FILES, _ACT = "Groups", "Choice", "Marks", "Files", "Acting"
_RESULTS = "Results"


class XmpNaming(StrEnum):
    """What `--xmp-naming` takes."""

    ADOBE = "adobe"
    DARKTABLE = "darktable"
    BOTH = "both"


def _top(text: str) -> Top:
    share, is_share = text.removesuffix("%"), text.endswith("%")
    try:
        value = float(share) if is_share else int(share)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a number of photos, like 10, nor a share, like 20%") from None
    if not math.isfinite(value) or value <= 0 or (is_share and value > 100):
        raise typer.BadParameter(f"{text!r} is out of range: at least 1 photo, or more than 0% and up to 100%")
    return Top(share=value / 100) if is_share else Top(count=int(value))


def _cuts(text: str) -> tuple[float, ...]:
    try:
        cuts = tuple(float(part) for part in text.split(","))
    except ValueError:
        cuts = ()
    if len(cuts) != 4 or not all(0 <= cut <= 100 for cut in cuts) or list(cuts) != sorted(cuts):
        raise typer.BadParameter(f"{text!r} is not four rising scores, 0 to 100, like 40,55,70,85")
    return cuts


def _seconds(value: float) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise typer.BadParameter(f"{value} is not a number of seconds")
    return value


def _cosine(value: float | None) -> float | None:
    if value is not None and not -1 <= value <= 1:
        raise typer.BadParameter(f"{value} is not a cosine, -1 to 1")
    return value


Sources = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Folders and photos, - for paths on stdin; or one score table "
        "(.csv, .parquet, .jsonl, .json, or a folder of Parquet parts).",
        metavar="PATH",
        show_default=False,
        parser=given_path,
    ),
]

ByKeys = Annotated[
    list[By],
    typer.Option(
        "--by", help="What makes a group: burst, folder, day, none; repeatable.", metavar="KEY", rich_help_panel=_GROUPS
    ),
]
Gap = Annotated[
    float,
    typer.Option(
        help="A burst ends where the camera rests longer.",
        metavar="SECONDS",
        callback=_seconds,
        rich_help_panel=_GROUPS,
    ),
]
Alike = Annotated[
    float | None,
    typer.Option(
        "--similarity",
        help="Cosine of embeddings that neighbours in a burst reach; -1: time alone.",
        metavar="COSINE",
        callback=_cosine,
        show_default=False,
        rich_help_panel=_GROUPS,
    ),
]
Duplicates = Annotated[
    bool,
    typer.Option(
        "--duplicates",
        help="Put near-duplicates together however far apart in time.",
        metavar="",
        rich_help_panel=_GROUPS,
    ),
]

TopBest = Annotated[
    Top | None,
    typer.Option(
        "--top",
        help="Picks are among the best N, or the best share, of the shoot.",
        metavar="N|N%",
        parser=_top,
        rich_help_panel=_CHOICE,
    ),
]
PerGroup = Annotated[
    int | None,
    typer.Option(min=1, help="Picks are among the best N of their group.", metavar="N", rich_help_panel=_CHOICE),
]
MinScore = Annotated[
    float | None,
    typer.Option(
        help="Picks score at least this.", metavar="SCORE", callback=checked(parsing.score), rich_help_panel=_CHOICE
    ),
]
MaxPhotos = Annotated[
    int | None,
    typer.Option(min=1, help="No more picks than this, the best of them.", metavar="N", rich_help_panel=_CHOICE),
]
RejectBelow = Annotated[
    float | None,
    typer.Option(
        help="Rejects score less than this; without it nothing is rejected.",
        metavar="SCORE",
        callback=checked(parsing.score),
        rich_help_panel=_CHOICE,
    ),
]
StarCuts = Annotated[
    tuple | None,  # type: ignore[type-arg]  # Typer would take tuple[...] for several values
    typer.Option(
        "--stars",
        help="Scores where 2, 3, 4 and 5 stars begin, like 40,55,70,85; otherwise by percentile within the shoot.",
        metavar="A,B,C,D",
        parser=_cuts,
        rich_help_panel=_CHOICE,
    ),
]

WriteXmp = Annotated[
    bool,
    typer.Option(
        "--write-xmp",
        help="Stars, label, decision, score into XMP sidecars, merged with what is there.",
        metavar="",
        rich_help_panel=_MARKS,
    ),
]
Naming = Annotated[
    XmpNaming,
    typer.Option(
        "--xmp-naming",
        help="IMG_1.xmp (adobe), IMG_1.CR2.xmp (darktable, digiKam), or both.",
        metavar="NAMING",
        rich_help_panel=_MARKS,
    ),
]
Embed = Annotated[
    bool,
    typer.Option(
        "--embed",
        help="Into the photo itself: JPEG, TIFF, DNG, PNG, HEIC; pixels stay byte for byte.",
        metavar="",
        rich_help_panel=_MARKS,
    ),
]
KeepModified = Annotated[
    bool,
    typer.Option(
        "--keep-modified/--no-keep-modified",
        help="Embedding keeps the photo's modification time.",
        metavar="",
        rich_help_panel=_MARKS,
    ),
]
OverwriteRatings = Annotated[
    bool,
    typer.Option(
        "--overwrite-ratings", help="Choose and mark as if nobody had rated.", metavar="", rich_help_panel=_MARKS
    ),
]
Clear = Annotated[
    bool,
    typer.Option(
        "--clear", help="Take back the marks that piqa wrote, and only those.", metavar="", rich_help_panel=_MARKS
    ),
]


def _folder(name: str, text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name, help=text, metavar="DIR", show_default=False, parser=given_path, rich_help_panel=_FILES
    )
    return option


CopyTo = Annotated[Path | None, _folder("--copy-to", "Copy picks and rejects there, RAW mates and sidecars along.")]
HardlinkTo = Annotated[Path | None, _folder("--hardlink-to", "The same as hard links.")]
SymlinkTo = Annotated[Path | None, _folder("--symlink-to", "The same as symbolic links.")]
MoveTo = Annotated[Path | None, _folder("--move-to", "Move them there; --undo brings them back.")]
Into = Annotated[
    Layout,
    typer.Option(
        "--into", help="Folders there: picks (and rejects), stars, group.", metavar="LAYOUT", rich_help_panel=_FILES
    ),
]

Apply = Annotated[
    bool, typer.Option("--apply", help="Do it; otherwise the plan is only shown.", metavar="", rich_help_panel=_ACT)
]
PlanOut = Annotated[
    Path | None,
    typer.Option(
        help="Write the plan as JSON.",
        metavar="FILE",
        parser=given_file,
        show_default=False,
        rich_help_panel=_ACT,
    ),
]
PlanIn = Annotated[
    Path | None,
    typer.Option(
        "--plan",
        help="Take this plan.",
        metavar="FILE",
        parser=given_file,
        show_default=False,
        rich_help_panel=_ACT,
    ),
]
Journal = Annotated[
    Path | None,
    typer.Option(
        help="Where what is done is written down; otherwise in the user's state folder.",
        metavar="FILE",
        parser=given_file,
        show_default=False,
        rich_help_panel=_ACT,
    ),
]
Undo = Annotated[
    Path | None,
    typer.Option(
        "--undo",
        help="Take back what this journal says was done.",
        metavar="JOURNAL",
        parser=given_file,
        show_default=False,
        rich_help_panel=_ACT,
    ),
]

List0 = Annotated[
    bool,
    typer.Option(
        "--list0", help="Print the picks' paths, NUL-separated, for xargs -0.", metavar="", rich_help_panel=_RESULTS
    ),
]
OpenReport = Annotated[
    bool,
    typer.Option(
        "--open-report",
        help="Make report.html of it, as piqa report does, and show it in the browser.",
        metavar="",
        rich_help_panel=_RESULTS,
    ),
]
