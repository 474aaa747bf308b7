"""An error of piqa's own on its way from an actor, as text: what an exception was raised from, Ray does not carry."""

from __future__ import annotations

import json

from piqa_cli.errors import EngineError, ModelError, OutputError, PiqaError, UsageError

_KINDS: tuple[type[PiqaError], ...] = (UsageError, ModelError, OutputError)


def to_text(error: PiqaError) -> str:
    """The error for `from_text` to make again."""
    return json.dumps({"kind": type(error).__name__, "message": error.message, "hint": error.hint})


def from_text(text: str) -> PiqaError:
    """The same kind of error, with its message and hint; an `EngineError` where the kind is not known."""
    fields = json.loads(text)
    kind = next((kind for kind in _KINDS if kind.__name__ == fields["kind"]), EngineError)
    return kind(fields["message"], hint=fields["hint"])
