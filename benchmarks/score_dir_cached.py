"""A run of `piqa score` that finds every one of many files in the cache."""

from __future__ import annotations

from pathlib import Path

from benchmarks.score_dir_watch import PIQA, seconds_of
from piqa_cli.model.store import find_model
from piqa_cli.records import DEFECTS, Capture, Face, PhotoFile, PhotoScore, Severities
from piqa_cli.scoring.cache import ResultCache
from piqa_cli.scoring.options import EngineOptions


def cached_run(work: Path, count: int) -> float:
    """Seconds of a run over `count` small files that the cache knows already; it is filled with made rows."""
    folder, cache_dir = work / "small", work / "small-cache"
    folder.mkdir()
    files = [PhotoFile(folder / f"{index:06}.png") for index in range(count)]
    for file in files:
        file.path.write_bytes(b"known")
    model, limit = find_model(), EngineOptions().max_megapixels
    cache = ResultCache.open(cache_dir)
    stamps = [(made_score(file.path, n), stamp) for n, (file, stamp, _) in enumerate(cache.lookup(files, model, limit))]
    cache.store([(score, stamp) for score, stamp in stamps if stamp], model, limit)
    cache.close()
    return seconds_of([*PIQA, "score", str(folder), "-o", str(work / "small.csv"), "--cache-dir", str(cache_dir)])


def made_score(path: Path, number: int) -> PhotoScore:
    """A full row, as scoring a photo with one face gives."""
    score, severities = number % 1000 / 10, Severities((0.25,) * len(DEFECTS))
    return PhotoScore(
        path, "ok", score=score, raw_score=0.5, faces=(Face((10, 10, 90, 90), 0.99, ((1, 2),) * 5),),
        face_score=score, worst_face_score=score, photo_defects=severities, face_defects=severities,
        reasons=("face: noise",), width=4000, height=3000, file_size=5_000_000, capture=Capture(camera="Made"),
    )  # fmt: skip
