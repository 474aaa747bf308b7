"""Which options a command line gives: one that would be passed over in silence can then be refused."""

from __future__ import annotations

import typer


def given_options(ctx: typer.Context) -> tuple[str, ...]:
    """The options on the command line by their long names, a flag's by what was said: `--no-recursive`."""
    return tuple(
        param.secondary_opts[-1] if param.secondary_opts and ctx.params[param.name] is False else param.opts[-1]
        for param in ctx.command.params
        if param.name and param.param_type_name == "option" and _is_given(ctx, param.name)
    )


def _is_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
