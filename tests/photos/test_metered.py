"""A parser that believes every count is stopped; a sound photo is nowhere near the limits."""

from __future__ import annotations

import io

import pytest

from piqa_cli.photos.metered import MOST_READS, Metered


def test_reads_like_the_file() -> None:
    file = Metered(io.BytesIO(b"abcdef"))
    assert (file.read(2), file.tell(), file.seek(-1, 2), file.read()) == (b"ab", 2, 5, b"f")


def test_too_many_reads() -> None:
    file = Metered(io.BytesIO(bytes(100)), reads=10)
    for _ in range(10):
        assert file.read(1) == b"\0"
    with pytest.raises(ValueError, match="more reading"):
        file.read(1)


def test_too_many_bytes() -> None:
    file = Metered(io.BytesIO(bytes(100)), most_bytes=50)
    assert len(file.read(50)) == 50
    with pytest.raises(ValueError, match="more reading"):
        file.read()


def test_a_read_of_everything_never_takes_more_than_the_limit() -> None:
    source = io.BytesIO(bytes(1000))
    with pytest.raises(ValueError, match="more reading"):
        Metered(source, most_bytes=50).read()
    assert source.tell() == 51


def test_reading_behind_the_end_is_soon_over() -> None:
    file = Metered(io.BytesIO(b"abc"))
    file.seek(1000)
    count = 0
    with pytest.raises(ValueError, match="more reading"):
        while True:
            file.read(4)
            count += 1
    assert count < MOST_READS / 20
