"""Progress of work that goes step by step, on the terminal."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_BAR_WIDTH = 32


class StepBar:
    """Steps done, with a bar and the time left, on stderr; silent where that is no terminal. Gone at the end."""

    def __init__(self, label: str, *, quiet: bool) -> None:
        """`label` says what is done, in a word or two."""
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._bar = Progress(
            TextColumn("{task.description}", style="dim"),
            BarColumn(_BAR_WIDTH, complete_style="cyan", finished_style="cyan", pulse_style="cyan"),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._bar.add_task(label, total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, done: int, total: int) -> None:
        """Show the new state: steps done, steps in all."""
        self._bar.update(self._task, completed=done, total=total)
