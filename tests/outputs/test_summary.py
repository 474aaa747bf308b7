from __future__ import annotations

from pathlib import Path

import pytest

from piqa_cli.outputs.summary import Quartiles, Summary, summarize
from piqa_cli.records import PhotoScore
from piqa_cli.scoring.table import to_frame


def scored(name: str, score: float, *reasons: str, status: str = "ok") -> PhotoScore:
    return PhotoScore(Path(name), status, score=score, raw_score=score, reasons=reasons)  # type: ignore[arg-type]


FRAME = to_frame(
    [
        scored("a", 80.0),
        scored("b", 60.0, "face: motion blur", "photo: motion blur"),
        scored("c", 40.0, "photo: noise", "face: motion blur"),
        scored("d", 20.0, "photo: noise", status="no_face"),
        scored("e", 10.0, "face: motion blur"),
        PhotoScore(Path("f"), "error", reason="empty file"),
        PhotoScore(Path("g"), "error"),
    ]
)


def test_a_table_is_summed_up() -> None:
    assert summarize(FRAME) == Summary(
        ok=4,
        no_face=1,
        failed=2,
        scores=Quartiles(10.0, 20.0, 40.0, 60.0, 80.0),
        defects=(("motion blur", 0.6), ("noise", 0.4)),
        failures=(("f", "empty file"), ("g", "")),
    )
    assert summarize(FRAME).total == 7


@pytest.mark.parametrize("scores", [[], [PhotoScore(Path("f"), "error")]], ids=["no rows", "only failures"])
def test_nothing_scored(scores) -> None:
    summary = summarize(to_frame(scores))
    assert (summary.scores, summary.defects, summary.total) == (None, (), len(scores))


def test_equal_shares_are_ordered_by_name() -> None:
    frame = to_frame([scored("a", 1.0, "photo: noise", "photo: color cast", "photo: low contrast")])
    assert [name for name, _ in summarize(frame).defects] == ["color cast", "low contrast", "noise"]
