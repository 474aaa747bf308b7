"""`piqa explain`: one photo's score taken apart."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated

import typer

from piqa_cli.commands import options
from piqa_cli.errors import PhotoError, UsageError
from piqa_cli.model.store import DEFAULT_MODEL, find_model
from piqa_cli.records import Box
from piqa_cli.scoring.options import EngineOptions

_BOX_FORM = "four numbers x1,y1,x2,y2 in pixels of the upright photo"


def _box(text: str) -> Box:
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no face box: {_BOX_FORM}") from None
    if not (all(map(math.isfinite, (x1, y1, x2, y2))) and x1 < x2 and y1 < y2):
        raise typer.BadParameter(f"{text!r} is no face box: {_BOX_FORM}, x1 < x2 and y1 < y2")
    return (x1, y1, x2, y2)


Photo = Annotated[
    Path,
    typer.Argument(help="The photo to explain.", metavar="PHOTO", show_default=False, parser=options.given_path),
]
FaceBox = Annotated[
    tuple | None,  # type: ignore[type-arg]  # Typer would take tuple[...] for several values
    typer.Option(
        help="Take this as the only face, in pixels of the upright photo, instead of looking for faces.",
        metavar="X1,Y1,X2,Y2",
        parser=_box,
        show_default=False,
    ),
]
Heatmap = Annotated[
    Path | None,
    typer.Option(
        help="Write a PNG of the photo tinted by its local quality; takes some seconds, with DN-PIQA a minute or more.",
        metavar="FILE.png",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with unrounded numbers.", metavar="")]


def explain(
    photo: Photo,
    face_box: FaceBox = None,
    heatmap: Heatmap = None,
    as_json: AsJson = False,
    model: options.Model = DEFAULT_MODEL,
    models_dir: options.ModelsDir = None,
    device: options.Device = "auto",
    crops: options.Crops = None,
    max_megapixels: options.MaxMegapixels = 200.0,
) -> None:
    """Take one photo's score apart: crops, faces, defects, LIQE's verdict, and what each branch contributes.

    The contribution of a branch is how far the score moves when that branch is given the other one's picture.

    A heat map shows the score that the photo would get if its face looked like each part of it: an estimate.

    Exit codes: 0 fine, 2 wrong usage or a photo that cannot be read.
    """
    if photo.is_dir():
        raise UsageError(f"{photo} is a folder", hint="explain takes one photo; piqa score takes folders")
    chosen = find_model(model, models_dir)
    engine = EngineOptions(device=device, max_megapixels=max_megapixels, crops=crops)

    from piqa_cli.commands import console, explain_json, explain_output, explain_view  # rich
    from piqa_cli.scoring.explain import explain_photo  # torch

    if heatmap is not None:
        explain_output.check_heatmap(heatmap, photo)
    try:
        explanation = explain_photo(photo, chosen, engine, face_box, with_map=heatmap is not None)
    except PhotoError as error:
        raise UsageError(f"{photo}: {error.message}", hint=error.hint) from None
    if heatmap is not None:
        explain_output.write_heatmap(explanation, heatmap)
    if as_json:
        typer.echo(json.dumps(explain_json.as_json(explanation), indent=2, allow_nan=False))
    else:
        console.print_table(explain_view.lines(explanation, draw=console.can_draw()))
