"""The terminal: the only module that imports rich. Data goes to stdout, everything else to stderr."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from functools import cache
from typing import Self

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from piqa_cli.scoring.collection import Progress

Segment = tuple[str, str]  # text and its style
Line = tuple[Segment, ...]

_BAR_WIDTH = 32
# What could move the cursor, change colours, hide or reorder text: C0, C1, line and paragraph separators, direction
# marks and other invisible characters, lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\ufffb]"
)
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def safe_text(text: str) -> str:
    r"""The text on one line and harmless to a terminal: control characters appear as `\n`, `\x1b`, `\u202e`.

    Bytes of a file name that are no UTF-8 appear as in a table: `\xff`.
    """
    return _UNSAFE.sub(_escape, text)


def safe_data(text: str) -> str:
    r"""The same for whole CSV or JSON text: line ends stay, and `\u001b` means the same to a reader of JSON."""
    return re.sub(r"(?!\n)" + _UNSAFE.pattern, lambda match: f"\\u{ord(match.group()):04x}", text)


def width_of(text: str) -> int:
    """Columns that the text takes on a terminal."""
    return cell_len(text)


def is_terminal() -> bool:
    """Whether stdout is read by a person."""
    return _console(stderr=False).is_terminal


def columns() -> int:
    """Width of the terminal on stdout."""
    return _console(stderr=False).width


def can_draw() -> bool:
    """Whether stdout's encoding has line-drawing characters."""
    return _console(stderr=False).encoding.lower().startswith("utf")


def print_table(lines: Iterable[Line]) -> None:
    """Lines to stdout: styled on a terminal, plain text elsewhere, never folded."""
    if is_terminal():
        _print(lines, stderr=False)
    else:
        sys.stdout.writelines("".join(text for text, _ in line).rstrip() + "\n" for line in lines)
    sys.stdout.flush()


def say(*lines: Line) -> None:
    """Lines to stderr."""
    _print(lines, stderr=True)


def note(message: str) -> None:
    """One line of news that does not stop the run, to stderr."""
    say((("piqa: ", "dim"), (safe_text(message), "")))


def warn(message: str) -> None:
    """One line that needs attention, to stderr."""
    say((("piqa: ", "bold"), (safe_text(message), "yellow")))


def complain(message: str, hint: str | None = None) -> None:
    """The one line that says why nothing came of it, and what to do about it, to stderr."""
    say((("piqa: error: ", "bold red"), (safe_text(message), "")))
    if hint:
        say((("hint: ", "bold"), (safe_text(hint), "")))


class ProgressBar:
    """Progress on stderr: a bar with rate and time left on a terminal, else silence. Gone when the run ends."""

    def __init__(self, *, quiet: bool) -> None:
        self._bar = RichProgress(
            TextColumn("{task.description}", style="dim"),
            BarColumn(_BAR_WIDTH, complete_style="cyan", finished_style="cyan", pulse_style="cyan"),
            MofNCompleteColumn(),
            _Pace(),
            console=_console(stderr=True),
            transient=True,
            auto_refresh=False,  # that would be a thread, and the engine forks its workers
            disable=quiet or not _console(stderr=True).is_terminal,
        )
        self._task = self._bar.add_task("looking for photos", total=None)
        self._scoring = False

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, progress: Progress) -> None:
        """Show the new state."""
        if progress.searching and not progress.scored:
            self._bar.update(self._task, completed=progress.found, refresh=True)
            return
        if not self._scoring:  # a new task: its rate must not count the search
            self._scoring = True
            self._bar.remove_task(self._task)
            self._task = self._bar.add_task("scoring", total=None)
        known = f" ({progress.cached:,} in the cache)" if progress.cached else ""
        description = f"scoring{known}, still searching" if progress.searching else f"scoring{known}"
        total = progress.to_score
        self._bar.update(self._task, completed=progress.scored, total=total, description=description, refresh=True)


class _Pace(ProgressColumn):
    """Photos a second and the time left."""

    def render(self, task: Task) -> Text:
        if not task.speed or task.time_remaining is None:
            return Text("")
        return Text(f"{task.speed:.1f} photos/s · {_duration(task.time_remaining)} left", style="cyan")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Drop messages whose reader is gone: the work goes on. For stdout it is not ours to say."""
        if not self.stderr:
            raise  # rich calls this while it handles the error
        self.go_silent()

    def go_silent(self) -> None:
        """Say nothing more."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


@cache
def _console(*, stderr: bool) -> _Console:
    return _Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def _print(lines: Iterable[Line], *, stderr: bool) -> None:
    console = _console(stderr=stderr)
    try:
        for line in lines:
            console.print(Text.assemble(*line), soft_wrap=True)
    except OSError:  # the disk of a log is full, say
        if not stderr:
            raise
        console.go_silent()


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python spells such a byte
        code -= 0xDC00
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
