"""What `piqa rank` was asked to do, and which askings contradict each other. Free of polars, numpy and rich."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from piqa_cli.commands.delivery import Delivery
from piqa_cli.commands.file_names import check_apart, check_kept, check_outside
from piqa_cli.commands.rank_alone import check_alone, check_no_table, check_table, check_used
from piqa_cli.commands.scoring import Scoring
from piqa_cli.errors import UsageError
from piqa_cli.outputs.tabular import check_target
from piqa_cli.ranking.journal import check_journal
from piqa_cli.ranking.options import By, Choice, GroupOptions, Layout, is_csv_plan, is_score_table
from piqa_cli.ranking.plan import Move
from piqa_cli.ranking.steps import default_journal
from piqa_cli.report.options import DEFAULT_PAGE, ReportOptions
from piqa_cli.report.target import check_page
from piqa_cli.table_parts import parts_of


@dataclass(frozen=True, slots=True)
class Marking:
    """How marks are written."""

    write_xmp: bool = False
    naming: str = "adobe"
    embed: bool = False
    keep_modified: bool = True
    overwrite_ratings: bool = False
    clear: bool = False

    @property
    def marks(self) -> bool:
        """Whether marks are to be written."""
        return self.write_xmp or self.embed


@dataclass(frozen=True, slots=True)
class Acting:
    """Whether and how a plan is carried out."""

    apply: bool = False
    plan_out: Path | None = None
    plan: Path | None = None
    journal: Path | None = None
    undo: Path | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that the command line says."""

    sources: tuple[Path, ...]
    grouping: GroupOptions
    choice: Choice
    star_cuts: tuple[float, ...] | None
    marking: Marking
    targets: dict[Move, Path]  # --copy-to and its like, as given
    layout: Layout
    acting: Acting
    delivery: Delivery
    scoring: Scoring
    list0: bool = False
    open_report: bool = False
    given: tuple[str, ...] = ()  # options on the command line, by name

    @property
    def acts(self) -> bool:
        """Whether files are to be touched."""
        return self.marking.marks or bool(self.targets)

    def check(self) -> None:
        """Find contradictions before the work.

        Raises:
            UsageError: options that exclude or need each other.
            OutputError: an output file cannot be written.
        """
        self._check_sources()
        self._check_alone()
        self._check_groups()
        self._check_actions()
        self._check_outputs()

    def _check_sources(self) -> None:
        given = [
            name
            for name, there in (
                ("PATH", bool(self.sources)),
                ("--plan", self.acting.plan is not None),
                ("--undo", self.acting.undo is not None),
            )
            if there
        ]
        if not given:
            raise UsageError("nothing to rank", hint="name photos, folders or a score table; or --plan, --undo")
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} exclude each other", hint="leave one of them out")

    def _check_alone(self) -> None:
        """`--undo`, `--plan` and `--clear` go with few other options, some others only with what they are about."""
        if self.acting.undo is not None:
            check_alone("--undo", self.given)
        elif self.acting.plan is not None:
            check_alone("--plan", self.given, " of CSV" if is_csv_plan(self.acting.plan) else "")
        elif self.marking.clear:
            check_alone("--clear", self.given)
            check_no_table(self.sources)
        else:
            check_table(self.given, self.sources)
            marks, embeds = self.marking.marks, self.marking.embed
            bursts = By.BURST in self.grouping.by
            files, chooses = bool(self.targets), self.choice.chooses or bool(self.targets)
            check_used(self.given, chooses=chooses, marks=marks, embeds=embeds, files=files, bursts=bursts)

    def _check_groups(self) -> None:
        if By.NONE in self.grouping.by and len(set(self.grouping.by)) > 1:
            raise UsageError("--by none goes with no other --by", hint="leave one of them out")
        if By.NONE in self.grouping.by and self.choice.per_group and not self.grouping.duplicates:
            raise UsageError("--per-group needs groups", hint="use --top N, or another --by than none")

    def _check_actions(self) -> None:
        if len(self.targets) > 1:
            names = " and ".join(f"--{move}-to" for move in self.targets)
            raise UsageError(f"{names} exclude each other", hint="use one of them")
        if self.targets and self.layout is Layout.PICKS and not self.choice.chooses:
            hint = "choose with --top, --per-group, --min-score or --reject-below; or --into stars files everything"
            raise UsageError(f"--{next(iter(self.targets))}-to has nothing to go by: no photo is chosen", hint=hint)
        if self.acting.plan_out and not self.acts:
            raise UsageError("--plan-out: the plan would be empty", hint="add --write-xmp, --copy-to DIR or the like")
        acts = self.acts or self.marking.clear or self.acting.plan is not None or self.acting.undo is not None
        if self.acting.apply and not acts:
            raise UsageError("--apply: there is nothing to do", hint="add --write-xmp, --copy-to DIR or the like")
        for folder in self.targets.values():
            if os.path.lexists(folder) and not folder.is_dir():
                raise UsageError(f"{folder} is no folder", hint="name a folder, an existing or a new one")
            place = next(filter(os.path.lexists, (folder, *folder.absolute().parents)))
            if not place.is_dir():
                raise UsageError(f"{folder} cannot be made: {place} is no folder", hint="name another place")
            if "hardlink" in self.targets and (away := _on_other_disk(self.sources, place)):
                hint = "--copy-to and --symlink-to go to another disk"
                raise UsageError(f"there can be no hard links of {away} in {folder}: another disk", hint=hint)
            self._check_shoot_itself(folder)

    def _check_shoot_itself(self, folder: Path) -> None:
        """Copies in groups cannot be told from the photos of the shoot that they would lie among."""
        copies = self.layout is Layout.GROUP and self.targets.keys() & {"copy", "hardlink"}
        if copies and folder.resolve() in {path.resolve() for path in self.sources}:
            hint = f"name a folder of their own, such as {folder / 'best'}"
            raise UsageError(f"{folder} is the shoot itself: its copies would be ranked along", hint=hint)

    def _check_outputs(self) -> None:
        if self.list0 and not self.choice.picks:
            hint = "choose with --top, --per-group, --min-score or --max-photos"
            raise UsageError("--list0 lists picks, and nothing is picked", hint=hint)
        if self.list0 and self.delivery.format is not None:
            raise UsageError("--list0 and --format both want stdout", hint="use -o FILE for the table")
        if self.open_report:
            check_page(ReportOptions(DEFAULT_PAGE))
        if self.acting.plan_out is not None:
            self._check_plan_out(self.acting.plan_out)
        applies = self.acting.apply and (self.acts or self.acting.plan is not None)
        if self.acting.journal is not None or applies:
            check_journal(self.acting.journal or default_journal(), new=self.acting.plan is None)
        if self.delivery.output is not None:  # a file: a folder of Parquet parts is for `piqa score` only
            check_target(self.delivery.output)
        self.delivery.check()
        check_apart(output=self.delivery.output, plan_out=self.acting.plan_out, journal=self.acting.journal)
        page = DEFAULT_PAGE if self.open_report else None
        check_outside(
            filter(parts_of, self.sources), [self.delivery.output, self.acting.journal, *self.targets.values(), page]
        )

    def _check_plan_out(self, path: Path) -> None:
        if path.suffix.lower() == ".csv":
            hint = "end the name in .json: --plan takes a .csv for the choices of a report"
            raise UsageError(f"--plan-out {path}: a plan is JSON", hint=hint)
        check_target(path, any_suffix=True)
        check_kept(self.sources, [path])  # with -o the table that is read may get its ranking


def _on_other_disk(sources: Sequence[Path], place: Path) -> Path | None:
    """The first of the sources whose folder is on another disk; tables and lists do not say where photos are."""
    for source in sources:
        folder = source if source.is_dir() else source.absolute().parent
        known = folder.is_dir() and str(source) != "-" and not is_score_table(source)
        if known and folder.stat().st_dev != place.stat().st_dev:
            return source
    return None
