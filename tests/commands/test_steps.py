"""The bar of work that goes step by step."""

from __future__ import annotations

import io
import sys

import pytest

from piqa_cli.commands.console_steps import StepBar


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "quiet", "shown"),
    [(True, False, True), (True, True, False), (False, False, False)],
    ids=["terminal", "quiet", "file"],
)
def test_the_bar_is_drawn_on_a_terminal_alone(monkeypatch, terminal, quiet, shown) -> None:
    stream = Stream(terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with StepBar("making thumbnails", quiet=quiet) as bar:
        bar.update(3, 7)
    assert ("making thumbnails" in stream.getvalue() and "3/7" in stream.getvalue()) == shown
    assert bool(stream.getvalue()) == shown
