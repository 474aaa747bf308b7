"""The README's example of `piqa explain`, made anew: python -m benchmarks.explained docs/heatmap.png.

The head in scikit-image's portrait of Eileen Collins (NASA, public domain) is blurred, `piqa explain` says what it
thinks of that, and lays its map over the photo.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageOps
from skimage import data

HEAD = (140, 5, 310, 235)  # an oval around hers
RADIUS, EDGE = 4, 8  # pixels, of the blur and of its soft edge
SHOWN = (560, 660)  # pixels at most, of the picture
PHOTO, MAP = "astro-face.png", "map.png"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="where the map goes; overwritten")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        blurred().save(Path(folder) / PHOTO)
        print(f"$ piqa explain {PHOTO} --heatmap {MAP}", flush=True)
        command = [sys.executable, "-m", "piqa_cli", "explain", PHOTO, "--heatmap", MAP]
        subprocess.run(command, check=True, cwd=folder)
        with Image.open(Path(folder) / MAP) as drawn:
            small = ImageOps.contain(drawn.convert("RGB"), SHOWN, Image.Resampling.LANCZOS)
        small.save(options.picture, optimize=True)


def blurred() -> Image.Image:
    """Her portrait with a soft head."""
    portrait = Image.fromarray(data.astronaut())
    mask = Image.new("L", portrait.size)
    ImageDraw.Draw(mask).ellipse(HEAD, fill=255)
    soft = portrait.filter(ImageFilter.GaussianBlur(RADIUS))
    return Image.composite(soft, portrait, mask.filter(ImageFilter.GaussianBlur(EDGE)))


if __name__ == "__main__":
    main()
