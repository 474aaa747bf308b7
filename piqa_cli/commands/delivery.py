"""What is asked to be done with scores. Free of polars: it is needed before the workers are forked."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from piqa_cli.commands.gate_request import GateRequest
from piqa_cli.commands.options import Format
from piqa_cli.errors import UsageError
from piqa_cli.outputs.part_files import check_replaceable, names_folder
from piqa_cli.outputs.tabular import check_target


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the command line asked to be done with the scores."""

    output: Path | None = None
    format: Format | None = None
    show: int = 30  # rows of a table on a terminal
    fail_under: float | None = None  # of `piqa rank`; `piqa score` has it among its gates
    strict: bool = False
    quiet: bool = False
    with_gps: bool = False
    gates: GateRequest = field(default_factory=GateRequest)
    as_folder: bool = False  # `output` was written with a slash at its end

    @property
    def into_folder(self) -> bool:
        """Whether the table becomes a folder of Parquet files."""
        return self.output is not None and (self.as_folder or names_folder(self.output))

    @property
    def printed(self) -> Format | None:
        """What stdout gets: the form asked for, else lines unless a file takes the table; None: nothing."""
        return self.format or (Format.TABLE if self.output is None else None)

    def check(self) -> None:
        """Find out before the work what would fail after it.

        Raises:
            OutputError: the file cannot be written.
            UsageError: Parquet on a terminal, or the file is one that the gates read or write.
        """
        if self.output is not None:
            (check_replaceable if self.into_folder else check_target)(self.output)
            self.gates.check_apart(output=self.output)
            if self.into_folder:
                self.gates.check_outside(self.output)
        if self.format is Format.PARQUET and sys.stdout.isatty():
            hint = "use -o FILE.parquet, or send the output to a file or a pipe"
            raise UsageError("parquet is binary and not written to a terminal", hint=hint)
