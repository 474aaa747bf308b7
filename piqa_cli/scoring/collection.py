"""A collection's scores: known ones from the cache, the rest from the engine, each finished batch kept at once.

The search runs ahead of the scoring, but never further than `SEARCH_AHEAD` photos, so that a million of them start
within seconds and take no more memory than ten thousand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from piqa_cli.model.store import ModelFolder
from piqa_cli.photos.opening import NO_SUCH_FILE
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.cache import ResultCache, Stamp
from piqa_cli.scoring.losses import given_up
from piqa_cli.scoring.options import EngineOptions, variant

LOOKUP_CHUNK = 500  # files for each look into the cache
SEARCH_AHEAD = 10_000  # photos found and not yet scored, or known and not yet handed out


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. While `searching`, `found` still grows, also beside the scoring."""

    found: int = 0  # photos
    cached: int = 0  # of these, answered by the cache
    scored: int = 0  # of these, scored in this run, failures included
    searching: bool = True
    lost: int = 0  # of the found, not there; told without the engine

    @property
    def to_score(self) -> int:
        """Photos that the cache does not know, and that are there."""
        return self.found - self.cached - self.lost


OnProgress = Callable[[Progress], None]


def score_collection(
    files: Iterable[PhotoFile],
    model: ModelFolder,
    options: EngineOptions,
    cache: ResultCache | None,
    *,
    on_progress: OnProgress = lambda _: None,
) -> Generator[list[PhotoScore]]:
    """Yield the scores of all `files` in lists: what the cache knows as it is found, then batch after batch.

    A batch is in the cache before it is yielded, so a run that is killed repeats at most the batch it was at. Photos
    that were given up for lack of time or memory, or with their process, those that the system failed to read, and
    those on which something else failed than their decoding are not kept: the next run tries again.
    torch is imported only if the cache leaves something to do that is there.

    Raises:
        PiqaError: from discovery (missing path) or the engine (model, device); a failed photo is a row instead.
    """
    search = _Search(files, model, options, cache, on_progress)
    while True:
        while search.goes_on and len(search.pending) < SEARCH_AHEAD:
            search.step()
            yield from search.known()
        if not search.pending:
            return
        from piqa_cli.scoring.engine import score_files  # torch

        for batch in score_files(search.misses(), model, options):
            search.keep(batch)
            yield from search.known()
            yield batch


class _Search:
    """Goes through the files in step with the scoring, and asks the cache about each."""

    def __init__(
        self,
        files: Iterable[PhotoFile],
        model: ModelFolder,
        options: EngineOptions,
        cache: ResultCache | None,
        on_progress: OnProgress,
    ) -> None:
        self.pending: deque[PhotoFile] = deque()  # to be scored
        self._source = iter(files)
        self._model = variant(model, options)
        self._limit = options.max_megapixels
        self._cache = cache
        self._stamps: dict[PhotoFile, Stamp] = {}  # of what is pending or being scored
        self._known: list[PhotoScore] = []  # by the cache, or not there
        self._progress = Progress()
        self._on_progress = on_progress

    @property
    def goes_on(self) -> bool:
        """Whether there may be more files."""
        return self._progress.searching

    def step(self) -> None:
        """Look at the next few files."""
        chunk = list(islice(self._source, LOOKUP_CHUNK))
        if not chunk:
            self._show(searching=False)
            return
        hits, lost = 0, 0
        if self._cache is None:
            self.pending += chunk
        else:
            hits, lost = self._ask(self._cache, chunk)
        so_far = self._progress
        self._show(found=so_far.found + len(chunk), cached=so_far.cached + hits, lost=so_far.lost + lost)

    def known(self) -> Iterator[list[PhotoScore]]:
        """What needed no scoring since the last call."""
        if self._known:
            known, self._known = self._known, []
            yield known

    def misses(self) -> Iterator[PhotoFile]:
        """Files to score; ends early where so many known ones come in between that they have to be handed out first."""
        while True:
            if self.goes_on and max(len(self.pending), len(self._known)) < SEARCH_AHEAD:
                self.step()
                if not self.pending:
                    continue
            if not self.pending:
                return
            yield self.pending.popleft()

    def keep(self, batch: list[PhotoScore]) -> None:
        """Put a finished batch into the cache."""
        stamps = [self._stamps.pop(PhotoFile(score.path, score.raw_mate), None) for score in batch]
        if self._cache is not None:
            pairs = zip(batch, stamps, strict=True)
            lasting = [(score, stamp) for score, stamp in pairs if stamp is not None and not given_up(score)]
            self._cache.store(lasting, self._model, self._limit)
        self._show(scored=self._progress.scored + len(batch))

    def _ask(self, cache: ResultCache, chunk: list[PhotoFile]) -> tuple[int, int]:
        """-> how many photos the cache knows, and how many are not there, for which no engine has to start."""
        hits, lost = 0, 0
        for file, stamp, score in cache.lookup(chunk, self._model, self._limit):
            if score is not None:
                self._known.append(score)
                hits += 1
            elif stamp is None and _is_lost(file):
                row = PhotoScore(file.path, "error", NO_SUCH_FILE, raw_mate=file.raw_mate, model=self._model.id)
                self._known.append(row)
                lost += 1
            else:
                self.pending.append(file)
                if stamp is not None:
                    self._stamps[file] = stamp
        return hits, lost

    def _show(self, **changes: int | bool) -> None:
        self._progress = replace(self._progress, **changes)  # type: ignore[arg-type]
        self._on_progress(self._progress)


def _is_lost(file: PhotoFile) -> bool:
    """Whether nothing is at the path, as a list from stdin may say, or a link there leads nowhere."""
    try:
        file.path.stat()
    except FileNotFoundError:
        return True
    except (OSError, ValueError):  # other trouble, which whoever reads it will name
        return False
    return False
