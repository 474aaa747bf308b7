"""The local map as a picture: the photo in grey, tinted by its local quality, faces boxed, a scale below."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from piqa_cli.records import score_text
from piqa_cli.scoring.explanation import ExplainedFace, Explanation
from piqa_cli.scoring.heatmap import LocalMap
from piqa_cli.scoring.heatmap_surface import surface

LEAST_SIDE, MOST_SIDE = 1000, 1600  # pixels, of the photo's longer side in the picture
LEAST_WIDTH = 720  # pixels, of the whole picture: the scale has room
TINT = 0.55  # share of the colour over the grey photo where the score is certain
STEPS = (0, 25, 50, 75, 100)
COLOURS = ((213, 94, 0), (230, 159, 0), (240, 228, 66), (86, 180, 233), (0, 114, 178))
"""Vermilion, orange, yellow, sky blue, blue, at `STEPS`: apart for every kind of colour vision (Okabe and Ito 2008)."""
_WORDS = "grey: too plain to judge      boxes: faces, with number and own score"
_TEXT, _PAPER, _INK = 20, (255, 255, 255), (30, 30, 30)
_BAR, _PAD, _LINE, _GAP = 22, 16, 28, 7  # pixels


def draw(explanation: Explanation) -> Image.Image:
    """The picture: upright, RGB, sRGB.

    Blue parts are good, orange ones bad, the numbers are those of the score; grey parts are too plain to judge. The
    boxes are the explained faces with their numbers and their scores alone.
    """
    assert explanation.local is not None, "explained without a local map"
    found = explanation.local
    photo = _tinted(found, explanation)
    _draw_faces(photo, explanation.faces, photo.width / (explanation.photo.width or photo.width))
    legend = _legend(explanation, max(photo.width, LEAST_WIDTH))
    picture = Image.new("RGB", (legend.width, photo.height + legend.height), _PAPER)
    picture.paste(photo, ((legend.width - photo.width) // 2, 0))
    picture.paste(legend, (0, photo.height))
    return picture


def colour(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of any shape (...), 0-100 -> RGB (..., 3), 0-255."""
    channels = [np.interp(scores, STEPS, [shade[c] for shade in COLOURS]) for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def _tinted(found: LocalMap, explanation: Explanation) -> Image.Image:
    width, height = found.photo.size
    factor = min(max(max(width, height), LEAST_SIDE), MOST_SIDE) / max(width, height)
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    grey = found.photo.convert("L").resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0).convert("RGB")
    over = surface(explanation, size)
    share = (TINT * over.certainty)[..., None]  # (H, W, 1)
    mixed = np.asarray(grey, dtype=np.float32) * (1 - share) + colour(over.score) * share
    return Image.fromarray((mixed + 0.5).clip(0, 255).astype(np.uint8))


def _draw_faces(picture: Image.Image, faces: tuple[ExplainedFace, ...], factor: float) -> None:
    """The main face last, so that nothing covers it."""
    pen = ImageDraw.Draw(picture)
    for number, face in reversed(list(enumerate(faces, 1))):
        left, top, right, bottom = (edge * factor for edge in face.box)
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=_INK, width=5)
        pen.rectangle((left, top, right, bottom), outline=_PAPER, width=3)
        _draw_label(pen, (left, top), picture.size, str(number), f"{face.mark.score:.0f}")


def _draw_label(pen: ImageDraw.ImageDraw, corner: tuple[float, float], size: tuple[int, int], *words: str) -> None:
    """The face's number, white on black, and its score, black on white, above the box or where there is room."""
    font = ImageFont.load_default(_TEXT)
    widths = [pen.textlength(word, font) + 2 * _GAP for word in words]
    x = max(min(corner[0] - 1, size[0] - sum(widths)), 0)
    y = max(min(corner[1] - _LINE, size[1] - _LINE), 0)
    for word, width, (paper, ink) in zip(words, widths, ((_INK, _PAPER), (_PAPER, _INK)), strict=True):
        pen.rectangle((x, y, x + width, y + _LINE - 1), fill=paper)
        pen.text((x + width / 2, y + _LINE / 2), word, fill=ink, font=font, anchor="mm")
        x += width


def _legend(explanation: Explanation, width: int) -> Image.Image:
    """A scale with numbers, the photo's score marked on it, and a word on the grey parts."""
    strip = Image.new("RGB", (width, 2 * _PAD + 4 * _LINE + _BAR), _PAPER)
    pen, font = ImageDraw.Draw(strip), ImageFont.load_default(_TEXT)
    left, right, top = 2 * _PAD, width - 2 * _PAD, _PAD + 2 * _LINE
    score = explanation.photo.score or 0.0
    title = f"local quality, 0 to 100   ({explanation.photo.model.rsplit('@', 1)[0]})"
    pen.text((left, _PAD - 4), _printable(title), fill=_INK, font=font)
    strip.paste(_scale(right - left), (left, top))
    for step in STEPS:
        x = left + (right - left - 1) * step / 100
        pen.line((x, top + _BAR, x, top + _BAR + 5), fill=_INK, width=2)
        pen.text((x, top + _BAR + 8), str(step), fill=_INK, font=font, anchor="mt")
    x = left + (right - left - 1) * score / 100
    pen.polygon([(x, top), (x - 8, top - 12), (x + 8, top - 12)], fill=_INK)
    label = f"photo {score_text(score)}"
    beside, length = x + 14, pen.textlength(label, font=font)
    start = beside if beside + length <= right else x - 14 - length
    pen.text((start, top - _LINE), label, fill=_INK, font=font)
    pen.text((left, top + _BAR + _LINE + 4), _WORDS, fill=_INK, font=font)
    return strip


def _scale(width: int) -> Image.Image:
    """The colours from 0 to 100 as they look over a middle grey."""
    shades = colour(np.linspace(0, 100, width, dtype=np.float32)) * TINT + 128 * (1 - TINT)
    return Image.fromarray(np.repeat(shades[None].astype(np.uint8), _BAR, axis=0))


def _printable(text: str) -> str:
    """Pillow's own font knows Latin letters; others, which a model's folder may have, read `?`."""
    return text.encode("ascii", "replace").decode("ascii")
