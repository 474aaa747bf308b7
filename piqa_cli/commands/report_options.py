"""Options of `piqa report` alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from piqa_cli.commands.options import given_file, given_path
from piqa_cli.report.options import Grouping

_PAGE, _RESULTS = "Report", "Results"

Sources = Annotated[
    list[Path],
    typer.Argument(
        help="Folders and photos, or one table of piqa score or rank; - reads paths from stdin.",
        metavar="PATH",
        parser=given_path,
    ),
]
Page = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        help="The page; without it report.html here, or no page where only files for CI are asked for.",
        metavar="FILE",
        parser=given_file,
        show_default=False,
        rich_help_panel=_PAGE,
    ),
]
Assets = Annotated[
    Path | None,
    typer.Option(
        help="Pictures in this folder beside the page; above 1,000 photos always.",
        metavar="DIR",
        show_default=False,
        parser=given_path,
        rich_help_panel=_PAGE,
    ),
]
Title = Annotated[
    str | None, typer.Option(help="Heading of the page.", metavar="TEXT", show_default=False, rich_help_panel=_PAGE)
]
Group = Annotated[
    Grouping | None,
    typer.Option(
        "--group",
        help="burst, folder or none; a ranked table has its own groups.",
        metavar="KEY",
        show_default="burst",
        rich_help_panel=_PAGE,
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Overwrite a file that is no report of piqa.", metavar="", rich_help_panel=_PAGE),
]
Open = Annotated[bool, typer.Option("--open", help="Show the page in the browser.", metavar="", rich_help_panel=_PAGE)]
