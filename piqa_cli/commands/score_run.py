"""The run behind `piqa score`: photos found, scored with a progress bar, and stopped in good order by Ctrl-C."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from piqa_cli.commands.console import ProgressBar, note
from piqa_cli.commands.named_along import in_words
from piqa_cli.commands.scoring import Scoring
from piqa_cli.errors import EngineError, PhotoError, UsageError
from piqa_cli.model.store import ModelFolder
from piqa_cli.photos.discover import IMAGE_SUFFIXES, RAW_SUFFIXES, discover, read_path_list
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.cache import ResultCache
from piqa_cli.scoring.collection import Progress, score_collection
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.table_parts import beside_parts, parts_of

STDIN = Path("-")
_NAMED_IN_MESSAGE = 3


@dataclass(slots=True)
class Run:
    """What a run came to."""

    scores: list[PhotoScore] = field(default_factory=list)  # none of them where a sink took them
    progress: Progress = field(default_factory=Progress)
    done: int = 0  # photos that came out, with or without a score
    seconds: float = 0.0
    interrupted: bool = False
    kept: bool = False  # in the cache, from which the next run goes on
    failure: EngineError | None = None  # what stopped it before the end, apart from Ctrl-C
    unlisted: int = 0  # folders that could not be listed: nobody knows what is in them


@dataclass(slots=True)
class Found:
    """The photos that a command line means, found as they are asked for."""

    quiet: bool
    photos: Iterator[PhotoFile] = field(default_factory=lambda: iter(()))
    unlisted: int = 0  # so far

    def __iter__(self) -> Iterator[PhotoFile]:
        return self.photos

    def on_problem(self, problem: PhotoError) -> None:
        """Say which folder is left out, and count it."""
        self.unlisted += 1
        if not self.quiet:
            note(f"skipped {problem.path}: {problem.message}")

    def on_unmatched(self, option: str, pattern: str) -> None:
        """Say that a pattern did nothing: it may be misspelt."""
        if not self.quiet:
            note(f"--{option} {pattern!r} matches nothing here")


def find_photos(sources: Sequence[Path], scoring: Scoring, *, quiet: bool) -> Found:
    """The photos that the command line means, `-` standing for a list on stdin.

    A path of that list that is gone by now, or cannot be read, becomes a row that says so; a typed one is a mistake.

    Raises:
        UsageError: at once, for a typed path that does not exist, or cannot be read.
    """
    found = Found(quiet)
    if scoring.along and not quiet:
        note(in_words(scoring.along))
    found.photos = discover(
        [path for path in sources if path != STDIN],
        listed=_listed() if STDIN in sources else [],
        recursive=scoring.recursive,
        include=scoring.include,
        exclude=scoring.exclude,
        apart=scoring.apart,
        along=scoring.along,
        on_problem=found.on_problem,
        on_unmatched=found.on_unmatched,
    )
    return found


def nothing_found(paths: Sequence[Path]) -> UsageError:
    """The error for a run without a single photo."""
    names = ["the list on stdin" if path == STDIN else str(path) for path in dict.fromkeys(paths)]
    rest = len(names) - _NAMED_IN_MESSAGE
    where = ", ".join(names[:_NAMED_IN_MESSAGE]) + (f" and {rest} more" if rest > 0 else "")
    return UsageError(f"no photos found in {where}", hint=_instead(paths))


def _instead(paths: Sequence[Path]) -> str:
    """What to name where there were no photos."""
    for folder in (path for path in paths if path != STDIN):
        if parts_of(folder):
            return f"{folder} is a score table: `piqa rank` and `piqa report` take it"
        if other := beside_parts(folder):
            return f"{folder} holds the parts of a score table, and {other}: take that out, and it is a table again"
    suffixes = " ".join(sorted({*IMAGE_SUFFIXES, *RAW_SUFFIXES}))
    narrowed = "--include, --exclude and --no-recursive"
    hint = f"in folders piqa takes {suffixes}, and follows no links; see also {narrowed}"
    return f"it is empty, or names folders without any: {hint}" if set(paths) == {STDIN} else hint


def open_cache(folder: Path | None, *, quiet: bool) -> ResultCache:
    """The result cache; trouble with it is a note."""
    return ResultCache.open(folder, on_note=(lambda _: None) if quiet else note)


def collect(
    photos: Iterable[PhotoFile],
    model: ModelFolder,
    options: EngineOptions,
    cache: ResultCache | None,
    *,
    quiet: bool,
    sink: Callable[[list[PhotoScore]], None] | None = None,
) -> Run:
    """Score the photos. Ctrl-C or a failure of the engine ends it early with what is finished.

    With a `sink` every finished batch goes there, and memory does not grow with the run; otherwise to `Run.scores`.
    """
    run = Run(kept=cache is not None)
    take = run.scores.extend if sink is None else sink
    started = time.perf_counter()
    with ProgressBar(quiet=quiet) as bar, closing(cache) if cache is not None else nullcontext():

        def on_progress(progress: Progress) -> None:
            run.progress = progress
            bar.update(progress)

        try:
            for batch in score_collection(photos, model, options, cache, on_progress=on_progress):
                take(batch)
                run.done += len(batch)
        except KeyboardInterrupt:
            run.interrupted = True
        except EngineError as error:
            run.failure = error
    run.seconds = time.perf_counter() - started
    run.unlisted = photos.unlisted if isinstance(photos, Found) else 0
    return run


def _listed() -> list[Path]:
    if sys.stdin.isatty():
        note("reading paths from the keyboard, one a line; Ctrl-D ends the list")
    return read_path_list(sys.stdin.buffer)
