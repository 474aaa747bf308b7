"""`piqa score *` in the folder of a shoot: what is no photo is passed over as a walk would, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from piqa_cli.commands.named_along import in_words, sort_out

SIDECARS = ("a.xmp", "b.JPG.pp3", "b.dop")
OWN = ("scores.csv", "r.json", "report.html", "junit.xml", "policy.toml")


@pytest.fixture
def shoot(tmp_path, monkeypatch):
    """The current folder, with what a shoot's folder holds after some runs."""
    folder = tmp_path / "shoot"
    for name in ("a.jpg", "b.JPG", *SIDECARS, *OWN, "Thumbs.db", "@eaDir/a.jpg", "in.json/c.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    monkeypatch.chdir(folder)
    return folder


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_no_photo_is_passed_over_beside_others(shoot) -> None:
    left, along = sort_out([*names_in(shoot), "-", "s3://bucket/a.xmp"])
    assert left == ["a.jpg", "b.JPG", "in.json", "-", "s3://bucket/a.xmp"]
    assert {path.name for path in along} == {*SIDECARS, *OWN, "Thumbs.db", "@eaDir"}


@pytest.mark.parametrize("other", ["notes.txt", "IMG_1.PEF", "clip.mp4", "noext"])
def test_a_file_of_another_kind_is_meant(shoot, other) -> None:
    """A photo that was saved under a wrong name must not be lost in silence."""
    (shoot / other).write_bytes(b"x")
    assert sort_out([other, "a.jpg", "a.xmp"]) == ([other, "a.jpg"], (Path("a.xmp"),))


@pytest.mark.parametrize("names", [["a.xmp"], ["@eaDir"], ["scores.csv", "a.xmp"], [], ["a.jpg", "gone.xmp"]], ids=str)
def test_alone_and_where_there_is_no_such_file_all_is_meant(shoot, names) -> None:
    assert sort_out(names) == (names, ())


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (["a.jpg", "scores.csv"], ["a.jpg"]),
        (["in.json", "scores.csv", "a.xmp"], ["in.json", "scores.csv"]),  # it may be meant
        (["scores.csv", "report.html"], ["scores.csv"]),
    ],
    ids=str,
)
def test_a_table_beside_folders_is_left_to_commands_that_take_tables(shoot, names, left) -> None:
    assert sort_out(names, takes_tables=True)[0] == left


def test_a_table_in_parts_is_a_table(shoot) -> None:
    (shoot / "parts").mkdir()
    (shoot / "parts/part-00000.parquet").write_bytes(b"x")
    assert sort_out(["parts", "a.jpg"]) == (["a.jpg"], (Path("parts"),))


def test_the_note_counts_and_names_some() -> None:
    assert in_words([Path("in/a.xmp")]) == "passed over 1 that is no photo: a.xmp"
    several = in_words([Path(f"{n}.xmp") for n in "abcde"])
    assert several == "passed over 5 that are no photos: a.xmp, b.xmp, c.xmp and 2 more"


@pytest.mark.parametrize(
    "command",
    [["score", "-o", "scores.csv"], ["rank"], ["report", "-o", "report.html", "--force"], ["rank", "--clear"]],
    ids=" ".join,
)
def test_the_commands_say_so_in_one_line(piqa, engine, model, shoot, command) -> None:
    more = [] if "--clear" in command else ["--model", model.path]
    result = piqa(*command, *more, *names_in(shoot))
    assert result.code == 0, result.err
    assert result.err.count("passed over 10 that are no photos") == 1
    assert not engine.seen or [path.name for path in engine.seen] == ["a.jpg", "b.JPG", "c.jpg"]
    quiet = piqa(*command, *more, "-q", *names_in(shoot))
    assert (quiet.code, "passed over" in quiet.err) == (0, False)


def test_a_pattern_for_what_is_passed_over_has_matched(piqa, engine, model, shoot) -> None:
    result = piqa("score", *names_in(shoot), "--exclude", "*.xmp", "--exclude", "*.xpm", "--model", model.path)
    assert "'*.xpm' matches nothing here" in result.err
    assert "'*.xmp' matches nothing here" not in result.err


def test_a_list_means_what_it_names(piqa, engine, model, shoot, monkeypatch) -> None:
    """`ls | piqa score -` is checked row by row, and so is a table named alone."""
    listed = [Path("a.jpg"), Path("a.xmp"), Path("scores.csv")]
    monkeypatch.setattr("piqa_cli.commands.score_run._listed", lambda: listed)
    assert piqa("score", "-", "--model", model.path).code == 0
    assert [path.name for path in engine.seen] == [path.name for path in listed]


def test_a_cluster_takes_what_is_left(piqa, model, shoot, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr("piqa_cli.commands.score_ray.score_with_ray", lambda listing, *_: asked.append(listing) or 0)
    result = piqa("score", "--engine", "ray", "a.jpg", "a.xmp", "-o", "out", "--model", model.path)
    assert (result.code, asked[0].sources) == (0, ("a.jpg",))
    assert "passed over 1 that is no photo: a.xmp" in result.err
