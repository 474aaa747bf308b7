import json
import os
import re
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote_to_bytes

import polars as pl
import pytest

from piqa_cli.errors import OutputError
from piqa_cli.report import build, options
from piqa_cli.report.build import write_report
from piqa_cli.report.data import page_data
from piqa_cli.report.escape import to_script_json
from piqa_cli.report.options import GENERATOR, ReportOptions
from piqa_cli.report.pictures import Pictures
from piqa_cli.report.policy import content_policy
from piqa_cli.report.target import is_report
from tests.fake_engine import full_score
from tests.report.made import ABOUT, HOSTILE_TEXT, Page, colors, hostile_shoot, jpeg, ranked_table, score_of


@pytest.fixture
def shoot(tmp_path):
    """Five photos: two of a burst, one alone, one without a score, one that is gone."""
    folder = tmp_path / "shoot"
    folder.mkdir()
    paths = [jpeg(colors(160, 120, number), folder / f"{number}.jpg", gps=True) for number in range(4)]
    later = replace(score_of(paths[2]).capture, captured_at=score_of(paths[2]).capture.captured_at + timedelta(hours=1))
    return ranked_table(
        [
            score_of(paths[0], 40.0),
            score_of(paths[1], 60.0),
            score_of(paths[2], 20.0, capture=later),
            score_of(paths[3], None, status="error", raw_score=None, faces=(), reason="truncated"),
            score_of(folder / "gone.jpg", 5.0, capture=later),
        ]
    )


def made(frame, tmp_path, name="report.html", about=ABOUT, **changes):
    page = tmp_path / name
    written = write_report(frame, about, ReportOptions(page, workers=0, **changes))
    text = page.read_text(encoding="utf-8")
    parsed = Page(text)
    return written, text, parsed, json.loads(parsed.json_of("piqa-data")), json.loads(parsed.json_of("piqa-images"))


def test_one_file_with_everything_inside(shoot, tmp_path):
    written, text, _, data, images = made(shoot, tmp_path)
    photos = data["photos"]
    assert (written.photos, written.without_picture, written.assets) == (5, 1, None)
    assert written.page_bytes == (tmp_path / "report.html").stat().st_size
    assert data["count"] == 5 and {len(column) for column in photos.values()} == {5}
    assert photos["name"] == ["1.jpg", "0.jpg", "2.jpg", "gone.jpg", "3.jpg"]
    assert photos["score"] == [60.0, 40.0, 20.0, 5.0, None]
    assert photos["href"][0] == "shoot/1.jpg"
    assert photos["stars"] == [5, 3, 3, 1, None]
    assert photos["thumb_error"][3] == "no such file" and photos["thumb_w"][3] is None
    assert images["thumbs"][3] is None and images["thumbs"][0]
    assert images["faces"][4] is None and photos["face_crop"][0] == [35, 10, 125, 110]
    assert data["assets"] is None and data["model"] == "test@0123456789ab"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "shoot"]
    assert is_report(tmp_path / "report.html") and "http-equiv" in text


def test_groups_and_their_best(shoot, tmp_path):
    _, _, _, data, _ = made(shoot, tmp_path)
    assert [group["kind"] for group in data["groups"]] == ["burst", "burst"]
    assert data["photos"]["group"] == [0, 0, 1, 1, 0]
    assert data["photos"]["best"] == [True, False, True, False, False]


def test_the_policy_allows_what_is_in_the_page_and_nothing_else(shoot, tmp_path):
    _, _, page, _, _ = made(shoot, tmp_path)
    scripts = [text for attrs, text in page.texts["script"] if attrs.get("type") != "application/json"]
    ((_, css),) = page.texts["style"]
    assert page.meta("http-equiv", "Content-Security-Policy") == content_policy(scripts, css)
    assert scripts and all("src" not in attrs for attrs, _ in page.texts["script"])
    assert page.meta("name", "generator") == GENERATOR
    inline = [(tag, name) for tag, attrs in page.tags for name in attrs if name.startswith("on") or name == "style"]
    assert not inline


def test_nothing_is_loaded_from_a_network(shoot, tmp_path):
    _, _, page, _, _ = made(shoot, tmp_path)
    for tag, attrs in page.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert not re.match(r"(?i)\s*(https?:)?//", attrs.get(name) or ""), (tag, attrs)


def test_the_location_stays_out(shoot, tmp_path):
    _, text, _, data, _ = made(shoot.with_columns(gps_latitude=pl.lit(48.858), location=pl.lit("Paris")), tmp_path)
    assert "gps" not in text.lower().replace("webgps", "")
    assert "48.858" not in text and "Paris" not in text
    assert not {"gps_latitude", "location"} & set(data["photos"])


def test_names_and_exif_cannot_get_out(tmp_path):
    folder = tmp_path / "shoot"
    folder.mkdir()
    scores = hostile_shoot(folder)
    harmless = [
        replace(
            score, path=folder / f"{i}.jpg", reasons=("noise",), capture=replace(score.capture, camera="c", lens="")
        )
        for i, score in enumerate(scores)
    ]
    for one, other in zip(scores, harmless, strict=True):
        os.link(one.path, other.path)
    about = replace(ABOUT, title=HOSTILE_TEXT, source=HOSTILE_TEXT)
    _, text, page, data, _ = made(ranked_table(scores), tmp_path, about=about)
    _, _, plain, _, _ = made(ranked_table(harmless), tmp_path, "plain.html")
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert page.meta("http-equiv", "Content-Security-Policy") == plain.meta("http-equiv", "Content-Security-Policy")
    assert page.texts["title"][0][1].strip() == HOSTILE_TEXT
    assert data["photos"]["camera"] == [HOSTILE_TEXT] * len(scores)
    assert set(data["photos"]["photo"]) == {str(score.path) for score in scores}
    urls = {os.path.normpath(unquote_to_bytes(url)) for url in data["photos"]["href"]}
    assert urls == {os.fsencode(score.path.relative_to(tmp_path)) for score in scores}
    assert "<img src=x" not in text


def test_the_same_input_gives_the_same_bytes_but_for_the_date(shoot, tmp_path):
    for frame, name in ((shoot, "one.html"), (shoot, "two.html")):
        made(frame, tmp_path, name)
    later = replace(ABOUT, created=ABOUT.created + timedelta(days=1))
    made(shoot, tmp_path, "later.html", about=later)
    first = (tmp_path / "one.html").read_text()
    assert first == (tmp_path / "two.html").read_text()
    assert first == (tmp_path / "later.html").read_text().replace("2024-05-07", "2024-05-06")


def test_pictures_beside_the_page(shoot, tmp_path):
    written, text, page, data, images = made(shoot, tmp_path, assets=tmp_path / "my pictures")
    assert images is None
    assert data["assets"] == f"my%20pictures/{written.assets.name}/"
    assert sorted(p.name for p in (written.assets / "thumbs").iterdir()) == [f"{i:06}.webp" for i in (0, 1, 2, 4)]
    assert data["photos"]["thumb_w"][0] == 160 and data["photos"]["face_crop"][4] is None
    sources = [attrs["src"] for tag, attrs in page.tags if tag == "img"]
    assert all((tmp_path / unquote_to_bytes(source).decode()).is_file() for source in sources)
    again, second, *_ = made(shoot, tmp_path, assets=tmp_path / "my pictures")
    assert (again, second) == (written, text)


def test_many_photos_have_their_pictures_beside_them(shoot, tmp_path, monkeypatch):
    monkeypatch.setattr(options, "MOST_INLINE", 4)
    written, *_ = made(shoot, tmp_path)
    assert written.assets.parent == tmp_path / "report_assets"
    fewer, *_ = made(shoot.head(4), tmp_path)
    assert fewer.assets is None


@pytest.mark.parametrize("assets", [False, True])
def test_a_run_that_breaks_off_leaves_the_old_report(shoot, tmp_path, monkeypatch, assets):
    where = {"assets": tmp_path / "pictures"} if assets else {}
    made(shoot, tmp_path, **where)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_report(shoot.head(2), ABOUT, ReportOptions(tmp_path / "report.html", workers=0, **where), interrupt)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_foreign_file_is_left_alone(shoot, tmp_path):
    (tmp_path / "report.html").write_text("my homepage")
    with pytest.raises(OutputError, match="no report of piqa"):
        write_report(shoot, ABOUT, ReportOptions(tmp_path / "report.html"))
    assert (tmp_path / "report.html").read_text() == "my homepage"
    made(shoot, tmp_path, force=True)


def test_processes_make_the_same_page(shoot, tmp_path):
    made(shoot, tmp_path, "here.html")
    write_report(shoot, ABOUT, ReportOptions(tmp_path / "there.html", workers=2))
    assert (tmp_path / "there.html").read_bytes() == (tmp_path / "here.html").read_bytes()


def test_a_thousand_photos_stay_within_30_mb(tmp_path, monkeypatch):
    frame = ranked_table([full_score(f"/shoot/{i:04}.jpg", score=i / 10) for i in range(1000)])
    budgets = set()

    def fill(job):
        budgets.add(job.budget)
        return Pictures(os.urandom(job.budget // 2), (360, 240), os.urandom(job.budget - job.budget // 2), (0, 0, 9, 9))

    monkeypatch.setattr(build, "make_pictures", fill)
    written, *_ = made(frame, tmp_path)
    assert 25_000_000 < written.page_bytes <= 30_000_000
    assert budgets.pop() > 17_000  # enough for a thumbnail of 360 px and a face


def test_twenty_thousand_rows_are_put_together_quickly(tmp_path):
    one = pl.DataFrame(ranked_table([full_score("/shoot/0.jpg", capture=full_score().capture)]).drop("path"))
    frame = pl.concat([one] * 20_000).with_columns(
        pl.Series("path", [f"/shoot/{i % 40}/{i:05}.jpg" for i in range(20_000)])
    )
    started = time.process_time()
    data = page_data(frame, ABOUT, Path("/shoot/pages"))
    text = to_script_json(data.document("report_assets/"))
    assert time.process_time() - started < 12  # about 2 s on the machine of the benchmarks
    assert len(text) < 40_000_000
