from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from piqa_cli.commands import report_output, report_run
from piqa_cli.commands.report_request import ReportRequest
from piqa_cli.ranking.options import is_score_table
from piqa_cli.report.options import Grouping
from tests.fake_engine import full_score
from tests.report.made import Page

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def report(piqa, model, monkeypatch, tmp_path):
    """`piqa report` with a model that can be found, in an empty working folder, with no browser to open."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(report_output.webbrowser, "open", lambda url: pytest.fail(f"opened {url}"))

    def report(*args):
        by_model = [] if any(is_score_table(Path(arg)) for arg in args) else ["--model", model.path]
        return piqa("report", *args, *by_model, "--workers", "0")

    return report


@pytest.fixture
def request_of(report, monkeypatch):
    """The request that a command line comes to."""

    def parsed(*args: object) -> ReportRequest:
        seen: list[ReportRequest] = []
        monkeypatch.setattr(report_run, "run_report", lambda request: seen.append(request) or 0)
        result = report(*args)
        assert result.code == 0, result.err
        return seen[0]

    return parsed


def data_of(page: str | Path) -> dict:
    return json.loads(Page(Path(page).read_text(encoding="utf-8")).json_of("piqa-data"))


@pytest.mark.parametrize(
    ("args", "field", "expected"),
    [
        ([], "output", None),
        (["-o", "x.html"], "output", Path("x.html")),
        (["--assets", "pictures"], "assets", Path("pictures")),
        (["--title", "Wedding"], "title", "Wedding"),
        ([], "group", None),
        (["--group", "folder"], "group", Grouping.FOLDER),
        (["--force"], "force", True),
        (["--open"], "open", True),
        (["--strict"], "strict", True),
    ],
    ids=lambda value: " ".join(value) or "default" if isinstance(value, list) else "",
)
def test_what_the_options_mean(request_of, photos, args, field, expected) -> None:
    assert getattr(request_of(photos, *args), field) == expected


def test_gates_and_scoring_options_arrive(request_of, photos) -> None:
    request = request_of(
        photos, "--fail-under", "30", "--max-errors", "2", "--markdown", "m.md", "--crops", "1", "--file-timeout", "9"
    )
    assert (request.gates.limits.fail_under, request.gates.limits.max_errors) == (30.0, 2)
    assert request.gates.files == {"markdown": Path("m.md")}
    assert request.scoring.engine.crops == 1
    assert request.page.file_timeout == 9.0


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        ([], True),
        (["--fail-under", "3"], True),
        (["--junit", "j.xml"], False),
        (["--markdown", "m.md", "--json", "j.json"], False),
        (["--annotations", "github"], False),
        (["--annotations", "github", "-o", "r.html"], True),
        (["--markdown", "m.md", "-o", "r.html"], True),
        (["--markdown", "m.md", "--open"], True),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_files_for_ci_alone_need_no_page(request_of, photos, args, wanted) -> None:
    assert request_of(photos, *args).wants_page is wanted


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "PATH"),
        (["/no/such"], "/no/such"),
        (["no.csv"], "no.csv: No such file or directory"),
        (["no.csv"], "hint: piqa score -o and piqa rank -o write such tables"),
        (["{photos}", "no.csv"], "stands alone"),
        (["no.csv", "--include", "a/*", "--no-recursive"], "--no-recursive and --include would do nothing: no.csv is"),
        (["no.csv", "--model", "other"], "--model would do nothing"),
        (["{photos}", "-o", "scores.csv"], ".html"),
        (["{photos}", "-o", "no/such/r.html"], "no/such"),
        (["{photos}", "--title", " "], "--title"),
        (["{photos}", "--group", "colour"], "colour"),
        (["{photos}", "--assets", "{photos}/00.jpg"], "is no folder"),
        (["{photos}", "--gate", "no.toml"], "no.toml"),
        (["{photos}", "-o", "r.html", "--markdown", "./r.html"], "--markdown and --output name the same file"),
        (["{photos}", "--title", "T", "--json", "report.html"], "--json and --output name the same file"),
        (["s.csv", "--no-cache", "--max-near-duplicates", "0"], "max-near-duplicates cannot be checked: "),
        (["scores.json", "--json", "./scores.json"], "scores.json is read and would be overwritten"),
        (["--json", "{photos}/00.jpg", "{photos}/10.jpg"], "00.jpg: that is the name of a photo"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_clear_line(report, photos, args, words) -> None:
    result = report(*(arg.format(photos=photos) for arg in args))
    assert result.code == 2
    assert words in result.err
    assert "Traceback" not in result.err
    assert result.out == ""
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    "more",
    [["-o", "scores/r.html"], ["--json", "scores/r.json"], ["--assets", "scores"], ["--assets", "scores/pictures"]],
    ids=" ".join,
)
def test_nothing_is_put_into_the_folder_that_a_table_is(piqa, report, photos, model, more) -> None:
    """It would be no table any more."""
    assert piqa("score", photos, "-o", "scores", "--model", model.path).code == 0
    for args in (["scores", *more], [photos, *more, "--baseline", "scores"])[: 1 if "--assets" in more else 2]:
        result = report(*args)
        assert result.code == 2
        assert "scores is a table of Parquet parts, which has its folder for itself" in result.err
    assert [file.name for file in Path().rglob("*")] == ["scores", "part-00000.parquet"]


def test_a_folder(report, photos) -> None:
    result = report(photos, "-o", "report.html")
    assert (result.code, result.out) == (0, "")
    assert "saved report.html: 10 photos" in result.err
    assert "10 of them are gone or unreadable" in result.err  # the stand-in's photos are no photos
    data = data_of("report.html")
    assert (data["title"], data["source"], data["grouping"]) == ("photos", str(photos), "burst")
    assert data["photos"]["name"] == [f"{n:02}.jpg" for n in range(90, -1, -10)]
    assert data["photos"]["best"] == [True] + [False] * 9
    assert "decision" not in data["photos"]
    assert [path.name for path in Path().iterdir()] == ["report.html"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl", ".json", ""], ids=lambda suffix: suffix or "parts")
def test_a_score_table_gives_the_same_page(report, piqa, model, photos, suffix) -> None:
    assert piqa("score", photos, "-o", f"scores{suffix}", "--model", model.path).code == 0
    assert report(f"scores{suffix}", "-o", "table.html", "--title", "t").code == 0
    assert report(photos, "-o", "photos.html", "--title", "t").code == 0
    first, second = data_of("table.html"), data_of("photos.html")
    assert first["photos"] == second["photos"] and first["groups"] == second["groups"]
    assert first["id"] == second["id"]


def test_a_ranked_table_keeps_its_choice_unless_told_otherwise(report, piqa, model, photos) -> None:
    ranked = ["rank", photos, "--top", "1", "--by", "folder", "-o", "ranked.csv", "--model", model.path]
    assert piqa(*ranked).code == 0
    assert report("ranked.csv", "-o", "r.html").code == 0
    data = data_of("r.html")
    assert data["grouping"] == "table" and data["groups"] == [{"label": "photos", "kind": "folder"}]
    assert data["photos"]["decision"][:2] == ["pick", "keep"]
    assert report("ranked.csv", "-o", "r.html", "--group", "none").code == 0
    assert (data_of("r.html")["groups"], data_of("r.html")["grouping"]) == ([], None)


def test_old_tables_and_foreign_columns(report, photos) -> None:
    pl.DataFrame(
        {"path": [str(photos / "00.jpg"), "gone.jpg"], "score": [5.0, 7.5], "status": ["ok", "ok"], "gps": ["x", "y"]}
    ).write_csv("old.csv")
    assert report("old.csv", "-o", "r.html").code == 0
    photos_of_page = data_of("r.html")["photos"]
    assert photos_of_page["score"] == [7.5, 5.0]
    assert "gps" not in photos_of_page and "camera" not in photos_of_page


def test_without_o_the_page_is_here_and_a_foreign_one_stays(report, photos) -> None:
    Path("report.html").write_text("my homepage")
    refused = report(photos)
    assert refused.code == 2 and "no report of piqa" in refused.err
    assert Path("report.html").read_text() == "my homepage"
    assert report(photos, "--force").code == 0
    assert report(photos).code == 0
    assert data_of("report.html")["count"] == 10


def test_the_page_bears_the_time_of_the_user_s_own_clock(report, photos, monkeypatch):
    try:
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("TZ", "<+0545>-05:45")
            time.tzset()
            assert report(photos).code == 0
    finally:
        time.tzset()
    created = datetime.fromisoformat(data_of("report.html")["created"])
    assert created.utcoffset() == timedelta(hours=5, minutes=45)
    assert abs(datetime.now(UTC) - created) < timedelta(hours=1)


def test_exit_codes_as_in_score(report, photos) -> None:
    assert report(photos, "-q").code == 0
    assert report(photos, "--fail-under", "10").code == 1
    (photos / "bad.jpg").write_bytes(b"x")
    assert report(photos).code == 0
    assert report(photos, "--strict").code == 3
    assert report(photos, "--strict", "--fail-under", "10").code == 1
    assert data_of("report.html")["photos"]["reason"][-1] == "truncated"


def test_markdown_against_a_baseline(report, piqa, model, photos, engine, monkeypatch) -> None:
    assert piqa("score", photos, "-o", "old.parquet", "--model", model.path).code == 0
    assert piqa("score", photos, "-o", "scores.parquet", "--model", model.path).code == 0
    result = report("scores.parquet", "--baseline", "old.parquet", "--markdown", "diff.md")
    assert result.code in (0, 1), result.err
    assert Path("diff.md").read_text().strip()
    assert not Path("report.html").exists()


def test_an_interrupted_run_makes_no_page(report, photos, engine) -> None:
    engine.interrupt_after = 1
    result = report(photos, "-o", "r.html")
    assert result.code == 130
    assert "4 photos done; their scores are kept, and there is no report" in result.err
    assert not Path("r.html").exists()
    engine.interrupt_after = None
    assert report(photos, "-o", "r.html").code == 0


def test_an_interrupt_while_the_page_is_made_says_so(report, photos, monkeypatch) -> None:
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(report_output, "write_report", stop)
    result = report(photos, "-o", "page.html")
    assert (result.code, result.err) == (130, "piqa: interrupted: page.html is not written\n")


def test_a_failing_engine_is_an_error(report, photos, engine) -> None:
    engine.fail_after = 1
    result = report(photos, "-o", "r.html")
    assert result.code == 2 and "worker killed" in result.err
    assert not Path("r.html").exists()


def test_open(report, photos, monkeypatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(report_output.webbrowser, "open", lambda url: opened.append(url) or True)
    assert report(photos, "--open").code == 0
    assert opened == [Path("report.html").resolve().as_uri()]
    monkeypatch.setattr(report_output.webbrowser, "open", lambda url: False)
    assert "no browser was found; open report.html" in report(photos, "--open").err


def test_rank_hands_over(report, piqa, model, photos, monkeypatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(report_output.webbrowser, "open", lambda url: opened.append(url) or True)
    ranked = ["rank", photos, "--top", "2", "--model", model.path, "--workers", "0"]
    result = piqa(*ranked, "--open-report")
    assert result.code == 0, result.err
    assert opened == [Path("report.html").resolve().as_uri()]
    data = data_of("report.html")
    assert data["grouping"] == "table" and data["photos"]["decision"][:3] == ["pick", "pick", "keep"]
    Path("report.html").write_text("my homepage")
    refused = piqa(*ranked, "--open-report")
    assert refused.code == 2 and Path("report.html").read_text() == "my homepage"
    assert piqa("rank", photos, "--clear", "--open-report").code == 2


@pytest.mark.parametrize("source", ["folder", "relative folder", "small table"])
def test_the_page_of_a_ranking_shows_photos_where_they_have_gone(
    report, piqa, model, photos, monkeypatch, source
) -> None:
    monkeypatch.setattr(report_output.webbrowser, "open", lambda url: True)
    raw = photos / "80.NEF"
    raw.write_bytes(b"a raw file")
    scoring = ["--model", model.path, "--workers", "0"]
    if source == "relative folder":
        photos = os.path.relpath(photos)
    elif source == "small table":
        assert piqa("score", photos, "-o", "scores.csv", *scoring).code == 0
        pl.read_csv("scores.csv").drop("raw_mate").write_csv("small.csv")
        photos, scoring = "small.csv", []
    result = piqa("rank", photos, *scoring, "--top", "2", "--move-to", "best", "--apply", "--open-report")
    assert result.code == 0, result.err
    best = Path("best/picks").resolve()
    mates = [] if source == "small table" else [str(best / "80.NEF")]
    assert sorted(path.name for path in best.iterdir()) == sorted(["80.jpg", "90.jpg", *("80.NEF" for _ in mates)])
    page = data_of("report.html")["photos"]
    assert page["path"][:2] == [str(best / "90.jpg"), str(best / "80.jpg")]
    assert page["href"][:2] == ["best/picks/90.jpg", "best/picks/80.jpg"]
    assert page["mates"][:2] == [[], mates]


def test_embeddings_of_a_table_come_from_the_cache(report, piqa, model, photos, monkeypatch) -> None:
    from tests.ranking.made_scores import like

    def scored(files, folder, options):
        yield [full_score(f.path, score=50.0, model=folder.id, embedding=like(n % 2)) for n, f in enumerate(files)]

    monkeypatch.setattr(sys.modules["piqa_cli.scoring.engine"], "score_files", scored)
    assert piqa("score", photos, "-o", "scores.csv", "--model", model.path).code == 0
    result = report("scores.csv")
    assert "capture time alone" not in result.err
    assert data_of("report.html")["groups"] == []  # every photo shows another subject than the one before
    assert "capture time alone" in report("scores.csv", "--no-cache").err
