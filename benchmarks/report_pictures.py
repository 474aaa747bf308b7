"""The README's pictures of the report page, made anew: python -m benchmarks.report_pictures docs.

A small shoot is made of the photos that scikit-image brings, reported as `piqa report` reports it with the default
model, and looked at in headless Chromium, which must be installed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from skimage import data

from benchmarks.recipes import FAMILIES, degrade
from benchmarks.recipes_base import from_bytes, to_bytes
from benchmarks.report_page import DRAWN, VIEWPORT, chromium

START = datetime(2025, 6, 14, 16, 30)
BURST = timedelta(seconds=1)
APART = timedelta(minutes=10)
HEAD = (130, 0, 370, 270)  # of the astronaut
CAMERA = "Canon EOS R5"
DATE_TIME_ORIGINAL, EXIF_IFD, MODEL = 0x9003, 0x8769, 0x0110
IN_BURSTS = 7  # photos
SETTLED_MS = 300  # after which a page has drawn what a key changed
LIGHT, DARK = "report-light.png", "report-dark.png"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the two pictures go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        shoot = Path(temporary) / "demo"
        make_shoot(shoot)
        page = Path(temporary) / "report.html"
        command = [sys.executable, "-m", "piqa_cli", "report", shoot.name, "-o", page.name, "--quiet", "--no-cache"]
        subprocess.run(command, check=True, cwd=temporary)
        picture(page, options.folder)


def make_shoot(folder: Path) -> None:
    """Two bursts with frames that went wrong, and single photos with one defect each."""
    folder.mkdir(parents=True)
    for number, (pixels, moment) in enumerate(shots()):
        exif = Image.Exif()
        exif[MODEL] = CAMERA
        exif.get_ifd(EXIF_IFD)[DATE_TIME_ORIGINAL] = moment.strftime("%Y:%m:%d %H:%M:%S")
        Image.fromarray(pixels).save(folder / f"IMG_{4101 + number}.jpg", quality=92, exif=exif)


def shots() -> Iterator[tuple[np.ndarray, datetime]]:
    """Pixels and time of each."""
    whole = data.astronaut()
    left, top, right, bottom = HEAD
    head = np.ascontiguousarray(whole[top:bottom, left:right])
    moment = START
    for scene, frames in (
        (head, (None, ("camera shake", 4), None, ("defocus", 4))),
        (whole, (None, ("defocus", 4), None)),
    ):
        for turn, frame in enumerate(frames):
            moved = np.ascontiguousarray(scene[turn : len(scene) - 4 + turn])  # the camera is never quite still
            yield _degraded(moved, *frame) if frame else moved, moment
            moment += BURST
        moment += APART
    others = (data.chelsea(), data.coffee(), data.rocket())
    for pixels in (*others, *(_degraded(whole, family, 3) for family in FAMILIES)):
        yield pixels, moment
        moment += APART


def _degraded(pixels: np.ndarray, family: str, level: int) -> np.ndarray:
    return to_bytes(degrade(from_bytes(pixels), family, level, seed=1))


def picture(report: Path, folder: Path) -> None:
    """The contact sheet with some marks in light colours, and a soft frame at large in dark ones."""
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport=VIEWPORT, color_scheme="light")
        _open(page, report)
        for _ in range(IN_BURSTS):
            _press(page, *_mark(page), "ArrowRight")
        _press(page, "Home")
        page.evaluate("window.scrollTo(0, 0)")
        page.wait_for_timeout(SETTLED_MS)
        _shoot(page, folder / LIGHT)
        page = browser.new_page(viewport=VIEWPORT, color_scheme="dark")
        _open(page, report)
        _press(page, "ArrowRight", "ArrowRight", "Enter")
        page.wait_for_selector("#large .stage.loaded")
        page.wait_for_timeout(SETTLED_MS)
        _shoot(page, folder / DARK)
        browser.close()


def _open(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    page.wait_for_selector("body.ready")
    while not page.evaluate(DRAWN):
        page.wait_for_timeout(10)
    page.focus("#grid")


def _mark(page: Page) -> Iterator[str]:
    """The keys of a person who takes the best of a burst and throws away what is not sharp."""
    card = page.locator(".card.current").inner_text()
    if "Best" in card:
        yield "p"
    elif "blur" in card or "focus" in card:
        yield "x"


def _press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(SETTLED_MS)


def _shoot(page: Page, path: Path) -> None:
    """A picture of the page with 256 colours, half the size."""
    page.screenshot(path=path)
    with Image.open(path) as opened:
        shot = opened.convert("RGB")
    palette = shot.quantize(256)
    shot.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


if __name__ == "__main__":
    main()
