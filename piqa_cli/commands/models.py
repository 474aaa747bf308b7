"""`piqa models`: the models on this computer, and the import of the authors' checkpoints."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from piqa_cli.commands import options
from piqa_cli.errors import ModelError, UsageError
from piqa_cli.model.config import load_config
from piqa_cli.model.store import SOURCE_FILE, ModelEntry, find_model, list_models, new_model_folder, remove_model
from piqa_cli.shell_words import shell_word

app = typer.Typer(help="List, import, and remove models.")

_CHECKPOINTS = "Checkpoints"

Name = Annotated[str, typer.Argument(help="A model's name.", metavar="NAME", show_default=False)]
AnyModel = Annotated[
    str, typer.Argument(help="A model's name, or the path of its folder.", metavar="NAME", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.", metavar="")]


def _checkpoint(text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        help=text, metavar="FILE", show_default=False, rich_help_panel=_CHECKPOINTS
    )
    return option


@app.callback(invoke_without_command=True)
def models(ctx: typer.Context) -> None:
    """List, import, and remove models."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


@app.command("import")
def import_model(
    name: Annotated[
        str, typer.Option(help="What the model is called from then on.", metavar="NAME", show_default=False)
    ],
    dn_piqa: Annotated[Path | None, _checkpoint("DN-PIQA's whole network, PIQ_model.pth; needs --liqe.")] = None,
    liqe: Annotated[Path | None, _checkpoint("LIQE, an OpenAI CLIP state dict, LIQE.pt.")] = None,
    full: Annotated[Path | None, _checkpoint("Full-image branch pre-trained on LSVQ, to train from.")] = None,
    face: Annotated[Path | None, _checkpoint("Face branch pre-trained on GFIQA, to train from.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model of this name.", metavar="")] = False,
    models_dir: options.ModelsDir = None,
) -> None:
    """Make a model of the authors' checkpoints: one folder of safetensors and JSON, in the files' own precision.

    The network and LIQE together make a model that scores as published. The pre-trained branches make starting weights
    for training. Files are read as weights and nothing else; a file that would run a program is refused. LIQE's texts
    are encoded once, here, which takes the extra `liqe` and up to a minute.
    """
    from piqa_cli.commands import console  # rich
    from piqa_cli.model.published import import_published  # torch

    folder = new_model_folder(name, models_dir)
    if liqe is not None:
        console.note("checking the files, then encoding LIQE's 495 texts: up to a minute")
    imported = import_published(dn_piqa, liqe, full, face, folder=folder, overwrite=overwrite)
    console.note(f"{find_model(str(folder)).id} is in {folder}")
    where = f" --models-dir {shell_word(models_dir)}" if models_dir else ""
    word = shell_word(name)
    if imported.starting:
        beside = "--auxiliary none" if liqe is None else f"--liqe {word}"
        taken = f"--preset dn-piqa --full-from {word} --face-from {word} {beside}"
        console.note(f"starting weights: piqa train takes them with {taken}{where}")
    else:
        console.note(f"use it with: piqa score PHOTOS --model {word}{where}")


@app.command("list")
def list_all(models_dir: options.ModelsDir = None, as_json: AsJson = False) -> None:
    """List the models that have a name."""
    from piqa_cli.commands import console, models_view  # rich

    entries = list_models(models_dir)
    if as_json:
        typer.echo(json.dumps([_plain(entry) for entry in entries], indent=2))
    else:
        console.print_table(models_view.table(entries))


@app.command()
def info(name: AnyModel, models_dir: options.ModelsDir = None, as_json: AsJson = False) -> None:
    """Say what a model is made of, how it reads a photo, and where it comes from."""
    from piqa_cli.commands import console, models_view  # rich

    model = find_model(name, models_dir)
    config, source = load_config(model.path), _source(model.path)
    if as_json:
        facts = {"name": model.name, "id": model.id, "path": str(model.path), "config": asdict(config)}
        typer.echo(json.dumps({**facts, "source": source}, indent=2))
    else:
        console.print_table(models_view.facts(model, config, source))


@app.command()
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", metavar="")] = False,
    models_dir: options.ModelsDir = None,
) -> None:
    """Delete a model from the models folder. The one that comes with piqa stays."""
    from piqa_cli.commands import console  # rich

    entry = next((e for e in list_models(models_dir) if e.name == name and not e.embedded), None)
    if entry and not yes and not _agreed(entry):
        console.note(f"{name} stays")
        return
    console.note(f"removed {remove_model(name, models_dir)}")


@app.command()
def path(name: AnyModel, models_dir: options.ModelsDir = None) -> None:
    """Print the path of a model's folder."""
    sys.stdout.buffer.write(os.fsencode(find_model(name, models_dir).path.absolute()) + b"\n")
    sys.stdout.buffer.flush()


def _agreed(entry: ModelEntry) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(f"{entry.path} is not removed without being asked for", hint="--yes removes it")
    typer.echo(f"Remove {entry.path} ({entry.size / 1e6:,.0f} MB)? [y/N] ", err=True, nl=False)
    return sys.stdin.readline().strip().lower() in ("y", "yes")  # an end of input is no


def _source(folder: Path) -> dict[str, object] | None:
    """What an import wrote of itself; None for a model that was trained here or came with piqa."""
    file = folder / SOURCE_FILE
    try:
        source = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file}: not readable as JSON: {error}", path=file) from error
    return source if isinstance(source, dict) else None


def _plain(entry: ModelEntry) -> dict[str, object]:
    return {**asdict(entry), "path": str(entry.path)}
