"""A strip of one photo, degraded in many ways, in the order of its scores: python -m benchmarks.strip docs/strip.png.

The photo is scikit-image's portrait of Eileen Collins (NASA, public domain). Whole photos are degraded and scored as
`piqa score` scores files; the strip shows their middle part, the best first.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.ranking_photos import Photo
from benchmarks.ranking_scoring import Rendered, Version, as_image, measure
from benchmarks.recipes import degrade
from benchmarks.recipes_base import from_bytes
from piqa_cli.errors import PiqaError
from piqa_cli.model.store import DEFAULT_MODEL, find_model

PHOTO = Photo("astronaut", "portrait")
SHOWN = (110, 5, 350, 275)  # pixels: head and shoulders
VERSIONS = (
    ("undegraded", 0),
    ("low resolution", 2),
    ("white balance", 4),
    ("camera shake", 4),
    ("haze", 3),
    ("underexposure", 4),
    ("jpeg", 5),
    ("noise", 5),
)
PANEL, LABEL, GAP = (144, 162), 40, 6  # pixels: size of a picture, height of its label, space between
PAPER, INK, QUIET = (255, 255, 255), (24, 24, 24), (96, 96, 96)
COLOURS = 256  # of the palette, to keep the file small


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="the PNG to write")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a model's name, or its folder")
    options = parser.parse_args(arguments)
    try:
        panels = scored_panels(options.model)
    except PiqaError as error:
        raise SystemExit(f"{error.message}{f': {error.hint}' if error.hint else ''}") from error
    write_png(draw(panels), options.output)
    print("\n".join(f"{score:5.1f}  {words}" for score, words, _ in panels))


def scored_panels(model: str) -> list[tuple[float, str, Image.Image]]:
    """Score, words and picture of every version, the best first."""
    versions = list(render())
    pictures = {one.version: one.image for one in versions}
    with tempfile.TemporaryDirectory() as folder:
        measured = list(measure(versions, Path(folder), find_model(model)))
    panels = [(m.score, m.version.case, pictures[m.version].crop(SHOWN)) for m in measured]
    return sorted(panels, key=lambda panel: -panel[0])


def render() -> Iterator[Rendered]:
    picture = from_bytes(PHOTO.load())
    for case, level in VERSIONS:
        image = as_image(degrade(picture, case, level, PHOTO.seed))
        yield Rendered(Version("strip", PHOTO.name, case, level), image)


def draw(panels: Sequence[tuple[float, str, Image.Image]]) -> Image.Image:
    """The pictures side by side, the score and what was done under each."""
    width, height = PANEL
    strip = Image.new("RGB", (len(panels) * (width + GAP) - GAP, height + LABEL), PAPER)
    pen = ImageDraw.Draw(strip)
    large, small = ImageFont.load_default(20), ImageFont.load_default(13)
    for number, (score, words, image) in enumerate(panels):
        left = number * (width + GAP)
        strip.paste(image.resize(PANEL, Image.Resampling.LANCZOS), (left, 0))
        pen.text((left, height + 4), f"{score:.0f}", INK, large)
        pen.text((left + pen.textlength(f"{score:.0f}", large) + 6, height + 11), words, QUIET, small)
    return strip


def write_png(strip: Image.Image, path: Path) -> None:
    """With a palette of its own, whole or not at all."""
    stream = io.BytesIO()
    palette = strip.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)
    palette.save(stream, "PNG", optimize=True)
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(stream.getvalue())
    unfinished.replace(path)


if __name__ == "__main__":
    main()
