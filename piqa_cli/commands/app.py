"""The `piqa` command: its options and its commands. Nothing here imports torch, polars or Pillow."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from piqa_cli import __version__
from piqa_cli.commands import models, pretrain
from piqa_cli.commands.evaluate import evaluate
from piqa_cli.commands.explain import explain
from piqa_cli.commands.failures import reported
from piqa_cli.commands.rank import rank
from piqa_cli.commands.report import report
from piqa_cli.commands.score import score
from piqa_cli.commands.train import train
from piqa_cli.errors import UsageError
from piqa_cli.shell_words import shell_word


class _Group(TyperGroup):
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; a photo or folder in its place is what somebody names who does not know commands yet."""
        if args and args[0] not in self.commands and os.path.lexists(args[0]):
            raise UsageError(f"{args[0]} is no command", hint=f"piqa score {shell_word(args[0])} scores it")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; see errors before Typer gives a closed pipe the exit code of a failed gate."""
        with reported():
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result


app = typer.Typer(
    name="piqa",
    cls=_Group,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (score, rank, report, explain, train, evaluate):
    app.command()(command)
app.add_typer(pretrain.app, name="pretrain")
app.add_typer(models.app, name="models")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"piqa {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def piqa(
    ctx: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit.", metavar=""
        ),
    ] = False,
) -> None:
    """Judge portraits the way a good photo editor does."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


@functools.cache
def _command() -> TyperGroup:
    return get_group(app)  # slow, and the same every time


def run(args: Sequence[str]) -> int:
    """Run `piqa` with these arguments and return its exit code.

    Raises:
        SystemExit: an error was reported; its code is the exit code.
    """
    with reported():
        code = _command().main(args=list(args), prog_name="piqa", standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk is told as an error
        return code if isinstance(code, int) else 0
