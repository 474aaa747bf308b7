from __future__ import annotations

import sys
from pathlib import Path

import pytest

from piqa_cli.records import PhotoFile
from piqa_cli.scoring.cache import ResultCache
from piqa_cli.scoring.collection import Progress, score_collection
from piqa_cli.scoring.options import EngineOptions

OPTIONS = EngineOptions()


@pytest.fixture
def cache(tmp_path: Path):
    cache = ResultCache.open(tmp_path / "cache", on_note=pytest.fail)
    yield cache
    cache.close()


@pytest.fixture
def files(photos: Path) -> list[PhotoFile]:
    return [PhotoFile(path) for path in sorted(photos.iterdir())]


def names(batches) -> list[list[str]]:
    return [[score.path.stem for score in batch] for batch in batches]


def test_without_a_cache_every_photo_goes_to_the_engine(files, model, engine) -> None:
    batches = list(score_collection(iter(files), model, OPTIONS, None))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert engine.seen == [file.path for file in files]
    assert engine.options is OPTIONS


def test_known_photos_come_first_and_only_new_ones_are_scored(files, model, engine, cache) -> None:
    list(score_collection(files[::2], model, OPTIONS, cache))
    engine.seen.clear()
    batches = names(score_collection(files, model, OPTIONS, cache))
    assert batches == [["00", "20", "40", "60", "80"], ["10", "30", "50", "70"], ["90"]]
    assert [path.stem for path in engine.seen] == ["10", "30", "50", "70", "90"]


def test_a_second_run_gives_equal_scores_and_no_engine(files, model, engine, cache, monkeypatch) -> None:
    first = [score for batch in score_collection(files, model, OPTIONS, cache) for score in batch]
    monkeypatch.setitem(sys.modules, "piqa_cli.scoring.engine", None)  # an import would raise
    assert [s for batch in score_collection(files, model, OPTIONS, cache) for s in batch] == first


def test_an_interrupted_run_keeps_its_finished_batches(files, model, engine, cache) -> None:
    engine.interrupt_after = 2
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        for batch in score_collection(files, model, OPTIONS, cache):
            done += [score.path.stem for score in batch]
    assert len(done) == 8
    engine.interrupt_after = None
    engine.seen.clear()
    assert names(score_collection(files, model, OPTIONS, cache)) == [done, ["80", "90"]]
    assert [path.stem for path in engine.seen] == ["80", "90"]


def test_a_batch_is_in_the_cache_before_it_is_handed_out(files, model, engine, cache, tmp_path) -> None:
    batches = score_collection(files, model, OPTIONS, cache)
    first = next(batches)
    other = ResultCache.open(tmp_path / "cache")
    answers = other.lookup([PhotoFile(score.path) for score in first], model, OPTIONS.max_megapixels)
    other.close()
    batches.close()
    assert [score for _, _, score in answers] == first


def test_progress_counts_up_to_everything(files, model, engine, cache) -> None:
    list(score_collection(files[:3], model, OPTIONS, cache))
    states: list[Progress] = []
    list(score_collection(files, model, OPTIONS, cache, on_progress=states.append))
    assert states == [
        Progress(10, 3, 0, searching=True),
        Progress(10, 3, 0, searching=False),
        Progress(10, 3, 4, searching=False),
        Progress(10, 3, 7, searching=False),
    ]
    assert states[-1].to_score == 7


def test_nothing_found_never_imports_the_engine(model, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "piqa_cli.scoring.engine", None)
    assert list(score_collection([], model, OPTIONS, None)) == []


def test_a_file_that_is_not_there_needs_no_engine(files, model, engine, cache, monkeypatch, tmp_path) -> None:
    list(score_collection(files, model, OPTIONS, cache))
    monkeypatch.setitem(sys.modules, "piqa_cli.scoring.engine", None)  # an import would raise
    (tmp_path / "link.jpg").symlink_to(tmp_path / "nowhere.jpg")
    lost = [PhotoFile(tmp_path / "gone.jpg"), PhotoFile(tmp_path / "link.jpg")]
    states: list[Progress] = []
    batches = score_collection([*files, *lost], model, OPTIONS, cache, on_progress=states.append)
    scores = [score for batch in batches for score in batch]
    assert [(s.path.name, s.status, s.reason) for s in scores[10:]] == [
        ("gone.jpg", "error", "no such file"),
        ("link.jpg", "error", "no such file"),
    ]
    assert states[-1] == Progress(12, 10, 0, searching=False, lost=2)
    assert states[-1].to_score == 0


def test_a_photo_that_changes_while_it_is_scored_is_scored_again(files, model, engine, cache) -> None:
    batches = score_collection(files[:1], model, OPTIONS, cache)
    original = engine.score_files

    def changing(pending, *rest):
        pending = list(pending)
        pending[0].path.write_bytes(b"other content")
        return original(pending, *rest)

    sys.modules["piqa_cli.scoring.engine"].score_files = changing  # type: ignore[attr-defined]
    list(batches)
    engine.seen.clear()
    list(score_collection(files[:1], model, OPTIONS, cache))
    assert engine.seen == [files[0].path]
