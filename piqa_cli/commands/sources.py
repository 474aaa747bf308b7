"""Scores for commands that take photos or a table of scores: photos are scored, a table is read."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from piqa_cli.commands.console import note
from piqa_cli.commands.score_run import STDIN, Run, collect, find_photos, nothing_found, open_cache
from piqa_cli.commands.scoring import Scoring
from piqa_cli.errors import UsageError
from piqa_cli.model.store import ModelFolder, find_model
from piqa_cli.ranking.options import is_score_table
from piqa_cli.records import PhotoFile, PhotoScore, counted
from piqa_cli.scoring.cache import ResultCache

if TYPE_CHECKING:
    import polars as pl


def gather(sources: Sequence[Path], scoring: Scoring, *, verb: str, quiet: bool) -> tuple[Run, pl.DataFrame | None]:
    """What the command line names, scored; and the table that the scores were read from, row by row, if they were.

    Embeddings are no part of a table: they come from the cache, as far as it knows the photos as they are now.

    Args:
        sources: photos and folders, or one table.
        scoring: how photos are found and scored.
        verb: what the command does, for messages.
        quiet: no progress, no notes.

    Raises:
        UsageError: a table among other things, without rows, or not to be read; no photos.
    """
    tables = [path for path in sources if path != STDIN and is_score_table(path)]
    if not tables:
        return _from_photos(sources, scoring, quiet=quiet), None
    if len(sources) > 1:
        raise UsageError(f"{tables[0]}: a score table stands alone", hint=f"{verb} one table, or photos and folders")
    return _from_table(tables[0], scoring, quiet=quiet)


def opened_cache(scoring: Scoring, *, quiet: bool) -> ResultCache | None:
    """The result cache; None where none is wanted."""
    return None if scoring.no_cache else open_cache(scoring.cache_dir, quiet=quiet)


def _from_photos(sources: Sequence[Path], scoring: Scoring, *, quiet: bool) -> Run:
    photos = find_photos(sources, scoring, quiet=quiet)
    model = find_model(scoring.model, scoring.models_dir)
    run = collect(photos, model, scoring.engine, opened_cache(scoring, quiet=quiet), quiet=quiet)
    if not run.progress.found and not run.interrupted:
        raise nothing_found(sources)
    return run


def _from_table(table: Path, scoring: Scoring, *, quiet: bool) -> tuple[Run, pl.DataFrame]:
    from piqa_cli.ranking.score_file import read_score_file, to_scores

    started = time.perf_counter()
    frame = read_score_file(table)
    if frame.is_empty():
        raise UsageError(f"{table} has no rows", hint="score some photos first")
    scores = to_scores(frame)
    if not quiet and not any(_is_told(score.path) or os.path.lexists(score.path) for score in scores):
        note(f"no photo is where {table} says: run it in the folder that they were scored from")
    if not quiet:
        _tell_undated(frame, scores)
    if not scoring.no_cache:
        scores = _with_embeddings(scores, scoring, quiet=quiet)
    return Run(scores=scores, seconds=time.perf_counter() - started), frame


def _tell_undated(frame: pl.DataFrame, scores: Sequence[PhotoScore]) -> None:
    """Say of times that a spreadsheet has written in its own way that bursts and days do without them."""
    if "captured_at" not in frame.columns:
        return
    lost = [
        text for text, score in zip(frame["captured_at"], scores, strict=True) if text and not score.capture.captured_at
    ]
    if lost:
        what = f"{counted(len(lost), 'capture time')}, such as {lost[0][:40]!r}, cannot be read"
        note(f"{what}: bursts and days do without; 2024-05-31T18:30:00 is the form")


def _is_told(path: Path) -> bool:
    """Whether the path says by itself where the photo is: from the root, or in an object store (`s3://...`)."""
    return path.is_absolute() or any(part.endswith(":") for part in path.parts[:1])


def _with_embeddings(scores: list[PhotoScore], scoring: Scoring, *, quiet: bool) -> list[PhotoScore]:
    known: dict[PhotoFile, bytes] = {}
    by_model: dict[str, list[PhotoFile]] = {}
    for score in scores:
        by_model.setdefault(score.model, []).append(PhotoFile(score.path))
    with closing(open_cache(scoring.cache_dir, quiet=quiet)) as cache:
        for model, files in by_model.items():
            name, _, fingerprint = model.rpartition("@")
            answers = cache.lookup(files, ModelFolder(files[0].path, name, fingerprint), float("inf"))
            known |= {file: found.embedding for file, _, found in answers if found and found.embedding}
    return [replace(score, embedding=known.get(PhotoFile(score.path))) for score in scores]
