"""What `piqa rank` writes into photos costs them no second scoring: the cache follows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from piqa_cli.photos.metadata import read_embedded
from piqa_cli.ranking.journal import Journal
from tests.photos.photo_makers import corners, encoded


@pytest.fixture
def shoot(tmp_path: Path, monkeypatch) -> Path:
    """Three JPEGs, modified long ago, with journals of their own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "shoot"
    folder.mkdir()
    for name in ("10.jpg", "50.jpg", "90.jpg"):
        (folder / name).write_bytes(encoded(corners(), "JPEG"))
        os.utime(folder / name, (1_000, 1_000))
    return folder


@pytest.fixture
def scored(piqa, model, engine, shoot: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """Score the shoot -> the photos that the cache did not know."""

    def call(*args: object) -> list[str]:
        engine.seen.clear()
        assert piqa("score", shoot, "--model", model.path, "-o", tmp_path / "scores.csv", "-q", *args).code == 0
        return sorted(path.name for path in engine.seen)

    return call


@pytest.fixture
def embed(piqa, model, shoot: Path, tmp_path: Path) -> Callable[..., None]:
    def call(*args: object) -> None:
        journal = ["--journal", tmp_path / "journal"]
        assert piqa("rank", shoot, "--model", model.path, "--embed", "--apply", "-q", *journal, *args).code == 0
        assert read_embedded(shoot / "90.jpg").xmp["Xmp.xmp.Rating"] == "5"

    return call


@pytest.mark.parametrize("args", [[], ["--no-keep-modified"]], ids=["time kept", "time new"])
def test_marks_in_photos_cost_no_second_scoring(scored, embed, args: list[str]) -> None:
    assert scored() == ["10.jpg", "50.jpg", "90.jpg"]
    embed(*args)
    assert scored() == []


def test_neither_do_marks_that_are_taken_back(piqa, shoot: Path, scored, embed) -> None:
    scored()
    embed()
    assert piqa("rank", shoot, "--clear", "--apply", "-q").code == 0
    assert read_embedded(shoot / "90.jpg").xmp == {}
    assert scored() == []


def test_nor_a_run_that_is_undone(piqa, tmp_path: Path, scored, embed) -> None:
    scored()
    embed()
    assert piqa("rank", "--undo", tmp_path / "journal", "-q").code == 0
    assert scored() == []


def test_nor_a_plan_with_a_cache_of_its_own(piqa, model, shoot: Path, tmp_path: Path, scored) -> None:
    own = ["--cache-dir", tmp_path / "own"]
    scored(*own)
    plan = tmp_path / "plan.json"
    assert piqa("rank", shoot, "--model", model.path, "--embed", "--plan-out", plan, "-q", *own).code == 0
    assert piqa("rank", "--plan", plan, "--apply", "-q", *own).code == 0
    assert read_embedded(shoot / "90.jpg").xmp["Xmp.xmp.Rating"] == "5"
    assert scored(*own) == []
    assert piqa("rank", shoot, "--clear", "--apply", "-q", *own).code == 0
    assert scored(*own) == []


def test_a_photo_that_was_edited_before_the_marks_came_is_scored_anew(piqa, model, shoot, tmp_path, scored) -> None:
    scored()
    plan = tmp_path / "plan.json"
    assert piqa("rank", shoot, "--model", model.path, "--embed", "--plan-out", plan, "-q").code == 0
    (shoot / "50.jpg").write_bytes(encoded(corners().rotate(90), "JPEG"))
    assert piqa("rank", "--plan", plan, "--apply", "-q").code == 0
    assert scored() == ["50.jpg"]


def test_the_photos_that_an_interrupted_run_had_marked_are_known(piqa, model, shoot, scored, monkeypatch) -> None:
    scored()
    noted = Journal.note

    def note(journal: Journal, step: int, state: str, **facts: object) -> None:
        noted(journal, step, state, **facts)
        if (step, state) == (1, "done"):
            raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "note", note)
    assert piqa("rank", shoot, "--model", model.path, "--embed", "--apply", "-q").code == 130
    assert sum(bool(read_embedded(photo).xmp) for photo in shoot.iterdir()) == 2
    assert scored() == []


def test_photos_that_are_moved_are_known_where_they_are(
    piqa, model, engine, shoot: Path, tmp_path: Path, scored
) -> None:
    scored()
    move = ["--move-to", shoot / "best", "--top", "2", "--embed", "--journal", tmp_path / "journal"]
    assert piqa("rank", shoot, "--model", model.path, "--apply", "-q", *move).code == 0
    assert (shoot / "best/picks/90.jpg").is_file()
    assert scored() == []
    assert piqa("rank", "--undo", tmp_path / "journal", "-q").code == 0
    assert sorted(path.name for path in shoot.iterdir() if path.is_file()) == ["10.jpg", "50.jpg", "90.jpg"]
    assert scored() == []


@pytest.mark.parametrize("args", [["--embed", "--no-cache"], ["--write-xmp", "--no-cache"]], ids=" ".join)
def test_without_a_cache_none_is_made(piqa, model, engine, shoot: Path, tmp_path: Path, args: list[str]) -> None:
    own = ["--cache-dir", tmp_path / "own"]
    assert piqa("rank", shoot, "--model", model.path, "--apply", "-q", *own, *args).code == 0
    assert not (tmp_path / "own").exists()


def test_sidecars_are_nothing_to_the_cache(piqa, model, engine, shoot: Path, tmp_path: Path) -> None:
    xmp = shoot / "10.xmp"
    assert piqa("rank", shoot, "--model", model.path, "--write-xmp", "--apply", "-q", "--no-cache").code == 0
    xmp.write_text(xmp.read_text().replace("<rdf:Description ", '<rdf:Description xmp:CreatorTool="x" ', 1))
    assert piqa("rank", shoot, "--clear", "--apply", "-q", "--cache-dir", tmp_path / "own").code == 0
    assert xmp.exists()  # written anew, for it says something else
    assert not (tmp_path / "own").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows goes by the names alone")
def test_what_lies_behind_a_link_and_up_is_another_photo(piqa, model, engine, tmp_path: Path, monkeypatch) -> None:
    """`link/../50.jpg` is not `50.jpg`, and may be as large and as old."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    here, there = tmp_path / "here", tmp_path / "there"
    (there / "sub").mkdir(parents=True)
    here.mkdir()
    for folder in (here, there):
        (folder / "50.jpg").write_bytes(encoded(corners(), "JPEG"))
        os.utime(folder / "50.jpg", (1_000, 1_000))
    (here / "link").symlink_to(there / "sub")
    monkeypatch.chdir(here)
    for photo in ("50.jpg", "link/../50.jpg"):
        assert piqa("score", photo, "--model", model.path, "-q").code == 0
    assert engine.seen == [Path("50.jpg"), Path("link/../50.jpg")]
    marked = ["rank", "link/../50.jpg", "--model", model.path, "--apply", "-q", "--copy-to", "link/../out"]
    assert piqa(*marked, "--top", "1", "--embed").code == 0
    assert not read_embedded(here / "50.jpg").xmp
    assert read_embedded(there / "50.jpg").xmp["Xmp.xmp.Rating"] == "5"
    assert sorted(path.name for path in here.iterdir()) == ["50.jpg", "link"]
    assert (there / "out/picks/50.jpg").is_file()
