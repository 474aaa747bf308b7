from __future__ import annotations

import csv
import io
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from piqa_cli.commands import rank_run
from piqa_cli.commands.rank_request import Request
from piqa_cli.ranking import names
from piqa_cli.ranking.options import By, Choice, GroupOptions, Layout, Top, is_score_table
from piqa_cli.ranking.ranked_table import SCHEMA
from tests.fake_engine import full_score

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def rank(piqa, model, monkeypatch, tmp_path):
    """`piqa rank` with a model that can be found, in an empty working folder, with journals of its own."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    alone = {"--clear", "--plan", "--undo"}

    def run(*args):
        scored = args and not alone.intersection(args) and not is_score_table(Path(str(args[0])))
        return piqa("rank", *args, *(("--model", model.path) if scored else ()))

    return run


@pytest.fixture
def request_of(rank, monkeypatch):
    """The request that a command line comes to."""

    def parsed(*args: object) -> Request:
        seen: list[Request] = []
        monkeypatch.setattr(rank_run, "run_rank", lambda request: seen.append(request) or 0)
        result = rank(*args)
        assert result.code == 0, result.err
        return seen[0]

    return parsed


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def picked(text: str) -> list[str]:
    return [Path(row["path"]).stem for row in rows(text) if row["decision"] == "pick"]


@pytest.mark.parametrize(
    ("args", "field", "expected"),
    [
        ([], "grouping", GroupOptions()),
        (["--by", "folder", "--by", "day"], "grouping", GroupOptions((By.FOLDER, By.DAY))),
        (["--gap", "0.5", "--similarity", "-1"], "grouping", GroupOptions(gap_s=0.5, similarity=-1.0)),
        (["--duplicates"], "grouping", GroupOptions(duplicates=True)),
        ([], "choice", Choice()),
        (["--top", "10"], "choice", Choice(top=Top(count=10))),
        (["--top", "20%"], "choice", Choice(top=Top(share=0.2))),
        (["--per-group", "2", "--min-score", "50"], "choice", Choice(per_group=2, min_score=50.0)),
        (["--max-photos", "9", "--reject-below", "20"], "choice", Choice(max_photos=9, reject_below=20.0)),
        ([], "star_cuts", None),
        (["--stars", "40,55,70,85"], "star_cuts", (40.0, 55.0, 70.0, 85.0)),
        (["--top", "1", "--copy-to", "x"], "targets", {"copy": Path("x")}),
        (["--top", "1", "--hardlink-to", "x"], "targets", {"hardlink": Path("x")}),
        (["--top", "1", "--symlink-to", "x"], "targets", {"symlink": Path("x")}),
        (["--move-to", "x", "--into", "stars"], "targets", {"move": Path("x")}),
        (["--top", "1", "--copy-to", "x", "--into", "group"], "layout", Layout.GROUP),
    ],
    ids=lambda value: " ".join(value) or "default" if isinstance(value, list) else "",
)
def test_what_the_options_mean(request_of, photos, args, field, expected) -> None:
    assert getattr(request_of(photos, *args), field) == expected


def test_marking_and_acting_options(request_of, photos) -> None:
    plain = request_of(photos)
    assert (plain.marking.marks, plain.acting.apply, plain.marking.keep_modified) == (False, False, True)
    full = request_of(
        photos, "--write-xmp", "--embed", "--xmp-naming", "both", "--overwrite-ratings", "--no-keep-modified", "--apply"
    )
    assert (full.marking.write_xmp, full.marking.embed, full.marking.naming) == (True, True, "both")
    assert (full.marking.overwrite_ratings, full.marking.keep_modified, full.acting.apply) == (True, False, True)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "nothing to rank"),
        (["{photos}", "--top", "0"], "0"),
        (["{photos}", "--top", "101%"], "101%"),
        (["{photos}", "--top", "many"], "many"),
        (["{photos}", "--stars", "40,55,70"], "four rising scores"),
        (["{photos}", "--stars", "40,30,70,80"], "four rising scores"),
        (["{photos}", "--min-score", "101"], "101"),
        (["{photos}", "--gap", "-1"], "-1"),
        (["{photos}", "--similarity", "1.01"], "not a cosine, -1 to 1"),
        (["{photos}", "--similarity", "nan"], "not a cosine, -1 to 1"),
        (["{photos}", "--by", "none", "--by", "day"], "--by none"),
        (["{photos}", "--by", "none", "--per-group", "1"], "--per-group needs groups"),
        (["{photos}", "--top", "1", "--copy-to", "a", "--move-to", "b"], "exclude each other"),
        (["{photos}", "--copy-to", "a"], "no photo is chosen"),
        (["{photos}", "--top", "1", "--copy-to", "{photos}/00.jpg"], "is no folder"),
        (["{photos}", "--into", "group", "--copy-to", "{photos}"], "is the shoot itself"),
        (["{photos}", "--apply"], "nothing to do"),
        (["{photos}", "--plan-out", "p.json"], "would be empty"),
        (["{photos}", "--write-xmp", "--plan-out", "no/such/p.json"], "no/such"),
        (["{photos}", "--write-xmp", "--plan-out", "{photos}/00.jpg"], "00.jpg: that is the name of a photo"),
        (["{photos}", "--write-xmp", "--plan-out", "p.CSV"], "--plan-out p.CSV: a plan is JSON"),
        (["scores.json", "--write-xmp", "--plan-out", "./scores.json"], "is read and would be overwritten"),
        (
            ["{photos}", "--write-xmp", "-o", "x.json", "--plan-out", "./x.json"],
            "--output and --plan-out name the same",
        ),
        (["{photos}", "--write-xmp", "--apply", "-o", "x.json", "--journal", "x.json"], "--output and --journal name"),
        (["{photos}", "--write-xmp", "--apply", "--journal", "{photos}"], "photos is a folder"),
        (["{photos}", "--write-xmp", "--apply", "--journal", "{photos}/00.jpg"], "no journal of piqa rank, or damaged"),
        (["{photos}", "--write-xmp", "--journal", "{photos}/00.jpg/j"], "00.jpg/j: Not a directory"),
        (["{photos}", "--top", "1", "--move-to", "{photos}/00.jpg/x"], "00.jpg/x cannot be made"),
        (["{photos}", "--clear", "--write-xmp"], "--clear stands alone"),
        (["{photos}", "--top", "1", "--xmp-naming", "both"], "--xmp-naming would do nothing: no marks are written"),
        (["{photos}", "--overwrite-ratings"], "no marks are written, and nothing is chosen"),
        (["{photos}", "--write-xmp", "--no-keep-modified"], "--no-keep-modified would do nothing: nothing is written"),
        (["{photos}", "--write-xmp", "--into", "stars"], "--into would do nothing: nothing is copied or moved"),
        (["{photos}", "--top", "1", "--journal", "j.jsonl"], "--journal would do nothing"),
        (["{photos}", "--by", "day", "--gap", "3", "--similarity", "0.9"], "--gap and --similarity would do nothing"),
        (["{photos}", "--list0"], "nothing is picked"),
        (["{photos}", "--top", "1", "--copy-to=~/best"], "leave out quotes and =, as in --copy-to ~/best"),
        (["{photos}", "--list0", "--top", "1", "--format", "csv"], "both want stdout"),
        (["{photos}", "--plan", "p.json"], "exclude each other"),
        (["--plan", "p.json", "--write-xmp"], "stands alone"),
        (["--undo", "j.jsonl", "--top", "1"], "stands alone"),
        (["--undo", "j.jsonl"], "j.jsonl"),
        (["--plan", "p.json"], "p.json"),
        (["{photos}", "-o", "x.doc"], ".csv"),
        (["{photos}", "-o", "ranked"], ".csv"),
        (["{photos}", "-o", "{photos}"], ".csv"),
        (["{photos}", "no.csv"], "stands alone"),
        (["no.csv"], "no.csv"),
        (["no.csv", "--exclude", "a/*", "--no-recursive"], "--no-recursive and --exclude would do nothing: no.csv is"),
        (["no.csv", "--model", "other"], "--model would do nothing"),
        (["/no/such"], "/no/such"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_clear_line(rank, photos, args, words) -> None:
    before = sorted(p.name for p in photos.iterdir())
    result = rank(*(arg.format(photos=photos) for arg in args))
    assert result.code == 2
    assert words in result.err
    assert "Traceback" not in result.err
    assert result.out == ""
    assert sorted(p.name for p in photos.iterdir()) == before


def test_no_page_is_opened_in_the_folder_that_a_table_is(piqa, rank, photos, model, monkeypatch) -> None:
    assert piqa("score", photos, "-o", "scores", "--model", model.path).code == 0
    monkeypatch.chdir("scores")
    result = rank(".", "--open-report")
    assert result.code == 2
    assert "is a table of Parquet parts, which has its folder for itself" in result.err


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there is no second disk")
def test_hard_links_to_another_disk_are_refused_before_the_work(rank, photos, engine) -> None:
    if Path("/dev/shm").stat().st_dev == photos.stat().st_dev:
        pytest.skip("temporary files are on it")
    for source in (photos, photos / "00.jpg"):
        for folder in ("/dev/shm", "/dev/shm/piqa/new"):
            result = rank(source, "--top", "1", "--hardlink-to", folder)
            assert (result.code, result.out, engine.seen) == (2, "", [])
            assert f"there can be no hard links of {source} in {folder}: another disk" in result.err


def test_a_burst_and_its_best(rank, photos) -> None:
    result = rank(photos, "--by", "burst", "--per-group", "1", "--format", "jsonl")
    assert result.code == 0
    table = rows(result.out)
    assert [Path(row["path"]).stem for row in table] == [f"{n:02}" for n in range(90, -1, -10)]
    assert {row["group"] for row in table} == {"burst-001"}
    assert [row["rank_in_group"] for row in table] == list(range(1, 11))
    assert picked(result.out) == ["90"]
    assert table[1]["decision_reason"] == "number 2 of 10 in burst-001, beyond --per-group 1"
    assert [row["stars"] for row in table] == [5, 4, 4, 3, 3, 3, 3, 2, 2, 1]
    assert "10 photos  1 picked · 9 kept · 0 rejected" in result.err
    assert "1 burst" in result.err


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--top", "20%"], ["90", "80"]),
        (["--top", "3"], ["90", "80", "70"]),
        (["--min-score", "75"], ["90", "80"]),
        (["--top", "50%", "--max-photos", "1"], ["90"]),
    ],
    ids=" ".join,
)
def test_choices(rank, photos, args, expected) -> None:
    assert picked(rank(photos, *args, "--format", "jsonl").out) == expected


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl", ".json", ""], ids=lambda suffix: suffix or "parts")
def test_a_score_table_is_ranked(rank, piqa, model, photos, suffix) -> None:
    assert piqa("score", photos, "-o", f"scores{suffix}", "--model", model.path).code == 0
    result = rank(f"scores{suffix}", "-o", "ranked.csv")
    assert (result.code, result.out) == (0, "")
    ranked = pl.read_csv("ranked.csv")
    assert ranked.columns[-len(SCHEMA) :] == list(SCHEMA)
    assert ranked["score"].to_list() == [float(n) for n in range(90, -1, -10)]
    assert "capture time alone" in result.err
    again = rank("ranked.csv", "-o", f"again{suffix or '.csv'}")
    assert again.code == 0
    direct = rank(photos, "-o", "direct.csv")
    assert direct.code == 0
    assert Path("direct.csv").read_text() == Path("ranked.csv").read_text()


def test_a_table_from_another_folder_is_said_to_be(rank, piqa, model, photos, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(photos)
    assert piqa("score", ".", "-o", tmp_path / "scores.csv", "--model", model.path).code == 0
    words = f"no photo is where {tmp_path / 'scores.csv'} says: run it in the folder that they were scored from"
    assert words not in rank(tmp_path / "scores.csv").err
    monkeypatch.chdir(tmp_path)
    assert words in rank(tmp_path / "scores.csv").err
    assert words not in rank(tmp_path / "scores.csv", "-q").err


def test_times_of_a_table_that_cannot_be_read_are_said_to_be(rank, tmp_path) -> None:
    rows = "a.jpg,50,ok,31.05.24 18:30\nb.jpg,50,ok,2024-05-31T18:30:00\nc.jpg,50,ok,\n"
    (tmp_path / "scores.csv").write_text(f"path,score,status,captured_at\n{rows}")
    assert "1 capture time, such as '31.05.24 18:30', cannot be read: bursts" in rank(tmp_path / "scores.csv").err
    assert rank(tmp_path / "scores.csv", "-q").err == ""


def test_a_table_of_an_object_store_is_from_no_folder(rank, tmp_path) -> None:
    (tmp_path / "scores.csv").write_text("path,score,status\ns3://shoots/a.jpg,50,ok\n")
    result = rank(tmp_path / "scores.csv")
    assert (result.code, "no photo is where" in result.err) == (0, False)


def test_a_table_may_get_its_ranking_in_place(rank, piqa, model, photos) -> None:
    assert piqa("score", photos, "-o", "scores.csv", "--model", model.path).code == 0
    assert rank("scores.csv", "-o", "scores.csv").code == 0
    assert pl.read_csv("scores.csv").columns[-len(SCHEMA) :] == list(SCHEMA)


@pytest.mark.parametrize(
    "args",
    [
        ["-o", "scores/part-00000.parquet"],
        ["-o", "./scores/ranked.csv"],
        ["--write-xmp", "--plan-out", "scores/plan.json"],
        ["--write-xmp", "--apply", "--journal", "scores/j.jsonl"],
        ["--top", "1", "--copy-to", "scores/best", "--apply"],
    ],
    ids=" ".join,
)
def test_nothing_is_put_into_a_table_in_parts(rank, piqa, model, photos, args) -> None:
    assert piqa("score", photos, "-o", "scores", "--model", model.path).code == 0
    before = contents(Path("scores"))
    result = rank("scores", *args)
    assert result.code == 2
    place = Path(args[-1] if args[-1] != "--apply" else args[-2])
    assert f"{place}: scores is a table of Parquet parts, which has its folder for itself" in result.err
    assert contents(Path("scores")) == before
    assert not list(photos.glob("*.xmp"))


def test_something_beside_the_parts_of_a_table_is_named(rank, piqa, model, photos) -> None:
    assert piqa("score", photos, "-o", "scores", "--model", model.path).code == 0
    Path("scores/desktop.ini").touch()
    result = rank("scores")
    assert result.code == 2
    assert "scores holds the parts of a score table, and desktop.ini: take that out" in result.err


@pytest.mark.parametrize("name", ["test", "me@home"])
def test_a_table_gets_its_embeddings_from_the_cache(rank, piqa, model, photos, engine, monkeypatch, name) -> None:
    from tests.ranking.made_scores import like

    def scored(files, folder, options):
        yield [full_score(f.path, score=50.0, model=folder.id, embedding=like(n % 2)) for n, f in enumerate(files)]

    monkeypatch.setattr(sys.modules["piqa_cli.scoring.engine"], "score_files", scored)
    assert piqa("score", photos, "-o", "scores.csv", "--model", model.path.rename(model.path.with_name(name))).code == 0
    result = rank("scores.csv", "--format", "jsonl")
    assert "capture time alone" not in result.err
    assert {row["group"] for row in rows(result.out)} == {None}  # every photo shows another subject than the one before
    (photos / "00.jpg").write_bytes(b"another photo")
    refused = rank("scores.csv", "--no-cache", "--duplicates")
    assert refused.code == 2
    assert "--duplicates goes by the look of photos" in refused.err


def test_the_plain_table(rank, photos) -> None:
    (photos / "bad.jpg").write_bytes(b"x")
    result = rank(photos, "--top", "1", "--reject-below", "15")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split() == ["score", "decision", "stars", "rank", "group", "why", "photo"]
    assert lines[1].split()[:5] == ["90.0", "pick", "5", "1", "burst-001"]
    assert lines[-2].split()[:3] == ["0.0", "reject", "-1"]
    assert lines[-1].split()[:3] == ["-", "keep", "-"]
    assert "no score: truncated" in lines[-1]
    assert len(lines) == 12


def test_list0(rank, photos) -> None:
    odd = photos / os.fsdecode(b"new\nline\xff.jpg" if sys.platform == "linux" else b"new.jpg")
    odd.write_bytes(b"x")
    result = rank(photos, "--min-score", "60", "--list0", "-q")
    assert result.code == 0
    listed = result.out.encode("utf-8", "surrogateescape").split(b"\0")
    assert listed[-1] == b""
    assert [Path(os.fsdecode(path)).stem for path in listed[:3]] == ["90", "80", "70"]
    assert len(listed) == 6


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes such names")
def test_a_name_that_is_no_utf8_reads_the_same_in_table_and_plan(rank, photos) -> None:
    (photos / os.fsdecode(b"und\xff.jpg")).write_bytes(b"x")
    (photos / os.fsdecode(b"bad\xfe.jpg")).write_bytes(b"x")
    result = rank(photos, "--include", "[bu]*", "--write-xmp")
    assert [line.rpartition("/")[2] for line in result.out.splitlines()[1:]] == [r"und\xff.jpg", r"bad\xfe.jpg"]
    assert rf"mark        {photos}/und\xff.xmp" in result.err
    assert rf"{photos}/bad\xfe.jpg: truncated" in result.err


def test_list0_says_where_a_moved_photo_is(rank, photos, tmp_path) -> None:
    args = (photos, "--top", "1", "--list0", "--move-to", tmp_path / "out", "-q")
    assert rank(*args).out == f"{photos}/90.jpg\0"
    assert rank(*args, "--apply").out == f"{tmp_path}/out/picks/90.jpg\0"


def test_a_table_says_where_a_moved_photo_is(rank, photos, tmp_path) -> None:
    args = ("--top", "1", "--move-to", tmp_path / "out", "-o", "r.csv", "--format", "csv", "-q")
    assert rank(photos, *args).out.splitlines()[1].startswith(f"{photos}/90.jpg,")
    done = rank(photos, *args, "--fail-under", "1", "--apply")
    assert done.out == Path("r.csv").read_text()
    best, second = pl.read_csv("r.csv")["path"][:2]
    assert (best, second) == (f"{tmp_path}/out/picks/90.jpg", f"{photos}/80.jpg")


def test_list0_beside_a_file(rank, photos) -> None:
    result = rank(photos, "--top", "2", "--list0", "-o", "r.csv")
    assert result.out.count("\0") == 2
    assert len(pl.read_csv("r.csv")) == 10


def test_exit_codes_as_in_score(rank, photos) -> None:
    assert rank(photos, "--fail-under", "10").code == 1
    (photos / "bad.jpg").write_bytes(b"x")
    assert rank(photos).code == 0
    assert rank(photos, "--strict").code == 3
    assert rank(photos, "--strict", "--fail-under", "10").code == 1


def test_an_interrupted_run_is_shown_but_not_acted_on(rank, photos, engine, tmp_path) -> None:
    engine.interrupt_after = 1
    result = rank(photos, "--min-score", "0", "--copy-to", tmp_path / "out", "--apply", "--format", "csv")
    assert result.code == 130
    assert len(list(csv.DictReader(io.StringIO(result.out)))) == 4
    assert "interrupted" in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stop", ["interrupt_after", "fail_after"])
def test_a_run_that_was_cut_short_lists_no_picks(rank, photos, engine, stop) -> None:
    setattr(engine, stop, 1)
    result = rank(photos, "--per-group", "1", "--list0")
    assert result.code in (130, 2)
    assert result.out == ""
    assert "no picks are listed" in result.err


def test_a_failing_engine_ends_the_run_without_acting(rank, photos, engine, tmp_path) -> None:
    engine.fail_after = 1
    result = rank(photos, "--min-score", "0", "--copy-to", tmp_path / "out", "--apply")
    assert result.code == 2
    assert "worker killed" in result.err
    assert not (tmp_path / "out").exists()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_nothing_is_touched_without_apply(rank, photos, tmp_path) -> None:
    before = contents(photos)
    result = rank(photos, "--top", "2", "--write-xmp", "--move-to", tmp_path / "out")
    assert result.code == 0
    assert "--apply does it" in result.err
    assert contents(photos) == before
    assert not (tmp_path / "out").exists()


def test_the_plan_says_how_each_photo_is_marked(rank, photos) -> None:
    result = rank(photos, "--reject-below", "10", "--stars", "20,30,40,90", "--write-xmp")
    marks = [line.split(".xmp")[1].split() for line in result.err.splitlines() if ".xmp" in line]
    assert marks == [
        ["5", "stars"],
        *[["4", "stars"]] * 5,
        ["3", "stars"],
        ["2", "stars"],
        ["1", "star"],
        ["rejected", "Red"],
    ]


def test_copy_move_undo(rank, photos, tmp_path) -> None:
    before, out = contents(photos), tmp_path / "out"
    assert rank(photos, "--top", "2", "--copy-to", out, "--apply").code == 0
    assert sorted(contents(out)) == ["picks/80.jpg", "picks/90.jpg"]
    assert contents(photos) == before
    journal = tmp_path / "j.jsonl"
    moved = rank(photos, "--reject-below", "20", "--move-to", out, "--apply", "--journal", journal)
    assert moved.code == 0
    assert f"piqa rank --undo {journal}" in moved.err
    assert {name for name in contents(out) if name.startswith("rejects")} == {"rejects/00.jpg", "rejects/10.jpg"}
    assert "00.jpg" not in contents(photos)
    undone = rank("--undo", journal)
    assert undone.code == 0
    assert "undone   moved 2 files" in undone.err
    assert contents(photos) == before


def test_a_run_with_nothing_to_do_names_no_journal(rank, photos, tmp_path) -> None:
    copy = (photos, "--top", "2", "--copy-to", tmp_path / "out", "--apply")
    assert " journal " in rank(*copy).err
    again = rank(*copy)
    assert "nothing to do" in again.err
    assert " journal " not in again.err
    assert len(list((tmp_path / "state").rglob("*.jsonl"))) == 1


@pytest.mark.parametrize("way", ["--copy-to", "--hardlink-to"])
def test_copies_inside_the_shoot_are_not_ranked_along(rank, photos, way) -> None:
    args = (photos, "--top", "2", "--write-xmp", way, photos / "best", "--apply", "--format", "csv")
    first = rank(*args)
    assert "left out" not in first.err
    after = contents(photos)
    assert {"best/picks/80.jpg", "best/picks/90.jpg"} < set(after)
    again = rank(*args)
    assert again.out == first.out
    assert f"photos in {photos / 'best'} are left out: it is where copies go" in again.err
    assert contents(photos) == after


def test_copies_of_an_earlier_command_are_told(rank, photos) -> None:
    copied = rank(photos, "--top", "2", "--copy-to", photos / "best", "--apply")
    assert "there twice" not in copied.err
    words = f"2 photos are there twice, such as {photos}/best/picks/80.jpg and {photos}/80.jpg: --exclude leaves"
    assert words in rank(photos, "--reject-below", "20").err
    assert "there twice" not in rank(photos, "--exclude", "best").err
    assert "there twice" not in rank(photos, "-q").err


@pytest.mark.parametrize("layout", ["picks", "stars"])
def test_copies_into_the_shoot_itself_are_not_ranked_along(rank, photos, monkeypatch, layout) -> None:
    monkeypatch.chdir(photos)
    args = (".", "--top", "2", "--copy-to", ".", "--into", layout, "--apply", "--format", "csv")
    first, after = rank(*args), contents(photos)
    assert len(after) == first.out.count("\n") - 1 + 2
    again = rank(*args)
    assert again.out == first.out
    assert "left out: it is where copies go" in again.err
    assert contents(photos) == after


def test_what_was_moved_within_the_shoot_is_ranked_along(rank, photos) -> None:
    args = (photos, "--top", "2", "--move-to", photos / "best", "--apply")
    assert rank(*args).code == 0
    after = contents(photos)
    again = rank(*args)
    assert "left out" not in again.err
    assert contents(photos) == after  # not the next two


@pytest.mark.parametrize("quiet", [[], ["-q"]], ids=["told", "quiet"])
def test_photos_that_are_there_already_are_compared_once(rank, photos, tmp_path, monkeypatch, quiet) -> None:
    copy = (photos, "--top", "3", "--copy-to", tmp_path / "out", "--apply", *quiet)
    assert rank(*copy).code == 0
    compared: list[Path] = []
    real = names.same_content
    monkeypatch.setattr(names, "same_content", lambda one, other: compared.append(one) or real(one, other))
    assert rank(*copy).code == 0
    assert sorted(path.name for path in compared) == ["70.jpg", "80.jpg", "90.jpg"]


def test_photos_filed_by_folder_stay_where_the_first_run_put_them(rank, photos, tmp_path) -> None:
    args = (photos, "--by", "folder", "--top", "2", "--move-to", photos / "best", "--into", "group", "--apply")
    assert rank(*args).code == 0
    after = contents(photos)
    assert {f"best/{photos.name}/80.jpg", f"best/{photos.name}/90.jpg"} < set(after)
    assert "nothing to do" in rank(*args).err
    assert contents(photos) == after
    assert rank(*args, "--reject-below", "85").code == 0
    assert "best/rejects/80.jpg" in contents(photos)
    args = (photos, "--by", "folder", "--top", "1", "--move-to", photos.parent, "--into", "group", "--by", "burst")
    assert f"{photos}/" in rank(*args).err  # sorted within its folder, not left
    assert "nothing to do" not in rank(*args).err


def test_the_command_that_takes_a_run_back_works_as_printed(rank, piqa, photos, tmp_path) -> None:
    before, out = contents(photos), tmp_path / "out"
    moved = rank(photos, "--top", "1", "--move-to", out, "--apply", "--journal", tmp_path / "Müllers journal; 1.jsonl")
    line = next(line for line in moved.err.splitlines() if line.startswith(" undo "))
    assert piqa(*shlex.split(line.removeprefix(" undo "))[1:]).code == 0
    assert contents(photos) == before


def test_without_a_place_for_the_journal_nothing_is_begun(rank, photos, tmp_path, monkeypatch, engine) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    result = rank(photos, "--write-xmp", "--apply")
    assert (result.code, result.out, engine.seen) == (2, "", [])
    assert f"journal cannot be written: {tmp_path}/file/piqa/journals/" in result.err
    assert "hint: --journal FILE names another place for it\n" in result.err
    assert rank(photos, "--write-xmp").code == 0


def test_a_journal_serves_another_run_once_it_is_taken_back(rank, piqa, photos, tmp_path) -> None:
    args = (photos, "--top", "1", "--copy-to", tmp_path / "out", "--journal", tmp_path / "j.jsonl", "--apply")
    assert rank(*args).code == 0
    refused = rank(*args)
    assert (refused.code, refused.out) == (2, "")  # before anything is scored
    assert f"journal of another plan: {tmp_path}/j.jsonl\nhint: name another --journal, or --undo this" in refused.err
    assert piqa("rank", "--undo", tmp_path / "j.jsonl").code == 0
    assert not (tmp_path / "out").exists()
    assert rank(*args).code == 0
    assert (tmp_path / "out/picks/90.jpg").exists()
    assert piqa("rank", "--undo", tmp_path / "j.jsonl").code == 0
    assert not (tmp_path / "out").exists()


def test_a_plan_is_exported_and_executed_later(rank, piqa, photos, tmp_path, monkeypatch) -> None:
    before, plan, out = contents(photos), tmp_path / "plan.json", tmp_path / "out"
    assert rank(photos, "--top", "1", "--copy-to", out, "--write-xmp", "--plan-out", plan).code == 0
    assert contents(photos) == before
    monkeypatch.chdir(tmp_path)
    shown = piqa("rank", "--plan", plan)
    assert shown.code == 0
    assert "--apply does it" in shown.err
    assert contents(photos) == before
    assert piqa("rank", "--plan", plan, "--apply").code == 0
    assert {"picks/90.jpg", "picks/90.xmp"} == set(contents(out))
    assert sorted(contents(photos).keys() - before.keys()) == [f"{n:02}.xmp" for n in range(0, 100, 10)]


def test_marks_are_written_and_cleared(rank, piqa, photos) -> None:
    before = contents(photos)
    assert rank(photos, "--top", "20%", "--write-xmp", "--apply").code == 0
    sidecar = (photos / "90.xmp").read_text()
    assert "Rating" in sidecar
    assert "5" in sidecar
    assert rank(photos, "--clear").code == 0
    assert contents(photos) != before
    result = rank(photos, "--clear", "--apply")
    assert result.code == 0
    assert "cleared  the marks of 10 files" in result.err
    assert contents(photos) == before


def test_sidecars_beside_jpegs_come_with_a_word_about_lightroom(rank, photos) -> None:
    assert "Lightroom reads no sidecar" in rank(photos, "--write-xmp").err
    assert "Lightroom" not in rank(photos, "--write-xmp", "--quiet").err
    assert "Lightroom" not in rank(photos, "--write-xmp", "--xmp-naming", "darktable").err
    for path in list(photos.iterdir()):
        path.with_suffix(".CR2").write_bytes(b"raw")
    assert "Lightroom" not in rank(photos, "--write-xmp").err  # the JPEG is a part of its RAW file there


def test_quiet_says_nothing(rank, photos, tmp_path) -> None:
    result = rank(photos, "--top", "1", "--copy-to", tmp_path / "out", "--apply", "-q", "-o", "r.csv")
    assert (result.code, result.out, result.err) == (0, "", "")
