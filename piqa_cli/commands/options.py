"""Options that commands share, each written once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path, PurePath
from typing import Annotated, TypeVar

import typer

from piqa_cli.gates import parsing
from piqa_cli.scoring.options import ALL_CROPS, Precision

_DEVICE = re.compile(r"all|(auto|cpu|mps|cuda(:\d+)?|\d+)(,(auto|cpu|mps|cuda(:\d+)?|\d+))*")
_WHICH, _MODEL, _OUTPUT, _RUN = "Which photos", "Model", "Results", "Run"
Value = TypeVar("Value")


class Format(StrEnum):
    """What `--format` takes."""

    TABLE = "table"
    CSV = "csv"
    JSONL = "jsonl"
    JSON = "json"
    PARQUET = "parquet"


def given_name(text: str) -> str:
    """A photo or folder as it was typed.

    Nothing, as of an unset variable, would name the current folder; and a shell leaves the ~ of `--copy-to=~/best` as
    it is, which would name a new folder `~` in the current one.
    """
    if not text:
        raise typer.BadParameter("an empty name is no photo or folder; the current folder is .")
    if text == "~" or text.startswith("~/"):
        raise typer.BadParameter(
            f"{text!r}: the shell left ~ as it is; leave out quotes and =, as in --copy-to ~/best, or write ./~"
        )
    return text


def given_path(text: str) -> Path:
    """The same as a path."""
    return Path(given_name(text))


def given_file(text: str) -> Path:
    """A file as it was typed; nothing, as of an unset variable, would name the current folder."""
    if not text:
        raise typer.BadParameter("an empty name is no file; a variable that is not set?")
    return Path(text)


def _known_device(device: str) -> str:
    if not _DEVICE.fullmatch(device):
        raise typer.BadParameter(f"{device!r} is none of auto, cpu, mps, cuda, cuda:1, 1; 0,1 and so on; all")
    return device


def _below_a_folder(patterns: list[str]) -> list[str]:
    for pattern in patterns:
        if PurePath(pattern).is_absolute():  # a shell makes one of ~/Photos/selects; it would match nothing, unsaid
            raise typer.BadParameter(f"{pattern!r}: patterns begin below the folder that is searched, as in selects/*")
    return patterns


def _positive(value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise typer.BadParameter(f"{value} is not a positive number")
    return value


def _one_or_all(crops: int | None) -> int | None:
    if crops not in (None, 1, ALL_CROPS):
        raise typer.BadParameter(f"{crops} is neither 1 nor {ALL_CROPS}")
    return crops


def checked(parse: Callable[[object], object]) -> Callable[[Value | None], Value | None]:
    """A callback that lets a value through which `parse` (of `gates.parsing`) takes; else a usage error."""

    def callback(value: Value | None) -> Value | None:
        if value is not None:
            try:
                parse(value)
            except ValueError as error:
                raise typer.BadParameter(str(error)) from None
        return value

    return callback


Recursive = Annotated[
    bool, typer.Option("--recursive/--no-recursive", help="Look into subfolders.", metavar="", rich_help_panel=_WHICH)
]
Include = Annotated[
    list[str],
    typer.Option(
        help="Only files that match this pattern; repeatable.",
        metavar="GLOB",
        callback=_below_a_folder,
        rich_help_panel=_WHICH,
    ),
]
Exclude = Annotated[
    list[str],
    typer.Option(
        help="No files or folders that match this pattern; repeatable.",
        metavar="GLOB",
        callback=_below_a_folder,
        rich_help_panel=_WHICH,
    ),
]
MaxMegapixels = Annotated[
    float,
    typer.Option(help="Refuse larger photos.", metavar="N", callback=_positive, rich_help_panel=_WHICH),
]
FileTimeout = Annotated[
    float,
    typer.Option(
        help="Give up a photo that takes longer to read.",
        metavar="SECONDS",
        callback=_positive,
        rich_help_panel=_WHICH,
    ),
]

Model = Annotated[
    str,
    typer.Option(help="A model's name, or the path of its folder.", metavar="NAME_OR_FOLDER", rich_help_panel=_MODEL),
]
ModelsDir = Annotated[
    Path | None,
    typer.Option(
        help="Where models are found by name.",
        metavar="DIR",
        show_default=False,
        parser=given_path,
        rich_help_panel=_MODEL,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        "--devices",
        help="auto, cpu, mps, cuda, or GPUs by number: 0,1; all takes every GPU.",
        metavar="DEVICE",
        callback=_known_device,
        rich_help_panel=_MODEL,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(min=1, help="Photos in one pass through the network.", metavar="N", rich_help_panel=_MODEL),
]
Workers = Annotated[
    int | None,
    typer.Option(min=0, help="Processes that read photos and find faces.", metavar="N", rich_help_panel=_MODEL),
]
Crops = Annotated[
    int | None,
    typer.Option(
        help="Of a model with five crops (DN-PIQA): 1 reads the centre crop alone, 5 all.",
        metavar="1|5",
        callback=_one_or_all,
        show_default=False,
        rich_help_panel=_MODEL,
    ),
]
ChosenPrecision = Annotated[
    Precision,
    typer.Option(
        "--precision",
        help="auto: float16 where the CPU is quicker with it, else float32; bf16: quicker on a GPU, other scores.",
        metavar="FORMAT",
        rich_help_panel=_MODEL,
    ),
]

Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        help="Write all rows: .csv, .parquet, .jsonl, .json.",
        metavar="FILE",
        parser=given_file,
        rich_help_panel=_OUTPUT,
    ),
]
OutputFormat = Annotated[
    Format | None,
    typer.Option(
        "--format", help="Print all rows: table, csv, jsonl, json, parquet.", metavar="FORM", rich_help_panel=_OUTPUT
    ),
]
Show = Annotated[
    int, typer.Option(min=0, help="Rows shown on a terminal, best first.", metavar="N", rich_help_panel=_OUTPUT)
]
Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="No progress, notes or summary.", metavar="", rich_help_panel=_OUTPUT)
]
FailUnder = Annotated[
    float | None,
    typer.Option(
        help="Exit 1 if any photo scores lower.",
        metavar="SCORE",
        callback=checked(parsing.score),
        rich_help_panel=_OUTPUT,
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Exit 3 if any photo could not be scored (1 goes first).", metavar="", rich_help_panel=_OUTPUT
    ),
]

WithGps = Annotated[
    bool,
    typer.Option(
        "--with-gps",
        help="Add latitude and longitude to the table; nothing else ever holds them.",
        metavar="",
        rich_help_panel=_OUTPUT,
    ),
]

NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Score everything anew and keep nothing.", metavar="", rich_help_panel=_RUN)
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        help="Where scores are kept for the next run.",
        metavar="DIR",
        show_default=False,
        parser=given_path,
        rich_help_panel=_RUN,
    ),
]
