"""The arithmetic of docs/scaling.md, and that the document says what the arithmetic does."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from benchmarks.scaling import Assumptions, Costs, made_part, part_and_row_bytes, replaced, tables
from tests.fake_engine import full_score


def test_the_document_is_up_to_date():
    command = [sys.executable, "-m", "benchmarks.scaling", "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "run python -m benchmarks.scaling --write"


def test_hours_grow_with_photos_and_shrink_with_cores():
    lines = tables(
        Costs(decode_ms=0, face_ms=0, resize_ms=0, network_ms=360, steady_rate=10, steady_cores=2), Assumptions()
    )
    (million,) = [line for line in lines if line.startswith("| 1,000,000 | 100 ")]
    assert million.split("|")[3:5] == [" 56 ", " 3.5 h "]
    assert any(line.startswith("| 10,000 | 256 ") and "parts" in line for line in lines)


def test_what_a_part_and_a_row_take_is_measured(tmp_path):
    from piqa_cli.scoring.table import to_frame

    part = tmp_path / "part.parquet"
    noise = np.random.default_rng(0).normal(size=2000)
    to_frame(full_score(f"folder/{n:06}.jpg", raw_score=raw) for n, raw in enumerate(noise)).write_parquet(part)
    base, row = part_and_row_bytes(part)
    assert base + 2000 * row == pytest.approx(part.stat().st_size, rel=0.01)
    assert 0 < row < 200
    assert pl.read_parquet(part).height == 2000


def test_the_tables_take_the_place_of_older_ones():
    document = replaced(
        "before\n<!-- made by python -m benchmarks.scaling -->\nold\n<!-- end -->\nafter\n", "new\nlines"
    )
    assert made_part(document) == "new\nlines"
    assert document.startswith("before\n")
    assert document.endswith("<!-- end -->\nafter\n")
    assert replaced(document, "new\nlines") == document
