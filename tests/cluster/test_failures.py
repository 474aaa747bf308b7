"""What stopped a run, in words: errors of piqa's own come back from other processes wrapped in Ray's."""

from __future__ import annotations

from piqa_cli.cluster.engine import _explained
from piqa_cli.errors import EngineError, OutputError


class Wrapped(Exception):
    """As Ray wraps what a task raised."""

    def __init__(self, cause):
        super().__init__("a long story\nwith many lines")
        self.cause = cause


def test_an_error_of_piqas_own_is_found_in_what_ray_raises():
    own = OutputError("the disk is full", hint="free it")
    outer = Wrapped(None)
    outer.__cause__ = Wrapped(Wrapped(own))
    assert _explained(outer) is own


def test_another_error_is_one_line():
    said = _explained(Wrapped(ValueError("x")))
    assert isinstance(said, EngineError)
    assert said.message == "the cluster gave up: with many lines"
    assert "finished partitions are kept" in said.hint
