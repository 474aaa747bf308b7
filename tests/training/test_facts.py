import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import count

import pytest
import torch
from PIL import Image
from skimage import data

from piqa_cli.errors import OutputError, UsageError
from piqa_cli.faces.choose import by_importance
from piqa_cli.faces.detect import FaceDetector
from piqa_cli.photos.decode import decode
from piqa_training import facts as module
from piqa_training import sqlite_store
from piqa_training.facts import photo_facts
from piqa_training.facts_store import FactsStore, Record
from piqa_training.pretrain import branch_config
from tests.model import tiny


@pytest.fixture(scope="module")
def portrait(tmp_path_factory):
    path = tmp_path_factory.mktemp("facts") / "portrait.jpg"
    image = Image.fromarray(data.astronaut())
    image.resize((300, 300)).save(path, quality=95)
    return path


@pytest.fixture(scope="module")
def scenery(portrait):
    path = portrait.parent / "scenery.png"
    Image.fromarray(data.rocket()).resize((120, 90)).save(path)
    return path


def forbid(monkeypatch, name):
    monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail(f"{name} was called again"))


def test_facts_are_what_scoring_finds(portrait, scenery, tmp_path):
    paths = [str(portrait), str(scenery), str(portrait)]
    seen = []
    found = photo_facts(paths, tiny.LITE, tmp_path, on_progress=lambda done, total: seen.append((done, total)))
    photo = decode(portrait, max_side=tiny.LITE.preprocess.working_side)
    main = by_importance(FaceDetector().detect(photo.image, scale=photo.scale))[0]
    assert found[str(portrait)].face == pytest.approx(main.box, abs=0.01)
    assert (found[str(portrait)].width, found[str(portrait)].height) == (300, 300)
    assert found[str(scenery)].face is None
    assert found[str(portrait)].digest != found[str(scenery)].digest
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_workers_find_the_same(portrait, scenery, tmp_path):
    paths = [str(portrait), str(scenery)]
    alone = photo_facts(paths, tiny.LITE, tmp_path / "alone")
    shared = photo_facts(paths, tiny.LITE, tmp_path / "two", workers=2)
    assert list(shared) == paths
    for path in paths:
        # With another number of threads the detector rounds differently: a box moves by thousandths of a pixel.
        assert shared[path].face == pytest.approx(alone[path].face, abs=0.01)
        assert replace(shared[path], face=None) == replace(alone[path], face=None)


def test_a_file_with_its_old_time_is_not_opened(portrait, tmp_path, monkeypatch):
    first = photo_facts([str(portrait)], tiny.LITE, tmp_path)
    forbid(monkeypatch, "_digest")
    assert photo_facts([str(portrait)], tiny.LITE, tmp_path) == first


def test_the_same_content_elsewhere_is_not_searched_again(portrait, tmp_path, monkeypatch):
    first = photo_facts([str(portrait)], tiny.LITE, tmp_path)
    copied = shutil.copy(portrait, tmp_path / "copy.jpg")
    forbid(monkeypatch, "decode")
    assert photo_facts([str(copied)], tiny.LITE, tmp_path)[str(copied)] == first[str(portrait)]


def test_another_content_under_the_same_name_is_looked_at(portrait, scenery, tmp_path):
    path = shutil.copy(portrait, tmp_path / "photo")
    assert photo_facts([str(path)], tiny.LITE, tmp_path)[str(path)].face is not None
    shutil.copy(scenery, path)
    os.utime(path, ns=(1, 1))
    assert photo_facts([str(path)], tiny.LITE, tmp_path)[str(path)].face is None


def test_a_network_that_reads_frames_only_searches_no_faces(portrait, tmp_path, monkeypatch):
    forbid(monkeypatch, "FaceDetector")
    found = photo_facts([str(portrait)], branch_config(tiny.LITE, "full"), tmp_path)
    assert found[str(portrait)].face is None
    monkeypatch.undo()  # and what it did not search is not taken for a photo without a face
    assert photo_facts([str(portrait)], tiny.LITE, tmp_path)[str(portrait)].face is not None


def test_all_broken_photos_are_named_at_once_and_the_rest_is_kept(portrait, tmp_path, monkeypatch):
    (tmp_path / "torn.jpg").write_bytes(portrait.read_bytes()[:4000])
    (tmp_path / "empty.png").touch()
    paths = [str(tmp_path / name) for name in ("torn.jpg", "empty.png", "gone.jpg")]
    with pytest.raises(UsageError) as caught:
        photo_facts([paths[0], str(portrait), *paths[1:]], tiny.LITE, tmp_path)
    assert caught.value.message.startswith("3 photos cannot be used: ")
    assert all(path in caught.value.message for path in paths)
    assert "\n" not in caught.value.message
    forbid(monkeypatch, "decode")
    assert photo_facts([str(portrait)], tiny.LITE, tmp_path)


class FakeLiqe(torch.nn.Module):
    """A sum of the patches, spread over 495 numbers."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return self.weight * patches.float().mean(dim=(1, 2, 3, 4))[:, None].expand(-1, 495)


def test_liqe_logits_are_kept_for_one_set_of_weights(portrait, tmp_path, monkeypatch):
    first = photo_facts([str(portrait)], tiny.LITE, tmp_path, liqe=FakeLiqe(1.0))[str(portrait)]
    assert first.liqe.shape == (495,)
    other = photo_facts([str(portrait)], tiny.LITE, tmp_path, liqe=FakeLiqe(2.0))[str(portrait)]
    assert torch.equal(other.liqe, 2 * first.liqe)
    monkeypatch.setattr(FakeLiqe, "forward", lambda *_: pytest.fail("computed again"))
    again = photo_facts([str(portrait)], tiny.LITE, tmp_path, liqe=FakeLiqe(1.0))[str(portrait)]
    assert torch.equal(again.liqe, first.liqe)
    assert photo_facts([str(portrait)], tiny.LITE, tmp_path)[str(portrait)].liqe is None


def test_a_damaged_cache_is_named(portrait, tmp_path):
    (tmp_path / "facts.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(OutputError, match=r"facts\.sqlite") as caught:
        photo_facts([str(portrait)], tiny.LITE, tmp_path)
    assert "delete" in caught.value.hint


def test_a_damaged_cache_is_not_kept_open(tmp_path, monkeypatch):
    opened = sqlite3.connect(tmp_path / "facts.sqlite")
    monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: opened)
    (tmp_path / "facts.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(OutputError):
        FactsStore(tmp_path)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened.execute("SELECT 1")


def test_what_was_found_is_there_for_another_process(portrait, tmp_path):
    photo_facts([str(portrait)], tiny.LITE, tmp_path)
    with closing(sqlite3.connect(tmp_path / "facts.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM facts").fetchone() == (1,)


def test_two_runs_with_slow_photos_share_a_cache(tmp_path, monkeypatch):
    """The first one kept the other waiting for up to 32 photos; after a minute that one gave up: "locked"."""
    clock = count(0, 5)
    monkeypatch.setattr(sqlite_store, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sqlite_store, "BUSY_TIMEOUT_S", 0.05)
    with FactsStore(tmp_path) as one, FactsStore(tmp_path) as other:
        one.put("a.jpg", (1, 1), "a", "settings", Record("{}", None))
        other.put("b.jpg", (1, 1), "b", "settings", Record("{}", None))
        assert one.digests("settings") == other.digests("settings") == {"a", "b"}
