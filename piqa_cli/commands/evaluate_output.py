"""What `piqa evaluate` shows and writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from piqa_cli.commands import console
from piqa_cli.commands.evaluate_run import Labels
from piqa_cli.commands.file_names import check_apart, check_kept
from piqa_cli.errors import UsageError
from piqa_cli.outputs.tabular import check_target
from piqa_cli.outputs.text import write_text

if TYPE_CHECKING:
    import polars as pl

    from piqa_training.evaluation_forms import Published

LEAST_RESAMPLES = 40  # with fewer the ends of a 95 % interval lie between the last two of them


@dataclass(frozen=True, slots=True)
class Report:
    """Which files are wanted, and how the intervals are made."""

    json: Path | None
    csv: Path | None
    markdown: Path | None
    bootstrap: int
    seed: int

    def check(self, read: Iterable[Path | None]) -> None:
        """Find out before the work what would fail after it.

        Args:
            read: files that labels and scores come from.

        Raises:
            OutputError: a file cannot be written.
            UsageError: two of them are the same file, or one is read; or intervals would be of too few resamples.
        """
        if 0 < self.bootstrap < LEAST_RESAMPLES:
            hint = f"give {LEAST_RESAMPLES} or more, or 0 for no intervals"
            raise UsageError(f"--bootstrap {self.bootstrap}: too few resamples for 95 % intervals", hint=hint)
        wanted = [path for path in (self.json, self.csv, self.markdown) if path is not None]
        for path in wanted:
            check_target(path, any_suffix=True)
        check_apart(json=self.json, csv=self.csv, markdown=self.markdown)
        check_kept(read, wanted)


def deliver(table: pl.DataFrame, report: Report, labels: Labels, scored_by: str, part: str | None) -> None:
    """Evaluate the table, write the files, and print the result."""
    from piqa_cli.commands.evaluate_view import lines
    from piqa_training import evaluation_forms as forms
    from piqa_training.evaluation import evaluate

    evaluation = evaluate(table, bootstrap=report.bootstrap, seed=report.seed)
    published = _published(labels, forms.PIQ23_OVERALL)
    about = {"model": scored_by, "labels": labels.title or None, "part": part}
    if report.json is not None:
        write_text(report.json, forms.to_json(evaluation, **about))
    if report.csv is not None:
        write_text(report.csv, forms.to_csv(evaluation))
    if report.markdown is not None:
        write_text(report.markdown, forms.to_markdown(evaluation, scored_by, published))
    of_part = f"{part} part" if part not in (None, "all") else ""
    heading = ", ".join(filter(None, [scored_by, labels.title, of_part]))
    console.print_table(lines(evaluation, heading, published))


def _published(labels: Labels, known: Mapping[str, Sequence[Published]]) -> Sequence[Published]:
    """Published results for exactly this question: PIQ23, attribute Overall, test part of an official split."""
    official = (labels.dataset or "").casefold() == "piq23" and labels.judged.casefold() == "overall"
    return known.get((labels.split or "device").casefold(), ()) if official and labels.part == "test" else ()
