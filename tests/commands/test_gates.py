"""The gates of `piqa score`: options, policy, files, exit codes and what is printed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

from piqa_cli.commands.gate_request import GateRequest
from piqa_cli.gates.json_result import schema
from piqa_cli.gates.policy import Limits

pytestmark = pytest.mark.usefixtures("engine")

FILES = {
    "--junit": "junit.xml",
    "--markdown": "summary.md",
    "--json": "result.json",
    "--sarif": "piqa.sarif",
    "--code-quality": "quality.json",
}
ALL_FILES = [part for pair in FILES.items() for part in pair]


@pytest.fixture
def score(piqa, model, monkeypatch, tmp_path):
    """`piqa score` with a model that can be found, in an empty working folder."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return lambda *args: piqa("score", *args, "--model", model.path)


def policy(text: str) -> Path:
    Path("policy.toml").write_text(text)
    return Path("policy.toml")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--fail-under", "0"], 0, ""),
        (
            ["--fail-under", "0.01"],
            1,
            "piqa: 1 of 11 scored photos is below 0.01, the worst first:\n  0.00  {}/00.jpg\n",
        ),
        (["--max-bad-pct", "37"], 0, ""),
        (
            ["--max-bad-pct", "36"],
            1,
            "piqa: max-bad-pct: 4 of 11 scored photos are below 40, 36.4 %; at most 36 % may\n",
        ),
        (["--max-bad-pct", "20", "--bad-below", "20"], 0, ""),
        (["--max-errors", "0"], 1, "piqa: max-errors: 1 photo could not be scored; at most 0 may\n"),
        (["--max-errors", "1"], 0, ""),
        (["--min-face-px", "100"], 0, ""),
        (
            ["--min-face-px", "101"],
            1,
            "piqa: 10 photos break min-face-px (face too small):\n  {}/00.jpg: face of 100 x 120",
        ),
        (["--max-no-face-pct", "10"], 0, ""),
        (["--max-no-face-pct", "9"], 1, "piqa: max-no-face-pct: 1 of 11 readable photos have no face, 9.1 %; at most"),
        (
            ["--require-single-face"],
            1,
            "piqa: 11 photos break require-single-face (not exactly one face):\n  {}/nobody.jpg",
        ),
        (["--require-open-eyes"], 0, ""),
        (["--min-resolution", "3000x4000"], 0, ""),
        (["--min-resolution", "3000X4000"], 0, ""),
        (
            ["--min-resolution", "13MP"],
            1,
            "piqa: 10 photos break min-resolution (photo too small):\n  {}/00.jpg: 4000 x 3000",
        ),
        (["--max-duplicates", "1"], 0, ""),
        (["--max-duplicates", "0"], 1, "piqa: max-duplicates: 1 photo repeats the content of another; at most 0 may\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_every_gate_as_an_option(score, photos, args, code, message) -> None:
    (photos / "bad.jpg").write_bytes(b"bad")
    (photos / "nobody.jpg").write_bytes(b"x" * 11)  # as 10.jpg
    result = score(photos, *args, "-q")
    assert (result.code, message.format(photos) in result.err) == (code, True)
    assert bool(result.err) == bool(code)


@pytest.mark.parametrize("form", ["table", "csv", "jsonl", "json"])
@pytest.mark.parametrize(("limit", "code"), [("0", 0), ("50", 1)])
def test_the_exit_code_is_the_same_for_every_form_and_file(score, photos, form, limit, code) -> None:
    bare = score(photos, "--fail-under", limit, "--format", form, "-q")
    assert bare.code == code
    full = score(photos, "--fail-under", limit, "--format", form, "-q", *ALL_FILES, "--annotations", "github")
    assert (full.code, full.out) == (code, bare.out)
    assert json.loads(Path("result.json").read_text())["passed"] is (code == 0)


def test_all_files_in_one_run(score, photos) -> None:
    (photos / "bad.jpg").write_bytes(b"bad")
    result = score(photos, "--gate", policy("[gates]\nfail-under = 15\n"), *ALL_FILES)
    assert result.code == 1
    assert " saved     junit.xml · summary.md · result.json · piqa.sarif · quality.json\n" in result.err
    assert result.err.endswith(" verdict   failed\n")
    cases = etree.parse("junit.xml").getroot().iter("testcase")
    failed = {Path(case.get("name")).name for case in cases if case.find("failure") is not None}
    assert failed == {"00.jpg", "10.jpg", "fail-under"}
    document = json.loads(Path("result.json").read_text())
    assert document["photos"] == {"total": 11, "ok": 10, "no_face": 0, "failed": 1}
    assert document["policy"] == "policy.toml"
    assert len(json.loads(Path("quality.json").read_text())) == len(document["findings"])
    assert json.loads(Path("piqa.sarif").read_text())["version"] == "2.1.0"
    assert Path("summary.md").read_text().startswith("# piqa: failed\n")
    assert set(document) == set(schema()["properties"])


def test_counts_of_the_checks_are_in_the_summary(score, photos) -> None:
    (photos / "bad.jpg").write_bytes(b"bad")
    (photos / "91.jpg").write_bytes((photos / "90.jpg").read_bytes())
    lines = score(photos, "--markdown", "s.md").err.splitlines()
    assert " warnings  unreadable 1 · duplicate 1" in lines
    assert lines[-1] == " verdict   passed"


def test_an_option_goes_before_the_policy_and_a_section_before_both(score, photos) -> None:
    file = policy('[gates]\nfail-under = 95\n[folders."00*"]\nfail-under = 0\n')
    assert score(photos, "--gate", file, "-q").code == 1
    assert score(photos, "--gate", file, "--fail-under", "10", "-q").code == 0
    result = score(photos, "--gate", file, "--fail-under", "11", "-q")
    assert "piqa: 1 of 10 scored photos is below 11, the worst first:\n 10.00" in result.err


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("[gates]\nbad-below = 30\n", ["--max-bad-pct", "50"]),
        ("[gates]\nmax-bad-pct = 50\n", ["--bad-below", "30"]),
        ('[folders."00*"]\nmax-bad-pct = 100\n', ["--bad-below", "30"]),
    ],
    ids=["option and policy", "policy and option", "section and option"],
)
def test_what_is_bad_and_how_much_of_it_may_be_said_apart(score, photos, text, args) -> None:
    assert score(photos, "--gate", policy(text), *args, "-q").code == 0


def test_sections_are_named(score, photos) -> None:
    result = score(photos, "--gate", policy('[folders."00*"]\nfail-under = 7\nmin-face-px = 200\n'), "-q")
    assert "piqa: 1 of 10 scored photos is below 7 in 00*, the worst first:\n" in result.err
    assert "piqa: 1 photo in 00* breaks min-face-px (face too small):\n" in result.err


def test_a_section_that_no_photo_is_in_is_named(score, photos) -> None:
    result = score(
        photos, "--gate", policy('[folders."00*"]\nfail-under = 7\n[folders."passport/*"]\nfail-under = 1\n')
    )
    assert 'unused    no photo is in [folders."passport/*"]\n' in result.err
    assert result.err.count("no photo is in") == 1
    quiet = score(photos, "--gate", policy('[folders."passport/*"]\nfail-under = 1\n'), "-q")
    assert (quiet.code, quiet.err) == (0, 'piqa: unused-section: no photo is in [folders."passport/*"]\n')
    photo = next(photos.iterdir())
    few = score(photo, photo, "--gate", policy('[folders."passport/*"]\nfail-under = 1\n'), "-q")
    assert (few.code, few.err) == (0, "")  # as pre-commit names those of a commit
    strict = '[folders."passport/*"]\nfail-under = 1\n[checks]\nunused-section = "error"\n'
    failed = score(photos, "--gate", policy(strict), "-q")
    assert (failed.code, failed.err) == (1, quiet.err)


def test_gates_that_judged_nothing_are_broken(score, photos) -> None:
    for photo in photos.iterdir():
        photo.rename(photos / f"bad{photo.name}")
    result = score(photos, "--fail-under", "1", "--max-errors", "99", *ALL_FILES, "-q")
    assert result.code == 1
    assert result.err == "piqa: fail-under: nothing was judged: none of the 10 photos could be scored\n"
    assert all("nothing was judged" in Path(name).read_text() for name in ALL_FILES[1::2])
    assert score(photos, "--max-errors", "10", "--max-duplicates", "9", "-q").code == 0


BAD = [
    (["--gate", "gone.toml"], "cannot read the policy gone.toml: No such file or directory"),
    (
        ["--gate", "policy.toml"],
        "policy.toml has 2 problems: line 2: unknown key 'max-eror', did you mean 'max-errors'?; ",
    ),
    (["--baseline", "gone.parquet"], "no such file: gone.parquet"),
    (["--baseline", "policy.toml"], "policy.toml is no score table"),
    (["--baseline", "cut.parquet"], "cannot read the score table cut.parquet: no Parquet file, or cut off"),
    (["--baseline", "other.csv"], "other.csv is no score table: no column path, status"),
    (["--baseline", "empty.jsonl"], "cannot read the score table empty.jsonl: it is empty"),
    (["--junit", "no/such/junit.xml"], "cannot write no/such/junit.xml: no folder no/such"),
    (["--markdown", "."], "cannot write .: it is no plain file"),
    (["--json", "same", "--sarif", "same"], "--json and --sarif name the same file"),
    (["--json", "-"], "--json takes the name of a file, and - is none"),
    (["-o", "-"], "--output takes the name of a file, and - is none"),
    (["--json", "x.json", "-o", "./x.json"], "--json and --output name the same file"),
    (["--gate", "fine.toml", "--markdown", "fine.toml"], "--gate and --markdown name the same file"),
    (["--baseline", "old.csv", "-o", "old.csv"], "--baseline and --output name the same file"),
    *(([option, "IMG_1.JPG"], "cannot write IMG_1.JPG: that is the name of a photo") for option in FILES),
    (["--max-bad-pct", "101"], "Invalid value for '--max-bad-pct': 101.0 is not a percentage, 0 to 100"),
    (["--max-errors", "-1"], "Invalid value for '--max-errors'"),
    (["--min-resolution", "big"], "Invalid value for '--min-resolution': 'big' is no resolution like '1920x1080'"),
    (["--bad-below", "30"], "bad-below has no effect without max-bad-pct"),
    (["--gate", "bad-below.toml"], "bad-below has no effect without max-bad-pct"),
    (["--gate", "section.toml"], 'bad-below in [folders."b/*"] has no effect without max-bad-pct'),
    (["--fail-under", "nan"], "Invalid value for '--fail-under'"),
    (["--annotations", "jenkins"], "Invalid value for '--annotations'"),
]


@pytest.mark.parametrize(("args", "message"), BAD, ids=[" ".join(args) for args, _ in BAD])
def test_what_is_wrong_is_said_before_any_work(score, photos, engine, args, message) -> None:
    policy("[gates]\nmax-eror = 3\nfail-under = true\n")
    for name in ("fine.toml", "IMG_1.JPG"):
        Path(name).touch()
    Path("old.csv").write_text("path,score,status\n")
    Path("cut.parquet").write_bytes(b"PAR1 and no more")
    Path("other.csv").write_text("image,score\na.jpg,50\n")
    Path("empty.jsonl").touch()
    Path("bad-below.toml").write_text("[gates]\nbad-below = 30\n")
    Path("section.toml").write_text('[folders."a/*"]\nmax-bad-pct = 5\n[folders."b/*"]\nbad-below = 30\n')
    before = sorted(Path().iterdir())
    result = score(photos, *args)
    assert (result.code, result.out) == (2, "")
    first, hint = result.err.splitlines()
    assert first.startswith(f"piqa: error: {message}")
    assert hint.startswith("hint: ")
    assert engine.seen == []
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--strict", "--max-errors", "1"], 3),
        (["--strict", "--max-errors", "0"], 1),
        (["--strict", "--gate", "policy.toml"], 1),
        (["--gate", "policy.toml"], 1),
        (["--strict", "--markdown", "s.md"], 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_broken_gate_goes_before_a_failed_photo(score, photos, args, code) -> None:
    policy('[checks]\nunreadable = "error"\n')
    (photos / "bad.jpg").write_bytes(b"bad")
    assert score(photos, *args).code == code


def test_an_interrupted_run_is_not_judged(score, photos, engine) -> None:
    engine.interrupt_after = 2
    result = score(photos, "--fail-under", "99", *ALL_FILES)
    assert result.code == 130
    assert not list(Path().iterdir())
    assert "below" not in result.err


def test_a_failed_engine_is_no_verdict(score, photos, engine) -> None:
    engine.fail_after = 2
    assert score(photos, "--fail-under", "99", *ALL_FILES).code == 2
    assert not list(Path().iterdir())


@pytest.mark.parametrize("old", ["old.parquet", "old.csv", "old.json", "old.jsonl", "old"])
def test_a_baseline_in_every_form(score, photos, old) -> None:
    assert score(photos, "-o", old, "-q").code == 0
    assert score(photos, "--fail-under", "25", "--baseline", old, "-q").code == 0
    (photos / "15.jpg").write_bytes(b"new")
    result = score(photos, "--fail-under", "25", "--baseline", old)
    assert result.code == 1
    assert "piqa: 1 of 11 scored photos is below 25 for the first time, the worst first:\n 15.00" in result.err
    assert "3 findings that the baseline had already\n" in result.err
    assert f"{old}: 0 worse · 0 better · 1 added · 0 removed · Kolmogorov-Smirnov D 0.0" in result.err


def test_one_finding_that_the_baseline_had(score, photos) -> None:
    low = min(photos.iterdir())
    assert score(low, "-o", "old.csv", "-q").code == 0
    result = score(low, "--fail-under", "25", "--baseline", "old.csv")
    assert result.code == 0
    assert " 1 finding that the baseline had already\n" in result.err


def test_a_damaged_baseline_leaves_the_scores(score, photos) -> None:
    Path("old.parquet").write_bytes(b"PAR1 not really PAR1")
    result = score(photos, "--baseline", "old.parquet", "-o", "new.csv", "--junit", "junit.xml")
    assert result.code == 2
    assert "piqa: error: cannot read the score table old.parquet" in result.err
    assert Path("new.csv").exists()
    assert not Path("junit.xml").exists()


def test_annotations_go_to_stderr_and_stdout_stays_data(score, photos) -> None:
    result = score(photos, "--fail-under", "5", "--annotations", "github", "--format", "csv", "-q")
    assert result.err.startswith(f"::error file={photos}/00.jpg,title=piqa fail-under::{photos}/00.jpg: scores 0.00")
    assert len(result.out.splitlines()) == 11


def test_near_duplicates_need_what_the_engine_says(score, photos) -> None:
    result = score(photos, "--max-near-duplicates", "0", "-q")  # the stand-in has no embeddings
    assert result.code == 2
    assert "max-near-duplicates cannot be checked" in result.err


def test_unreadable_photos_alone_are_no_near_duplicates(score) -> None:
    for name in ("bad1.jpg", "bad2.jpg"):
        Path(name).write_bytes(b"bad")
    result = score("bad1.jpg", "bad2.jpg", "--max-near-duplicates", "0", "-q")
    assert (result.code, result.err) == (0, "")


def test_old_files_stay_where_a_new_one_cannot_be_written(score, photos, monkeypatch) -> None:
    Path("junit.xml").write_text("old")
    monkeypatch.setattr("piqa_cli.commands.gate_run.to_sarif", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        score(photos, *ALL_FILES)
    assert Path("junit.xml").read_text() == "old"
    assert [path.name for path in Path().iterdir()] == ["junit.xml"]


def test_nothing_asked_nothing_done(score, photos, monkeypatch) -> None:
    assert not GateRequest().asks
    assert not GateRequest(limits=Limits(bad_below=3)).asks
    assert GateRequest(limits=Limits(fail_under=0)).asks
    monkeypatch.setitem(sys.modules, "piqa_cli.commands.gate_run", None)  # an import of it fails
    assert score(photos).code == 0


def test_hostile_names_are_harmless_on_the_terminal(score, photos) -> None:
    (photos / "\x1b[31m\n::error::x\u202e.jpg").write_bytes(b"x")
    result = score(photos, "--fail-under", "99", "--annotations", "github", *ALL_FILES)
    assert result.code == 1
    assert "\x1b" not in result.err
    assert "\u202e" not in result.err
    assert not [line for line in result.err.splitlines() if line.startswith("::error::x")]


def test_a_bad_policy_as_a_process(photos, model, start, tmp_path) -> None:
    (tmp_path / "p.toml").write_text("[gates]\nfail-under = 400\n")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start("score", photos, "--model", model.path, "--gate", tmp_path / "p.toml", **pipes)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, b"")
    assert b"line 2: fail-under: 400 is not a score, 0 to 100" in err
    assert b"Traceback" not in err


def test_the_command_of_the_issue_as_a_process(photos, model, start, tmp_path) -> None:
    (tmp_path / "policy.toml").write_text("[gates]\nfail-under = 5\n")
    line = "--gate policy.toml --junit junit.xml --markdown summary.md --json result.json --format csv"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path}
    process = start("score", photos, "--model", model.path, *line.split(), **pipes)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    assert len(out.splitlines()) == 11
    assert {path.name for path in tmp_path.iterdir()} >= {"junit.xml", "summary.md", "result.json"}
