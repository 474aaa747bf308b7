"""RAW files, through the preview that the camera embedded: fast, and it is what the photographer saw."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from piqa_cli.errors import BrokenPhoto, NotAPhoto, PhotoError
from piqa_cli.photos.pillow import open_image

# LibRaw's flip bits (1 mirror, 2 upside down, 4 transpose) -> EXIF orientation.
_FLIP_TO_ORIENTATION = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}


def open_preview(file: BinaryIO, path: Path) -> tuple[Image.Image, int]:
    """The largest embedded preview of a RAW file, not yet turned, and the EXIF orientation of the RAW file.

    The orientation is for previews that carry none of their own. A JPEG preview is opened, not decoded.
    Raises PhotoError without the extra `raw`, NotAPhoto where there is no preview, BrokenPhoto for a damaged file.
    """
    try:
        import rawpy
    except ImportError:
        reason = 'reading RAW files needs rawpy: pip install "piqa-cli[raw]"'
        raise PhotoError(reason, path=path, hint="or score JPEG exports of the RAW files") from None
    try:
        # Not `rawpy.imread`, which warns of deadlocks in forked workers: those belong to demosaicing, never done here.
        with rawpy.RawPy() as raw:
            raw.open_buffer(file)
            thumbnail = raw.extract_thumb()
            orientation = _FLIP_TO_ORIENTATION.get(raw.sizes.flip, 1)
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        reason = "the RAW file holds no preview that can be read"
        raise NotAPhoto(reason, path=path, hint="export it as JPEG or TIFF and score that") from None
    except rawpy.LibRawError as error:
        raise BrokenPhoto(f"damaged or unsupported RAW file: {_text(error)}", path=path) from error
    return _as_image(thumbnail.data), orientation


def _as_image(data: Any) -> Image.Image:
    """JPEG bytes, or a bitmap: uint8 (H, W, 3)."""
    return open_image(io.BytesIO(data), "JPEG") if isinstance(data, bytes) else Image.fromarray(data)


def _text(error: Exception) -> str:
    message = error.args[0] if error.args else type(error).__name__
    return message.decode(errors="replace") if isinstance(message, bytes) else str(message)
