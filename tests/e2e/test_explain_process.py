"""The installed program explains a real portrait with the model that comes with it."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from PIL import Image
from skimage import data

from piqa_cli.records import DEFECTS


@pytest.mark.slow
def test_a_portrait_explained_with_a_heat_map(here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(data.astronaut()).crop((60, 0, 380, 512)).save(tmp_path / "portrait.jpg", quality=95)
    before = (tmp_path / "portrait.jpg").read_bytes()
    command = [sys.executable, "-m", "piqa_cli", "explain", "portrait.jpg", "--heatmap", "map.png"]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    (face,) = found["faces"]
    assert 0.05 < face["share"] < 0.1
    assert abs(face["roll"]) < 10
    x1, y1, x2, y2 = face["eye_line"]
    assert face["box"][0] < x1 < x2 < face["box"][2]
    assert math.degrees(math.atan2(y2 - y1, x2 - x1)) == pytest.approx(face["roll"])
    assert (face["pose"], face["cut"]) == ("frontal", False)
    assert set(face["defects"]) == set(DEFECTS)
    assert len(found["map"]["patches"]) == 40
    with Image.open(tmp_path / "map.png") as picture:
        picture.load()
        assert picture.height > 1000
    again = here("explain", "portrait.jpg", "--heatmap", "portrait.jpg")
    assert (again.code, again.out) == (2, "")
    assert "end the name in .png" in again.err
    assert (tmp_path / "portrait.jpg").read_bytes() == before
