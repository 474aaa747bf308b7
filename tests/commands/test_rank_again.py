"""`piqa rank` into a folder that an earlier run has copied to."""

from __future__ import annotations

import pytest

from tests.ranking.shoots import LIGHTROOM, rated, tree

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def rank(piqa, model, monkeypatch, tmp_path):
    """`piqa rank` with a model that can be found, with journals of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return lambda *args: piqa("rank", *args, "--model", model.path)


@pytest.mark.parametrize("way", ["--copy-to", "--hardlink-to", "--symlink-to"])
def test_a_copy_that_would_not_go_there_now_is_told(rank, photos, tmp_path, way) -> None:
    command = (photos, "--top", "2", way, tmp_path / "best", "--apply")
    assert "earlier run" not in rank(*command).err
    assert "earlier run" not in rank(*command).err
    (photos / "90.xmp").write_text(rated(LIGHTROOM, -1))
    told = f"1 photo of an earlier run, such as {tmp_path / 'best' / 'picks' / '90.jpg'}, would not go there now"
    assert told in rank(*command[:-1]).err
    assert told in rank(*command).err
    assert {"picks/90.jpg", "picks/80.jpg", "picks/70.jpg"} <= set(tree(tmp_path / "best"))
    assert "earlier run" not in rank(*command, "--quiet").err


def test_a_copy_in_the_folder_of_another_burst_is_told(rank, photos, tmp_path) -> None:
    """Numbered as `IMG-2` where the name was taken, too."""
    best = tmp_path / "best"
    (best / "photos").mkdir(parents=True)
    (best / "photos" / "90.jpg").write_bytes(b"something else")
    command = (photos, "--by", "folder", "--into", "group", "--copy-to", best)
    assert rank(*command, "--top", "1", "--apply").code == 0
    assert "photos/90-2.jpg" in tree(best)
    (photos / "90.xmp").write_text(rated(LIGHTROOM, -1))
    result = rank(*command, "--top", "1")
    assert f"1 photo of an earlier run, such as {best / 'photos' / '90-2.jpg'}, would" in result.err


def test_what_was_moved_is_no_copy(rank, photos, tmp_path) -> None:
    assert rank(photos, "--top", "2", "--move-to", tmp_path / "best", "--apply").code == 0
    assert "earlier run" not in rank(photos, "--top", "1", "--move-to", tmp_path / "best").err
