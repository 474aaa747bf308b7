"""A search that is far longer than the scoring: what is held in memory, and when scoring begins."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

import pytest

from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring import collection
from piqa_cli.scoring.cache import ResultCache
from piqa_cli.scoring.collection import Progress, score_collection
from piqa_cli.scoring.losses import GIVEN_UP
from piqa_cli.scoring.options import EngineOptions

OPTIONS = EngineOptions()


class Listing:
    """Files without end, and how many were taken."""

    def __init__(self) -> None:
        self.taken = 0

    def __iter__(self):
        for number in count():
            self.taken += 1
            yield PhotoFile(Path(f"{number}.jpg"))


@pytest.fixture(autouse=True)
def small_steps(monkeypatch) -> None:
    monkeypatch.setattr(collection, "LOOKUP_CHUNK", 5)
    monkeypatch.setattr(collection, "SEARCH_AHEAD", 20)


@pytest.fixture
def streaming(engine, monkeypatch):
    """The stand-in for the engine, reading its files as it needs them, like the engine."""

    def score_files(files, model, options):
        source = iter(files)
        while batch := list(islice(source, engine.batch_size)):
            engine.seen += [file.path for file in batch]
            yield [engine._score(file, model) for file in batch]

    engine.starts = []

    def counted(files, model, options):
        engine.starts.append(1)
        return score_files(files, model, options)

    monkeypatch.setattr(sys.modules["piqa_cli.scoring.engine"], "score_files", counted)
    return engine


def test_scoring_begins_before_the_search_is_over_and_the_search_stays_near(streaming, model) -> None:
    listing = Listing()
    batches = score_collection(listing, model, OPTIONS, None)
    assert len(next(batches)) == 4
    assert listing.taken <= 20 + 2 * 5
    for number in range(2, 100):
        next(batches)
        assert listing.taken <= 4 * number + 20 + 2 * 5
    batches.close()


def test_everything_comes_once_and_in_order(streaming, model) -> None:
    files = [PhotoFile(Path(f"{n}.jpg")) for n in range(123)]
    states: list[Progress] = []
    batches = score_collection(files, model, OPTIONS, None, on_progress=states.append)
    assert [score.path for batch in batches for score in batch] == [file.path for file in files]
    assert states[-1] == Progress(found=123, cached=0, scored=123, searching=False)
    assert any(state.searching and state.scored for state in states)
    assert len(streaming.starts) == 1


def test_known_photos_between_new_ones_are_handed_out_on_the_way(streaming, model, tmp_path) -> None:
    files = [PhotoFile(tmp_path / f"{n:03}.jpg") for n in range(200)]
    for file in files:
        file.path.write_bytes(b"x")
    cache = ResultCache.open(tmp_path / "cache")
    list(score_collection(files[60:190], model, OPTIONS, cache))  # 130 in a row, far more than may be held
    streaming.seen.clear()
    streaming.starts.clear()
    held: list[int] = []
    batches = []
    for batch in score_collection(files, model, OPTIONS, cache):
        batches.append(batch)
        held.append(len(batch))
    cache.close()
    assert sorted(score.path for batch in batches for score in batch) == [file.path for file in files]
    assert streaming.seen == [file.path for file in files if file not in files[60:190]]
    assert max(held) <= 20 + 5
    assert len(streaming.starts) <= 2


def test_photos_that_were_given_up_are_tried_again(streaming, model, tmp_path, monkeypatch) -> None:
    def score(file, model):
        return PhotoScore(file.path, "error", f"{GIVEN_UP}not read within 60 s", model=model.id)

    file = PhotoFile(tmp_path / "slow.jpg")
    file.path.write_bytes(b"x")
    cache = ResultCache.open(tmp_path / "cache")
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(streaming, "_score", score)
            ((given_up,),) = score_collection([file], model, OPTIONS, cache)
        assert given_up.status == "error"
    ((scored,),) = score_collection([file], model, OPTIONS, cache)
    assert scored.status == "ok"
    ((known,),) = score_collection([file], model, OPTIONS, cache)
    cache.close()
    assert replace(known, embedding=None) == replace(scored, embedding=None)
    assert len(streaming.seen) == 3


def test_a_sink_takes_the_scores_and_the_run_keeps_none(streaming, model) -> None:
    from piqa_cli.commands.score_run import collect

    taken: list[PhotoScore] = []
    files = [PhotoFile(Path(f"{n}.jpg")) for n in range(30)]
    run = collect(files, model, OPTIONS, None, quiet=True, sink=taken.extend)
    assert (run.scores, run.done, len(taken)) == ([], 30, 30)
    assert collect(files, model, OPTIONS, None, quiet=True).scores == taken
