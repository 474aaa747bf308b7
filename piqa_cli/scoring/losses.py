"""Photos lost to circumstances: the words for it, free of torch, so that the cache can tell them apart."""

from __future__ import annotations

import signal

from piqa_cli.photos.opening import CANNOT_BE_READ
from piqa_cli.records import PhotoScore

GIVEN_UP = "given up: "
"""How the reason begins of every photo that cost its worker process, or more time or memory than there is."""
UNEXPECTED = "unexpected "
"""How it begins where something failed beside the decoder: a library, the system or piqa itself, hardly the photo."""
NOT_FINITE = "the network gave no finite score"
"""The reason where numbers grew too large; in another arithmetic (`--precision`) or on another device they may not."""
FEWER_WORKERS = "the system may be out of memory: fewer --workers help"
"""What to do where a process is gone, or none can be started."""
_PASSING = (GIVEN_UP, CANNOT_BE_READ, UNEXPECTED, NOT_FINITE)
_NO_MEMORY = ("MemoryError", "out of memory", "can't allocate memory")  # Python and numpy, Pillow, torch


def given_up(score: PhotoScore) -> bool:
    """Whether the row says nothing lasting about the photo: another run, limit or arithmetic may well score it."""
    return score.status == "error" and (score.reason or "").startswith(_PASSING)


def is_lack_of_memory(error: BaseException) -> bool:
    """Whether the error, or the one that it was raised from, says that memory ran out."""
    causes = (error, error.__cause__) if error.__cause__ else (error,)
    return any(words in f"{type(cause).__name__}: {cause}" for cause in causes for words in _NO_MEMORY)


def in_short(error: BaseException) -> str:
    """What stopped the work, on one line: the words of torch, C++ or Python, which for a lack of memory may be none."""
    return " ".join(str(error).split())[:200] or "out of memory"


def ended(exit_code: int | None) -> str:
    """The reason for a photo whose worker ended while it read it.

    Args:
        exit_code: the process's own, minus the signal's number where a signal killed it; None where nobody knows.
    """
    if exit_code is None:
        return f"{GIVEN_UP}the process that read it is gone"
    if exit_code >= 0:
        return f"{GIVEN_UP}the process that read it ended with exit code {exit_code}"
    return f"{GIVEN_UP}the process that read it was killed ({_signal_name(-exit_code)})"


def too_slow(seconds: float) -> str:
    """The reason for a photo that kept its worker longer than allowed."""
    return f"{GIVEN_UP}not read within {seconds:g} s (--file-timeout)"


def too_much_memory() -> str:
    """The reason for a photo that needs more memory than a worker may take."""
    return f"{GIVEN_UP}reading it takes more memory than a worker may use (see --max-megapixels)"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
