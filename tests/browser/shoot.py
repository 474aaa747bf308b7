"""A small shoot of real photos with a score table of known values, and its report as `piqa report` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import skimage.data
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from piqa_cli.ranking.sweeps import look_at
from piqa_cli.records import DEFECTS, Capture, Face, PhotoScore, Severities
from piqa_cli.report.arrange import arrange
from piqa_cli.report.build import write_report
from piqa_cli.report.data import About
from piqa_cli.report.options import Grouping, ReportOptions

FACE = (173.0, 63.0, 273.0, 190.0)  # of the astronaut
SOFT = ("photo: motion blur",)
START = datetime(2024, 5, 6, 10, 0, 0)


@dataclass(frozen=True)
class Shot:
    """What a photo of the shoot is made of, and what its row says."""

    name: str
    score: float | None
    minutes: float  # since the start
    camera: str
    blur: float = 0.0
    face: bool = True


SHOTS = (
    Shot("a/one.jpg", 91.0, 0.00, "Canon EOS R5"),
    Shot("a/two.jpg", 84.0, 0.01, "Canon EOS R5"),
    Shot("a/three.jpg", 33.0, 0.02, "Canon EOS R5", blur=0.7),
    Shot("a/four.jpg", 78.0, 30.0, "NIKON Z 6_2"),
    Shot("b/five.jpg", 66.0, 60.0, "NIKON Z 6_2"),
    Shot("b/coffee.jpg", 58.0, 120.0, "NIKON Z 6_2", face=False),
    Shot("b/cat.jpg", 52.0, 180.0, "Canon EOS R5", face=False),
    Shot("b/rocket.jpg", 12.0, 240.0, "Canon EOS R5", blur=0.5, face=False),
    Shot("b/broken.jpg", None, 300.0, "Canon EOS R5", face=False),
)


def picture(shot: Shot) -> Image.Image:
    portrait = Image.fromarray(skimage.data.astronaut())
    made = {
        "two": lambda: ImageEnhance.Brightness(portrait).enhance(1.15),
        "three": lambda: portrait.filter(ImageFilter.GaussianBlur(4)),
        "four": lambda: ImageOps.grayscale(portrait),
        "five": lambda: ImageEnhance.Color(portrait).enhance(0.4),
        "coffee": lambda: Image.fromarray(skimage.data.coffee()),
        "cat": lambda: Image.fromarray(skimage.data.chelsea()),
        "rocket": lambda: Image.fromarray(skimage.data.rocket()),
    }
    return made.get(Path(shot.name).stem, lambda: portrait)()


def record(path: Path, shot: Shot, size: tuple[int, int]) -> PhotoScore:
    severities = Severities(tuple(shot.blur if name == "motion_blur" else 0.02 for name in DEFECTS))
    capture = Capture(
        captured_at=START + timedelta(minutes=shot.minutes), camera=shot.camera, lens="85mm F1.4", iso=200,
        shutter_s=1 / 125, aperture=1.4, focal_length_mm=85.0,
    )  # fmt: skip
    if shot.score is None:
        return PhotoScore(path, "error", reason="cannot be read: truncated file", model="test@1")
    common = {"score": shot.score, "raw_score": shot.score / 100, "photo_defects": severities, "capture": capture,
              "reasons": SOFT if shot.blur else (), "width": size[0], "height": size[1], "file_size": 54321,
              "model": "test@1"}  # fmt: skip
    if not shot.face:
        return PhotoScore(path, "no_face", reason="no face found", **common)
    face = {"faces": (Face(FACE, 0.99),), "face_score": shot.score - 5, "face_defects": severities}
    return PhotoScore(path, "ok", worst_face_score=shot.score - 5, **face, **common)


def write_page(page: Path, scores: Sequence[PhotoScore], grouping: Grouping = Grouping.BURST) -> Path:
    frame = arrange(scores, None, grouping, look_at(200))
    about = About("A test shoot", "the test's photos", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), grouping.value)
    write_report(frame, about, ReportOptions(page, workers=0))
    return page


def write_table(page: Path, frame: pl.DataFrame) -> Path:
    """The page of a table that has the columns of ranking already."""
    about = About("A table", "a table", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "table")
    write_report(frame, about, ReportOptions(page, workers=0))
    return page


def make_shoot(folder: Path) -> Path:
    """Photos in `folder`, and `folder`/report.html."""
    scores = []
    for shot in SHOTS:
        path = folder / shot.name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = picture(shot).convert("RGB")
        image.save(path, quality=90)
        if shot.score is None:
            path.write_bytes(path.read_bytes()[:300])
        scores.append(record(path, shot, image.size))
    return write_page(folder / "report.html", scores)


def frame_of(rows: int) -> pl.DataFrame:
    """A ranked table without photos behind it."""
    numbers = range(rows)
    return pl.DataFrame(
        {
            "path": [f"/nowhere/{i // 500:03}/IMG_{i:05}.jpg" for i in numbers],
            "score": [round(100 - 100 * i / rows, 2) for i in numbers],
            "status": ["ok"] * rows,
            "width": [6000] * rows,
            "height": [4000] * rows,
            "camera": [("Canon EOS R5", "NIKON Z 6_2", "X-T5")[i % 3] for i in numbers],
            "iso": [100 * 2 ** (i % 7) for i in numbers],
            "stars": [5 - 5 * i // rows for i in numbers],
            "group": ["" for _ in numbers],
            "best": [False] * rows,
        }
    )
