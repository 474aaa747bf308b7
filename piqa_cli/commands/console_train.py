"""Training on the terminal: epochs as a growing table on stderr, with one line of progress below it."""

from __future__ import annotations

from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from piqa_cli.commands.console import note, safe_text
from piqa_training.fit.observer import Observer

_MOST_ROWS = 20  # epochs on the terminal; all of them are in metrics.jsonl
_BAR_WIDTH = 32
_COLUMNS = ("epoch", "loss", "val SRCC", "val pairs", "learning rate", "seconds", "")


class TrainView(Observer):
    """Draws a run: live on a terminal, one line for each epoch elsewhere, nothing when quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._rows: list[tuple[str, ...]] = []
        self._stage: tuple[str, int, int] | None = None
        drawn = self._console.is_terminal and not quiet
        # No refreshing thread: training forks its workers.
        self._live = Live(console=self._console, auto_refresh=False, transient=False) if drawn else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._stage = None
            self._draw()
            self._live.stop()

    def note(self, message: str) -> None:
        """A line of news, above the table."""
        if self._live:
            self._live.console.print(Text.assemble(("piqa: ", "dim"), safe_text(message)), soft_wrap=True)
        elif not self.quiet:
            note(message)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Move the line below the table."""
        self._stage = (stage, done, total)
        self._draw()

    def epoch(self, record: dict[str, Any]) -> None:
        """Add a row."""
        row = epoch_row(record)
        self._rows.append(row)
        if self._live:
            self._draw()
        elif not self.quiet:
            words = zip(_COLUMNS, row, strict=True)
            note("  ".join(f"{name} {value}".strip() for name, value in words if value))

    def _draw(self) -> None:
        if self._live:
            self._live.update(Group(*self._parts()), refresh=True)

    def _parts(self) -> list[RenderableType]:
        parts: list[RenderableType] = []
        if self._rows:
            table = Table(box=None, pad_edge=False, header_style="dim")
            for name in _COLUMNS:
                table.add_column(name, justify="right" if name else "left")
            for row in self._rows[-_MOST_ROWS:]:
                table.add_row(*row, style="bold" if row[-1] else "")
            parts.append(table)
        if self._stage:
            stage, done, total = self._stage
            line = Table.grid(padding=(0, 1))
            line.add_row(Text(stage, style="dim"), ProgressBar(max(total, 1), done, _BAR_WIDTH), f"{done}/{total}")
            parts.append(line)
        return parts


def epoch_row(record: dict[str, Any]) -> tuple[str, ...]:
    """One line of metrics.jsonl as the cells of the table."""
    val = record["val"]
    return (
        str(record["epoch"]),
        f"{record['train'].get('loss', float('nan')):.4f}",
        _number(val.get("mean.srcc")),
        _number(val.get("pair_accuracy")),
        f"{record['lr']:.2g}",
        f"{record['seconds']:.1f}",
        "best" if record.get("best") else "",
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
