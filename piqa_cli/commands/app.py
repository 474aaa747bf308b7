"""The `piqa` command: its options and its commands. Nothing here imports torch, polars or Pillow.

Only the command that is called is imported and built: all of them take as long as much of the work that they do.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command

from piqa_cli import __version__
from piqa_cli.commands.failures import reported
from piqa_cli.errors import UsageError
from piqa_cli.shell_words import shell_word

COMMANDS = ("score", "rank", "report", "explain", "train", "evaluate")
"""Functions of these names, in modules of these names."""
GROUPS = ("pretrain", "models")
"""Modules with a Typer application each."""
_COMPLETION = ("--install-completion", "--show-completion")


class _Group(TyperGroup):
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; a photo or folder in its place is what somebody names who does not know commands yet."""
        if not ctx.resilient_parsing and args and args[0] not in self.commands and os.path.lexists(args[0]):
            raise UsageError(f"{args[0]} is no command", hint=f"piqa score {shell_word(args[0])} scores it")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; see errors before Typer gives a closed pipe the exit code of a failed gate."""
        with reported(ctx):
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result


def _print_version(ctx: typer.Context, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:  # a shell that completes a line does not run it
        typer.echo(f"piqa {__version__}")
        raise typer.Exit


def _piqa(
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
def command_line(word: str | None = None) -> TyperGroup:
    """`piqa` with one of its commands or groups, or with all of them."""
    app = typer.Typer(
        name="piqa",
        cls=_Group,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_piqa)
    for name in (word,) if word else (*COMMANDS, *GROUPS):
        module = importlib.import_module(f"piqa_cli.commands.{name}")
        if name in GROUPS:
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name))
    return cast("TyperGroup", get_command(app))


def run(args: Sequence[str]) -> int:
    """Run `piqa` with these arguments and return its exit code.

    Raises:
        SystemExit: an error was reported; its code is the exit code.
    """
    with reported():
        word = args[0] if args and args[0] in (*COMMANDS, *GROUPS) else None
        code = command_line(word).main(args=list(args), prog_name="piqa", standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk is told as an error
        if code and args[0] in _COMPLETION:  # 1, that of a broken gate, where Typer knows no way for a shell
            raise UsageError("completion is for bash, zsh, fish and PowerShell", hint="call it from one of these")
        return code if isinstance(code, int) else 0
