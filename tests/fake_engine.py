"""A stand-in for the engine and a record with every field filled; quick to import, for processes of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from piqa_cli.errors import EngineError
from piqa_cli.model.store import ModelFolder
from piqa_cli.records import DEFECTS, Capture, Face, PhotoFile, PhotoScore, Severities
from piqa_cli.scoring.options import EngineOptions


def full_score(path: Path | str = "a.jpg", **changes: Any) -> PhotoScore:
    severities = Severities(tuple(i / 10 for i in range(len(DEFECTS))))
    fields: dict[str, Any] = {
        "status": "ok",
        "score": 61.23456,
        "raw_score": 0.4567891234,
        "faces": (
            Face((10.04, 20.0, 110.5, 140.0), 0.99871, ((30.0, 50.0), (70.0, 50.0))),
            Face((200.0, 20.0, 250.0, 80.0), 0.8),
        ),
        "face_score": 55.555,
        "worst_face_score": 40.0,
        "photo_defects": severities,
        "face_defects": Severities(tuple(reversed(severities.values))),
        "reasons": ("face: motion blur", "photo: noise"),
        "width": 4000,
        "height": 3000,
        "file_size": 1234567,
        "capture": Capture(
            captured_at=datetime(2024, 5, 6, 7, 8, 9, 120000, tzinfo=timezone(timedelta(hours=2))),
            camera="Canon EOS R5",
            lens="RF85mm F1.2 L USM",
            iso=400,
            shutter_s=1 / 8000,
            aperture=1.2,
            focal_length_mm=85.0,
            exposure_bias=-0.33,
        ),
        "model": "test@0123456789ab",
    }
    return PhotoScore(path=Path(path), **{**fields, **changes})


@dataclass
class FakeEngine:
    """Stands in for `piqa_cli.scoring.engine`: the score of `NN.jpg` is NN; a name with `bad` fails."""

    batch_size: int = 4
    interrupt_after: int | None = None  # batches, then KeyboardInterrupt
    fail_after: int | None = None  # batches, then EngineError
    seen: list[Path] = field(default_factory=list)  # photos it was asked for and began
    options: EngineOptions | None = None

    def score_files(
        self, files: Iterable[PhotoFile], model: ModelFolder, options: EngineOptions
    ) -> Iterator[list[PhotoScore]]:
        self.options = options
        pending = list(files)
        for number, start in enumerate(range(0, len(pending), self.batch_size)):
            if number == self.interrupt_after:
                raise KeyboardInterrupt
            if number == self.fail_after:
                raise EngineError("scoring stopped: worker killed", hint="use fewer workers")
            batch = pending[start : start + self.batch_size]
            self.seen += [file.path for file in batch]
            yield [self._score(file, model) for file in batch]

    def _score(self, file: PhotoFile, model: ModelFolder) -> PhotoScore:
        common = {"raw_mate": file.raw_mate, "model": model.id}
        if "bad" in file.path.name:
            return PhotoScore(file.path, "error", reason="truncated", **common)
        if "nobody" in file.path.name:
            return PhotoScore(file.path, "no_face", reason="no face found", score=50.0, raw_score=0.0, **common)
        score = float(file.path.stem) if file.path.stem.isdigit() else 60.0
        return full_score(file.path, score=score, raw_score=score / 10, **common)
