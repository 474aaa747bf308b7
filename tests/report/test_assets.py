import os

import pytest

from piqa_cli.errors import OutputError
from piqa_cli.photos.discover import discover
from piqa_cli.report.assets import AssetFolder
from piqa_cli.report.pictures import Pictures
from piqa_cli.report.target import check_assets


def store(folder, page, *thumbs: bytes):
    with AssetFolder(folder, page) as assets:
        for thumb in thumbs:
            assets.add(Pictures(thumb, (1, 1), thumb + b" face"))
        target = assets.finish()
    assets.remove_others(target)
    return target


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_pictures_are_files_named_by_row(tmp_path):
    target = store(tmp_path / "new" / "assets", tmp_path / "report.html", b"one", b"two")
    assert (target / "thumbs/000001.webp").read_bytes() == b"two"
    assert (target / "faces/000000.webp").read_bytes() == b"one face"
    assert target.parent == tmp_path / "new" / "assets"


def test_the_same_pictures_have_the_same_place(tmp_path):
    first = store(tmp_path / "assets", tmp_path / "report.html", b"one")
    before = names(tmp_path)
    assert store(tmp_path / "assets", tmp_path / "report.html", b"one") == first
    assert names(tmp_path) == before


def test_pictures_may_lie_on_another_drive_than_the_page(tmp_path, monkeypatch):
    def no_way(path, start=None):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", no_way)
    first = store(tmp_path / "assets", tmp_path / "report.html", b"one")
    assert store(tmp_path / "assets", tmp_path / "report.html", b"two") != first
    assert not first.exists()


def test_lost_pictures_come_back(tmp_path):
    first = store(tmp_path / "assets", tmp_path / "report.html", b"one")
    before = names(tmp_path)
    (first / "thumbs/000000.webp").unlink()
    assert store(tmp_path / "assets", tmp_path / "report.html", b"one") == first
    assert names(tmp_path) == before


def test_older_pictures_of_the_same_page_go_and_nothing_else(tmp_path):
    folder, page = tmp_path / "assets", tmp_path / "report.html"
    old, other = store(folder, page, b"old", b"older"), store(folder, tmp_path / "other.html", b"other")
    (folder / "mine").mkdir()
    (folder / "mine" / "000000.webp").write_bytes(b"a photo of mine")
    (old / "thumbs" / "holiday.webp").write_bytes(b"in the wrong place")
    new = store(folder, page, b"new")
    left = names(folder)
    assert f"{old.name}/thumbs/holiday.webp" in left
    assert f"{old.name}/thumbs/000000.webp" not in left and f"{old.name}/faces" not in left
    assert "mine/000000.webp" in left
    assert f"{other.name}/thumbs/000000.webp" in left and f"{new.name}/thumbs/000000.webp" in left
    (old / "thumbs" / "holiday.webp").unlink()


def test_pages_with_the_same_pictures_take_none_from_each_other(tmp_path):
    folder, page = tmp_path / "assets", tmp_path / "report.html"
    old, other = store(folder, page, b"same"), store(folder, tmp_path / "other.html", b"same")
    store(folder, page, b"new")
    assert (other / "thumbs/000000.webp").read_bytes() == b"same"
    assert not old.exists()


def test_pages_that_reach_one_folder_by_links_take_nothing_from_each_other(tmp_path):
    (tmp_path / "disk").mkdir()
    for shoot in ("first", "second"):
        (tmp_path / shoot).mkdir()
        (tmp_path / shoot / "assets").symlink_to(tmp_path / "disk")
    other = store(tmp_path / "second" / "assets", tmp_path / "second" / "report.html", b"other")
    store(tmp_path / "first" / "assets", tmp_path / "first" / "report.html", b"one")
    assert (other / "thumbs/000000.webp").read_bytes() == b"other"


def test_a_run_that_breaks_off_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), AssetFolder(tmp_path / "new" / "assets", tmp_path / "r.html") as assets:
        assets.add(Pictures(b"one", (1, 1)))
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_links_lead_nowhere_outside(tmp_path):
    folder, page = tmp_path / "assets", tmp_path / "report.html"
    old = store(folder, page, b"old")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "000000.webp").write_bytes(b"precious")
    for part in ("thumbs", "faces"):
        (old / part / "000000.webp").unlink()
        (old / part).rmdir()
        (old / part).symlink_to(outside)
    store(folder, page, b"new")
    assert (outside / "000000.webp").read_bytes() == b"precious"


def test_pictures_of_a_report_are_no_photos(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    store(tmp_path / "report_assets", tmp_path / "report.html", b"one")
    assert [photo.path.name for photo in discover([tmp_path])] == ["a.jpg"]


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="is no folder"):
            check_assets(folder)
    check_assets(tmp_path / "not" / "yet")
    assert names(tmp_path) == ["file"]
