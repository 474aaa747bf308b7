"""A gate that cannot be checked must not pass in silence."""

from __future__ import annotations

import polars as pl

from piqa_cli.gates.file_checks import gone
from piqa_cli.gates.files import FileFacts
from piqa_cli.gates.photo_rules import EXTRA, NEEDS
from piqa_cli.gates.policy import Policy
from piqa_cli.gates.unanswerable import cannot_check, look_not_known, not_there

_ALWAYS = ("path", "status", "score", "reason", "reasons")  # shares, counts and the summary


def check_needs(frame: pl.DataFrame, policy: Policy, files: FileFacts) -> None:
    """Find gates that this table cannot answer.

    Raises:
        UsageError: naming the gate and what it lacks.
    """
    for limit, columns in NEEDS.items():
        missing = [name for name in columns if name not in frame.columns]
        if missing and policy.asks(limit):
            what = f"the table has no column {', '.join(missing)}"
            raise cannot_check(limit, what, "score the photos again with this version of piqa")
    if policy.asks("max_duplicates") and (away := gone(frame["path"].to_list())):
        what = not_there(away, frame.height)
        raise cannot_check("max_duplicates", what, "run it in the folder that the photos were scored from")
    if policy.asks("max_near_duplicates") and (why := files.skipped.get("near-duplicate")):
        raise look_not_known(why)


def columns_needed(policy: Policy) -> list[str]:
    """The columns of the score table that the gates read; the dataset checks and the files for CI read all."""
    asked = [name for limit in NEEDS if policy.asks(limit) for name in (*NEEDS[limit], *EXTRA.get(limit, ()))]
    return list(dict.fromkeys((*_ALWAYS, *asked)))
