"""Work that is begun before its result is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

_Result = TypeVar("_Result")


def in_order(futures: Iterable[Future[_Result]], ahead: int) -> Iterator[_Result]:
    """Their results, one after the other; `ahead` more than what was asked for are taken from `futures`, no further."""
    flying: deque[Future[_Result]] = deque()
    for future in futures:
        flying.append(future)
        if len(flying) > ahead:
            yield flying.popleft().result()
    while flying:
        yield flying.popleft().result()
