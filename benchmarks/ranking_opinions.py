"""Order of different photos against people's mean opinions, on held-out photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.ranking_table import number, rank_correlation
from piqa_cli.model.store import ModelFolder
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.options import EngineOptions
from piqa_training.sources import Source

ALL, WITH_FACES = 0.72, 0.70  # SRCC wanted


def judge_opinions(rated: Sequence[Source], model: ModelFolder, options: EngineOptions | None = None) -> dict[str, Any]:
    """SRCC over all rated photos, and over those in which a face is found."""
    files = (PhotoFile(source.path) for source in rated)
    found = {r.path: r for batch in score_files(files, model, options) for r in batch if r.score is not None}
    return correlate(rated, found)


def correlate(rated: Sequence[Source], found: Mapping[Path, PhotoScore]) -> dict[str, Any]:
    """The same of photos that have been scored already, as far as they are in `found`."""
    scored = [source for source in rated if source.path in found]
    return {
        "all": _correlation(scored, found),
        "with_a_face": _correlation([s for s in scored if found[s.path].faces], found),
        "not_scored": len(rated) - len(scored),
    }


def _correlation(rated: Sequence[Source], found: Mapping[Path, PhotoScore]) -> dict[str, Any]:
    opinions = [source.opinion or 0.0 for source in rated]
    scores = [found[source.path].score or 0.0 for source in rated]
    return {"photos": len(rated), "srcc": rank_correlation(opinions, scores) if rated else None}


def show_opinions(found: dict[str, Any]) -> str:
    lines = [
        f"SRCC with mean opinions, held-out rated photos, {words}: {number(found[key]['srcc'], 3, least=wanted)}"
        f" (n = {found[key]['photos']})"
        for key, words, wanted in (("all", "all", ALL), ("with_a_face", "with a face", WITH_FACES))
    ]
    return "\n".join(lines + ([f"not scored: {found['not_scored']}"] if found["not_scored"] else []))
