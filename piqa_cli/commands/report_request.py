"""What `piqa report` was asked to do. Free of polars, Pillow and rich: it is needed before the workers are forked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from piqa_cli.commands.file_names import check_kept, check_outside
from piqa_cli.commands.gate_request import GateRequest
from piqa_cli.commands.scoring import Scoring
from piqa_cli.errors import UsageError
from piqa_cli.gates.unanswerable import look_not_known
from piqa_cli.ranking.options import is_score_table
from piqa_cli.report.options import DEFAULT_PAGE, Grouping, ReportOptions
from piqa_cli.report.target import check_page
from piqa_cli.table_parts import parts_of


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """Everything that the command line says."""

    sources: tuple[Path, ...]
    output: Path | None = None
    assets: Path | None = None
    title: str | None = None
    group: Grouping | None = None  # None: bursts, or what a ranked table says
    force: bool = False
    open: bool = False
    strict: bool = False
    quiet: bool = False
    scoring: Scoring = field(default_factory=Scoring)
    gates: GateRequest = field(default_factory=GateRequest)

    @property
    def wants_page(self) -> bool:
        """Whether there is to be a page: not where only what goes to CI systems is asked for."""
        asked = self.output is not None or self.assets is not None or self.title is not None or self.open
        return asked or not (self.gates.files or self.gates.annotations)

    @property
    def page(self) -> ReportOptions:
        """How the page is made."""
        return page_options(self.output or DEFAULT_PAGE, self.scoring, assets=self.assets, force=self.force)

    def check(self) -> None:
        """Find out before the work what would fail after it. The gates have been checked already.

        Raises:
            UsageError: no title, a file would overwrite another one or the table that is read, or a gate goes by what
                neither table nor cache will tell.
            OutputError: the page cannot be written, or would overwrite what is no report of piqa.
        """
        if self.title is not None and not self.title.strip():
            raise UsageError("--title is empty", hint="leave it out, and the page is named after the photos")
        from_table = any(map(is_score_table, self.sources))
        if from_table and self.scoring.no_cache and self.gates.policy.asks("max_near_duplicates"):
            raise look_not_known()
        page = self.page.output if self.wants_page else None
        self.gates.check_apart(output=page)
        check_kept(self.sources, (page, *self.gates.files.values()))
        check_outside(filter(parts_of, self.sources), [self.assets])
        if self.wants_page:
            check_page(self.page)


def page_options(output: Path, scoring: Scoring, *, assets: Path | None = None, force: bool = False) -> ReportOptions:
    """How a page is made; photos are read under the same limits as for scoring."""
    engine = scoring.engine
    return ReportOptions(output, assets, force, engine.workers, engine.max_megapixels, engine.file_timeout)
