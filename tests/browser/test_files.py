"""The page's own files. Needs no browser."""

from pathlib import Path

import pytest

import piqa_cli.report

PAGE = Path(piqa_cli.report.__file__).parent / "page"
LISTED = (PAGE / "files.txt").read_text().split()
OWN = sorted(path for path in PAGE.glob("*.*") if path.suffix in (".js", ".css"))


def test_every_script_and_style_is_listed_once():
    there = {str(path.relative_to(PAGE)) for path in PAGE.rglob("*") if path.suffix in (".js", ".css")}
    assert set(LISTED) == there and len(LISTED) == len(there)


def test_the_chart_library_has_its_licence_beside_it():
    assert "MIT License" in (PAGE / "vendor/uPlot.LICENSE.txt").read_text()


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_nothing_makes_markup_or_code_out_of_text(path):
    text = path.read_text()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "cssText"):
        assert word not in text
    assert len(text.splitlines()) <= 300
