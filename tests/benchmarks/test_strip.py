"""The strip of the README."""

from PIL import Image

from benchmarks import strip
from benchmarks.recipes import FAMILIES, LEVELS


def test_the_strip_shows_every_version_and_is_small(tmp_path):
    panels = [(90.0 - 10 * n, one.version.case, one.image.crop(strip.SHOWN)) for n, one in enumerate(strip.render())]
    assert [words for _, words, _ in panels] == [case for case, _ in strip.VERSIONS]
    picture = strip.draw(panels)
    assert picture.size == (len(panels) * 150 - 6, 202)
    strip.write_png(picture, tmp_path / "strip.png")
    assert (tmp_path / "strip.png").stat().st_size < 200_000
    with Image.open(tmp_path / "strip.png") as read:
        assert read.size == picture.size
        assert read.convert("RGB").getpixel((60, 200)) == (255, 255, 255)


def test_the_strip_names_families_that_exist():
    assert all(case == "undegraded" or (case in FAMILIES and 1 <= level <= LEVELS) for case, level in strip.VERSIONS)


def test_the_best_comes_first(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(strip, "VERSIONS", (("defocus", 5), ("undegraded", 0)))
    strip.main([str(tmp_path / "strip.png")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("undegraded")
    assert lines[1].endswith("defocus")
    assert [path.name for path in tmp_path.iterdir()] == ["strip.png"]
