"""Photos and score tables to report on."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from piqa_cli.ranking.options import By, Choice, GroupOptions
from piqa_cli.ranking.ranked import rank_shoot
from piqa_cli.ranking.ranked_table import in_order, with_ranking
from piqa_cli.records import Capture, Face, PhotoScore
from piqa_cli.report.data import About
from tests.fake_engine import full_score

HOSTILE = (
    "</script><img src=x onerror=alert(1)>.jpg".replace("/", "\u2215"),
    "<!--<script>.jpg",
    "\"quotes\" 'and' `ticks` {{ 7*7 }} ${1}.jpg",
    "new\nline\ttab.jpg",
    "\u202egpj.exe\u202c.jpg",  # right to left
    "100%25 #hash ?query&amp;.jpg",
    "javascript:alert(1).jpg",
    "line\u2028separator.jpg",
)
HOSTILE_TEXT = "</script><img src=x onerror=alert(1)><!-- \u2028 & \" ' {{ 7*7 }}"
ABOUT = About("a title", "a folder", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), "burst")


def colors(width: int, height: int, seed: int = 0) -> Image.Image:
    """Smooth colours, different in every corner, so that a turned picture is told from an upright one."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = np.sin(6 * (x + seed)) * 20
    return Image.fromarray(np.stack([220 * x + 17, 220 * y + 17, 120 + waves], axis=-1).clip(0, 255).astype(np.uint8))


def jpeg(image: Image.Image, path: Path, *, orientation: int = 1, **tags: Any) -> Path:
    """Save with EXIF; `tags`: `thumbnail` (an image), `edited`, `gps`."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x0132] = "2024:05:06 10:00:00" if tags.get("edited") else "2024:05:06 07:08:09"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    if tags.get("gps"):
        exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)})
    data = exif.tobytes()
    if tags.get("thumbnail") is not None:
        data = _with_thumbnail(data, tags["thumbnail"])
    image.save(path, "JPEG", quality=95, exif=data)
    return path


def _with_thumbnail(exif: bytes, thumbnail: Image.Image) -> bytes:
    """Append a second directory with a JPEG thumbnail to EXIF that Pillow made (it writes none)."""
    small = io.BytesIO()
    thumbnail.save(small, "JPEG", quality=90)
    tiff = bytearray(exif.removeprefix(b"Exif\0\0"))
    order = "little" if tiff[:2] == b"II" else "big"
    first = int.from_bytes(tiff[4:8], order)
    count = int.from_bytes(tiff[first : first + 2], order)
    link = first + 2 + 12 * count
    tiff += b"\0" * (len(tiff) % 2)
    directory = len(tiff)
    tiff[link : link + 4] = directory.to_bytes(4, order)
    start = directory + 2 + 2 * 12 + 4
    tiff += (2).to_bytes(2, order)
    for tag, value in ((0x0201, start), (0x0202, len(small.getvalue()))):
        tiff += tag.to_bytes(2, order) + (4).to_bytes(2, order) + (1).to_bytes(4, order) + value.to_bytes(4, order)
    tiff += (0).to_bytes(4, order) + small.getvalue()
    return b"Exif\0\0" + bytes(tiff)


def score_of(path: Path, score: float | None = 50.0, **changes: Any) -> PhotoScore:
    """A record of a photo whose face fills the middle of it."""
    width, height = _size_of(path)
    face = Face((0.3 * width, 0.2 * height, 0.7 * width, 0.8 * height), 0.99)
    fields = {"width": width, "height": height, "faces": (face,), "score": score, "raw_score": score and score / 10}
    return full_score(path, **{**fields, "raw_mate": None, **changes})


def _size_of(path: Path) -> tuple[int, int]:
    if not path.exists():
        return 400, 300
    with Image.open(path) as image:
        return image.size


def ranked_table(scores: list[PhotoScore], by: By = By.BURST) -> pl.DataFrame:
    """The table that `piqa rank` would write."""
    ranked = rank_shoot(scores, GroupOptions((by,)), Choice(), None, lambda path: None)
    return with_ranking(in_order(ranked, scores, None), ranked)


def hostile_shoot(folder: Path) -> list[PhotoScore]:
    """Photos with names, and EXIF as it comes out of them, that try to get out of the page."""
    names = [*HOSTILE]
    if os.name == "posix":
        names.append(os.fsdecode(b"no utf-8 \xff\xfe.jpg"))
    capture = Capture(camera=HOSTILE_TEXT, lens=f"{HOSTILE_TEXT} lens", captured_at=datetime(2024, 5, 6, tzinfo=UTC))
    paths = [jpeg(colors(120, 90, number), folder / name) for number, name in enumerate(names)]
    return [
        score_of(path, 10.0 + number, capture=capture, reasons=(HOSTILE_TEXT,)) for number, path in enumerate(paths)
    ]


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and the text of scripts and styles, character by character."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: dict[str, list[tuple[dict[str, str | None], str]]] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style", "title"):
            self._open.append(tag)
            self.texts.setdefault(tag, []).append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            attrs, text = self.texts[self._open[-1]][-1]
            self.texts[self._open[-1]][-1] = (attrs, text + data)

    def json_of(self, name: str) -> str:
        """The text of the data element with this id."""
        return next(text for attrs, text in self.texts["script"] if attrs.get("id") == name)

    def meta(self, key: str, value: str) -> str:
        """The content of a <meta>."""
        return next(attrs["content"] or "" for tag, attrs in self.tags if tag == "meta" and attrs.get(key) == value)
