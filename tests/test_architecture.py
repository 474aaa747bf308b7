"""Imports point one way: photos, faces, model -> scoring -> outputs -> commands; training reads the first three."""

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOUNDATION = {"cores", "errors", "quick_start", "records", "shell_words", "spreadsheets", "table_parts", "threads"}
ALLOWED = {
    "errors": set(),
    "records": set(),
    "quick_start": set(),
    "shell_words": set(),
    "spreadsheets": set(),
    "cores": set(),
    "table_parts": {"errors"},
    "threads": {"cores"},
    "photos": FOUNDATION,
    "faces": FOUNDATION,
    "model": FOUNDATION,
    "scoring": FOUNDATION | {"photos", "faces", "model"},
    "ranking": FOUNDATION | {"photos", "model", "scoring"},
    "outputs": FOUNDATION | {"photos", "scoring", "ranking"},
    "gates": FOUNDATION | {"photos", "scoring", "ranking", "outputs"},
    "report": FOUNDATION | {"photos", "scoring", "ranking", "outputs", "gates"},
    "cluster": FOUNDATION | {"photos", "faces", "model", "scoring", "outputs"},
    "commands": FOUNDATION
    | {"photos", "faces", "model", "scoring", "ranking", "outputs", "gates", "report", "cluster"},
    "__main__": FOUNDATION | {"commands"},
    "training": FOUNDATION | {"photos", "faces", "model"},
}
ONLY_IMPORTER = {
    "facenet_pytorch": {"piqa_cli/faces/detect.py"},
    "timm": {"piqa_cli/model/backbone.py", "training/initial.py"},
    "rich": {f"piqa_cli/commands/console{part}.py" for part in ("", "_steps", "_train")},
    "exiv2": {"piqa_cli/photos/metadata.py"},
    "open_clip": {"piqa_cli/model/prompts.py"},
    "av": {"training/datasets/video.py"},
    "matplotlib": {"training/charts.py"},
}
SOURCES = sorted([*(ROOT / "piqa_cli").rglob("*.py"), *(ROOT / "training").rglob("*.py")])


def room(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return "training" if parts[0] == "training" else parts[1]


@functools.cache
def imported(path):
    """Dotted names of everything a file imports, wherever in the file."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_import_points_back(path):
    here = room(path)
    if here == "__init__":
        return
    rooms = {name.split(".")[1] for name in imported(path) if name.startswith("piqa_cli.")}
    assert rooms - {here} <= ALLOWED[here]


@pytest.mark.parametrize("library", ONLY_IMPORTER)
def test_a_library_has_one_door(library):
    users = {
        str(path.relative_to(ROOT)) for path in SOURCES if any(name.split(".")[0] == library for name in imported(path))
    }
    assert users <= ONLY_IMPORTER[library]


def test_files_stay_small():
    long = {str(p.relative_to(ROOT)): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 300}
    assert not long
