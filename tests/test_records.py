"""What every view of a record shares."""

from __future__ import annotations

import pytest

from piqa_cli.commands.rank_view import ranking_lines
from piqa_cli.commands.score_view import table_lines
from piqa_cli.ranking.options import Choice, GroupOptions
from piqa_cli.ranking.ranked import rank_shoot
from piqa_cli.records import counted, score_text
from piqa_cli.scoring.table import to_frame
from tests.ranking.made_scores import blind, photo


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (0.0, "0.0"),
        (4.94, "4.9"),
        (16.4512, "16.5"),
        (16.45, "16.5"),
        (86.25, "86.3"),
        (99.99, "100.0"),
        (100.0, "100.0"),
    ],
)
def test_a_score_has_one_decimal_and_a_5_goes_up(score, text) -> None:
    assert score_text(score) == text
    assert score_text(round(score, 2)) == text


@pytest.mark.parametrize("score", [27.6504, 16.4512, 86.2512, 86.7512])
def test_score_and_rank_show_one_number(score) -> None:
    shot = photo("a.jpg", score)
    ranked = rank_shoot([shot], GroupOptions(), Choice(), None, blind)
    lines = (table_lines(to_frame([shot]))[1], ranking_lines(ranked)[1])
    assert {line[0][0].strip() for line in lines} == {score_text(score)}


def test_one_is_no_plural() -> None:
    assert [counted(n, "photo") for n in (0, 1, 2, 1204)] == ["0 photos", "1 photo", "2 photos", "1,204 photos"]
