"""The heat map's file: PNG with a mark, by which a later run knows that it may replace it. Free of torch."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

SOFTWARE = "piqa explain --heatmap"


def to_png(picture: Image.Image) -> bytes:
    """The picture as PNG bytes with the mark."""
    about = PngInfo()
    about.add_text("Software", SOFTWARE)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=about)
    return buffer.getvalue()


def is_heatmap(path: Path) -> bool:
    """Whether a file is one of these pictures; False for whatever cannot be read."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return bool(image.info.get("Software") == SOFTWARE)
    except Exception:  # a damaged file raises anything, and is none of ours
        return False
