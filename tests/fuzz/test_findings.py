"""What fuzzing has found, once more in every run."""

from __future__ import annotations

from pathlib import Path

import pytest

from piqa_cli.errors import UsageError
from piqa_cli.gates.policy_file import read_policy
from piqa_cli.ranking.score_file import read_score_file, to_scores
from tests.fuzz.targets import target_called

DEEP = 5000
NESTED = {
    "lists": b"[" * DEEP,
    "objects": b'{"a":' * DEEP,
    "closed": b"[" * DEEP + b"]" * DEEP,
    "closed objects": b'{"a":' * 900 + b"1" + b"}" * 900,
    "toml": b"a=" + b"[" * DEEP,
    "toml tables": b"a=" + b"{a=" * DEEP,
}


@pytest.mark.parametrize("name", ["scores", "plan", "model", "settings", "cache-record", "policy"])
@pytest.mark.parametrize("kind", NESTED)
def test_nesting_without_end(tmp_path: Path, name: str, kind: str) -> None:
    """RecursionError in Python's readers; in polars the stack overflows and the process is gone."""
    target_called(name).attempt(NESTED[kind], tmp_path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("manifest", b"i\x07mg_name,mos\na.jpg,1\n"),
        ("manifest", b"a\x1b[31m,a\x1b[31m\n1,2\n"),
        ("scores", b"\0"),
        ("scores", b'path,score,status\n"\x1b[31m",x,ok\n'),
        ("model", b'{"format": 1, "\\u001f": null}'),
        ("plan", b'{"kind": "piqa rank plan", "version": "\\u001b[31m\\udcff"}'),
        ("policy", b'"\\u001b[31m" = 1\n'),
    ],
)
def test_foreign_text_in_messages_is_one_line(tmp_path: Path, name: str, data: bytes) -> None:
    target_called(name).attempt(data, tmp_path)


def test_a_key_of_many_parts(tmp_path: Path) -> None:
    """Python's TOML reader takes memory by the square of the parts."""
    (tmp_path / "policy.toml").write_text("a." * 40_000 + "b = 1\n")
    with pytest.raises(UsageError, match="dots"):
        read_policy(tmp_path / "policy.toml")


def test_a_table_with_a_crowd_of_faces(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text(f"path,score,status,n_faces\na.jpg,1,ok,{2**62}\nb.jpg,1,ok,-3\n")
    assert [len(score.faces) for score in to_scores(read_score_file(tmp_path / "scores.csv"))] == [10_000, 0]
