"""The verdict on a score table: checked, written to the files asked for, shown; the same for score and report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from piqa_cli.commands import console
from piqa_cli.commands.failures import GATE_FAILED
from piqa_cli.commands.gate_request import GateRequest
from piqa_cli.commands.gate_view import broken_lines, verdict_lines
from piqa_cli.errors import UsageError
from piqa_cli.gates.annotations import github_annotations
from piqa_cli.gates.check import Material, Verdict, check
from piqa_cli.gates.code_quality import to_code_quality
from piqa_cli.gates.json_result import to_json
from piqa_cli.gates.junit import to_junit
from piqa_cli.gates.markdown import to_markdown
from piqa_cli.gates.sarif import to_sarif
from piqa_cli.outputs.text import write_text
from piqa_cli.ranking.score_file import read_score_file
from piqa_cli.records import counted


def judge(
    frame: pl.DataFrame,
    request: GateRequest,
    *,
    embeddings: Mapping[str, bytes] | None = None,
    unlisted: int = 0,
    quiet: bool = False,
) -> int:
    """Check a score table against the gates and tell everybody who asked.

    Args:
        frame: a score table (`scoring.table`), complete; columns but path, score and status may be missing.
        request: what was asked for, after its `check`; something must have been.
        embeddings: path as in the table -> `PhotoScore.embedding`, where known: for near-duplicates. None: the scores
            have left memory, as a table in parts.
        unlisted: folders that could not be listed; 0 also where the run fails for them anyway (`--strict`).
        quiet: only say what fails, and which sections of the policy hold for no photo of a whole set.

    Returns:
        0, or 1 where a gate is broken.

    Raises:
        UsageError: a gate needs a column or a photo that is not there, or holds for all photos but those in a folder
            that could not be listed; the baseline cannot be read.
        OutputError: a file cannot be written.
    """
    baseline = None if request.baseline is None else _read_baseline(request.baseline)
    material = Material(datetime.now(UTC), embeddings, baseline, request.baseline or Path())
    verdict = check(frame, request.policy, material, dataset=request.checks_dataset)
    if unlisted:
        _beware(verdict, unlisted, quiet=quiet)
    _write(verdict, request)
    for line in broken_lines(verdict):
        console.say(line)
    if request.checks_dataset and not quiet:
        console.say(*verdict_lines(verdict, request.files.values()))
    elif quiet and not request.few:
        for finding in verdict.of("unused-section"):
            if not finding.fails:
                console.warn(f"{finding.rule}: {finding.message}")
    return 0 if verdict.passed else GATE_FAILED


def _beware(verdict: Verdict, unlisted: int, *, quiet: bool) -> None:
    """Nobody knows what is in a folder that could not be listed: gates that hold without it have not been passed."""
    lost = f"{counted(unlisted, 'folder')} could not be listed"
    if verdict.passed and verdict.policy.may_fail:
        hint = "make it readable, or leave it out with --exclude"
        raise UsageError(f"{lost}: the gates cannot be checked for the photos in there", hint=hint)
    if quiet:  # else it has been said, with the name of the folder
        console.warn(f"{lost}: the verdict is without the photos in there (--strict: exit 3)")


def _read_baseline(path: Path) -> pl.DataFrame:
    frame = read_score_file(path)
    if frame.is_empty():
        raise UsageError(f"the baseline {path} has no rows", hint="--baseline takes a table that piqa score -o wrote")
    return frame


def _write(verdict: Verdict, request: GateRequest) -> None:
    base = str(Path.cwd())
    writers: dict[str, Callable[[], str]] = {
        "junit": lambda: to_junit(verdict),
        "markdown": lambda: to_markdown(verdict),
        "json": lambda: to_json(verdict),
        "sarif": lambda: to_sarif(verdict, base),
        "code_quality": lambda: to_code_quality(verdict, base),
    }
    texts = {path: writers[kind]() for kind, path in request.files.items()}
    for path, text in texts.items():  # after all of them are made: a fault in one leaves all files as they were
        write_text(path, text)
    if request.annotations is not None:
        console.say(*(((line, ""),) for line in github_annotations(verdict, base)))  # on stderr: stdout may be data
