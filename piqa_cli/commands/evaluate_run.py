"""What `piqa evaluate` compares: labels from a data set or a table, scores from a model or a table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from piqa_cli.commands.console import note, warn
from piqa_cli.commands.failures import INTERRUPTED
from piqa_cli.commands.score_run import collect, open_cache
from piqa_cli.errors import UsageError
from piqa_cli.model.store import find_model
from piqa_cli.records import PhotoFile, counted
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.shell_words import shell_word

if TYPE_CHECKING:
    import polars as pl

    from piqa_training.manifest import Manifest

_OF_A_MODEL = ("--model", "--models-dir", "--crops", "--precision", "--max-megapixels")  # a table has its scores


@dataclass(frozen=True, slots=True)
class Labels:
    """Where the command line says that labels are."""

    dataset: str | None
    root: Path | None
    attribute: str | None
    split: str | None
    manifest: Path | None
    test_share: float | None
    part: str

    @property
    def named(self) -> bool:
        """Whether there are any, apart from a score table's own."""
        return self.dataset is not None or self.manifest is not None

    @property
    def judged(self) -> str:
        """The attribute of PIQ23 that the labels are of."""
        return self.attribute or "Overall"

    @property
    def title(self) -> str:
        """What is evaluated, for people."""
        if self.dataset is None:
            return str(self.manifest) if self.manifest else ""
        if self.dataset.casefold() != "piq23":
            return self.dataset
        return f"{self.dataset}, {self.judged}, {self.split or 'device'} split"


@dataclass(frozen=True, slots=True)
class Scorer:
    """Where the scores come from."""

    table: Path | None
    model: str
    models_dir: Path | None
    engine: EngineOptions
    cache_dir: Path | None
    no_cache: bool
    quiet: bool


def bring_together(labels: Labels, scorer: Scorer, given: Sequence[str] = ()) -> tuple[pl.DataFrame, str, str | None]:
    """The table that is evaluated, the name of what scored it, and the part that it is of, where there are parts.

    Args:
        labels: where labels come from.
        scorer: where scores come from.
        given: the options on the command line, so that none is passed over in silence.

    Raises:
        UsageError: options that do not go together, labels or scores that cannot be read, or nothing in common.
        typer.Exit: scoring was interrupted.
    """
    _check(labels, scorer, given)
    from piqa_training import evaluation_table as tables

    if scorer.table is not None and not labels.named:
        table = tables.read_scores(scorer.table)
        part = labels.part if tables.says_parts(table) else None
        if part is None and "--part" in given and labels.part != tables.ALL_PARTS:
            hint = "leave --part out, or add the column split with train, val or test in every row"
            raise UsageError(f"{scorer.table}: does not say which photos are the {labels.part} part", hint=hint)
        return tables.own_labels(table, scorer.table, labels.part), scorer.table.stem, part
    rows = tables.labelled_part(_open(labels), labels.part)
    if scorer.table is not None:
        scores = tables.scores_by_image(tables.read_scores(scorer.table), scorer.table)
        tables.check_overlap(rows, scores, scorer.table)
        return tables.with_scores(rows, scores), scorer.table.stem, labels.part
    scores, model_id = _score(rows["image"].to_list(), scorer)
    return tables.with_scores(rows, scores), model_id, labels.part


def _check(labels: Labels, scorer: Scorer, given: Sequence[str]) -> None:
    if labels.dataset is not None and labels.manifest is not None:
        raise UsageError("--dataset and --manifest both name labels", hint="give one of them")
    if not labels.named and scorer.table is None:
        hint = "give --dataset and --root, or --manifest, or --scores with a table that has a column label"
        raise UsageError("no labels to compare scores with", hint=hint)
    if labels.dataset is not None and labels.root is None:
        raise UsageError(f"--dataset {labels.dataset} needs --root, the folder that it lies in")
    if labels.dataset is None and (labels.root, labels.split, labels.attribute) != (None, None, None):
        raise UsageError("--root, --split and --attribute go with --dataset", hint="add --dataset piq23")
    if labels.test_share is not None and not labels.named:
        raise UsageError("--test-share goes with --dataset or --manifest", hint="a score table is taken whole")
    if scorer.table is not None and (idle := [name for name in _OF_A_MODEL if name in given]):
        hint = "leave it out to evaluate the table, or leave --scores out to evaluate the model"
        raise UsageError(
            f"--scores takes the scores from {scorer.table}: {', '.join(idle)} would do nothing", hint=hint
        )


def _open(labels: Labels) -> Manifest:
    from piqa_training.datasets.open import open_dataset
    from piqa_training.datasets.table import TEST_SHARE

    share = TEST_SHARE if labels.test_share is None else labels.test_share
    if labels.manifest is not None:
        return open_dataset("manifest", labels.manifest, test_share=share)
    if labels.dataset is None or labels.root is None:  # _check has seen to that
        raise UsageError("no labels to compare scores with")
    return open_dataset(labels.dataset, labels.root, attribute=labels.attribute, split=labels.split, test_share=share)


def _score(images: list[str], scorer: Scorer) -> tuple[dict[str, float | None], str]:
    """Image -> the network's own output, by the same engine and cache as `piqa score`."""
    model = find_model(scorer.model, scorer.models_dir)
    if not scorer.quiet:
        _say_what_was_learnt(model.path, images)
    cache = None if scorer.no_cache else open_cache(scorer.cache_dir, quiet=scorer.quiet)
    files = [PhotoFile(Path(image)) for image in dict.fromkeys(images)]
    run = collect(files, model, scorer.engine, cache, quiet=scorer.quiet)
    if run.interrupted:
        warn(f"interrupted: {len(run.scores):,} of {len(files):,} photos are scored and kept for the next run")
        raise typer.Exit(INTERRUPTED)
    if run.failure:
        raise run.failure
    failed = [score for score in run.scores if score.raw_score is None]
    if failed and not scorer.quiet:
        note(f"{counted(len(failed), 'photo')} could not be scored, the first {failed[0].path}: {failed[0].reason}")
    names = {score.model for score in run.scores if score.model} or {model.id}
    return {os.fspath(score.path): score.raw_score for score in run.scores}, min(names)


def _say_what_was_learnt(model: Path, images: list[str]) -> None:
    """Another manifest than that of the run, or `--from-ratings` there, may hold other photos out."""
    from piqa_training.evaluation_table import learnt_from
    from piqa_training.manifest import MANIFEST_FILE

    if known := learnt_from(model, images):
        held_out = f"--manifest {shell_word(model.parent / MANIFEST_FILE)} asks about those that were held out"
        note(
            f"this model was trained on {known:,} of these {len(images):,} photos, so that figures flatter; {held_out}"
        )
